// SPDX-License-Identifier: GPL-2.0
/*
 * Another task loads a program in a callback, on its way back to userspace. The
 * test has written the instructions. fd_array has the BTF of the module.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define KFUNC "bpf_get_current_pidns_ident"
#define KIND_FUNC 12	/* BTF_KIND_FUNC */
#define CALL 0x85	/* BPF_JMP | BPF_CALL */
#define ESRCH 3

struct work {
	struct bpf_task_work tw;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct work);
} works SEC(".maps");

struct bpf_insn insns[8];
__u32 insn_cnt;
__u32 target;		/* a process id in the initial pid namespace */
bool is_kept;		/* keeps the program, as `fd` of the other task */
int fd;
int is_done;
int err;

static int fd_array[2];
static const char gpl[] = "GPL";
static const char kfunc[] = KFUNC;

static int load(struct bpf_map *map, void *key, void *value)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.prog_name = "by_task_work",
	};
	long btf;

	/* The other task does not have the file descriptor of the BTF. */
	btf = bpf_btf_find_by_name_kind((char *)kfunc, sizeof(kfunc), KIND_FUNC,
					0);
	fd_array[1] = btf >> 32;
	/* A kfunc of vmlinux has no file descriptor. */
	if (btf > 0 && !fd_array[1])
		for (int i = 0; i < 8; i++)
			if (insns[i].code == CALL && insns[i].off == 1)
				insns[i].off = 0;
	attr.insns = (__u64)insns;
	attr.insn_cnt = insn_cnt;
	attr.license = (__u64)gpl;
	attr.fd_array = (__u64)fd_array;
	err = btf < 0 ? btf : bpf_sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (err >= 0) {
		fd = err;
		if (!is_kept)
			bpf_sys_close(fd);
		err = 0;
	}
	if (fd_array[1] > 0)
		bpf_sys_close(fd_array[1]);
	__sync_lock_test_and_set(&is_done, 1);
	return 0;
}

SEC("syscall")
int have_task_load(void *ctx)
{
	struct task_struct *task;
	struct work *work;
	int zero = 0, ret;

	work = bpf_map_lookup_elem(&works, &zero);
	task = bpf_task_from_pid(target);
	if (!task)
		return -ESRCH;
	ret = work ? bpf_task_work_schedule_signal(task, &work->tw, &works, load) : -1;
	bpf_task_release(task);
	return ret;
}

char LICENSE[] SEC("license") = "GPL";
