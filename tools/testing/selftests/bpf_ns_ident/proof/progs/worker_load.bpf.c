// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel worker loads a program: userspace writes `insns`, and the fd_array has
 * the BTF of the module with the kfunc.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define KFUNC "bpf_get_current_pidns_ident"
#define KIND_FUNC 12	/* BTF_KIND_FUNC */

struct work {
	struct bpf_wq wq;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct work);
} works SEC(".maps");

struct bpf_insn insns[8];
__u32 insn_cnt;
int is_done;
int err;

static int fd_array[2];
static const char gpl[] = "GPL";
static const char kfunc[] = KFUNC;

static int load(void *map, int *key, void *value)
{
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.prog_name = "by_worker",
	};
	long btf;

	/* The worker has its own files, so it needs its own descriptor. */
	btf = bpf_btf_find_by_name_kind((char *)kfunc, sizeof(kfunc), KIND_FUNC,
					0);
	fd_array[1] = btf >> 32;
	attr.insns = (__u64)insns;
	attr.insn_cnt = insn_cnt;
	attr.license = (__u64)gpl;
	attr.fd_array = (__u64)fd_array;
	err = btf < 0 ? btf : bpf_sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	if (err >= 0) {
		bpf_sys_close(err);
		err = 0;
	}
	if (fd_array[1] > 0)
		bpf_sys_close(fd_array[1]);
	__sync_lock_test_and_set(&is_done, 1);
	return 0;
}

SEC("syscall")
int have_worker_load(void *ctx)
{
	struct work *work;
	int zero = 0;

	work = bpf_map_lookup_elem(&works, &zero);
	if (!work)
		return -1;
	return bpf_wq_init(&work->wq, &works, 0) ?:
	       bpf_wq_set_callback(&work->wq, load, 0) ?:
	       bpf_wq_start(&work->wq, 0);
}

char LICENSE[] SEC("license") = "GPL";
