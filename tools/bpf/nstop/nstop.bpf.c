// SPDX-License-Identifier: GPL-2.0
/*
 * Counts system calls by the identity of the caller's pid namespace, and
 * remembers which identity each task was given, so that userspace can check.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "nstop.h"

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;

/*
 * Per CPU, and added to without atomics: the kernel does not run the program
 * a second time on a CPU where it has not finished. It counts such runs as
 * missed instead, which userspace reports.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, NSTOP_MAX_NS);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NSTOP_MAX_TASKS);
	__type(key, struct nstop_task_key);
	__type(value, struct nstop_task);
} tasks SEC(".maps");

struct nstop_lost lost;

/* Set while userspace reads the maps, so that they belong together. */
bool paused;

static void count_call(const struct bpf_ns_ident *ident)
{
	__u64 *count, zero = 0;

	count = bpf_map_lookup_elem(&calls, ident);
	if (!count) {
		/* May fail because another CPU was faster, which is fine. */
		bpf_map_update_elem(&calls, ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&calls, ident);
	}

	if (count)
		(*count)++;
	else
		__sync_fetch_and_add(&lost.ns_full, 1);
}

static void remember_task(const struct bpf_ns_ident *ident)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct nstop_task_key key = {
		.start = leader->start_boottime,
		.tgid = leader->tgid,
	};
	struct nstop_task *task;

	task = bpf_map_lookup_elem(&tasks, &key);
	if (!task) {
		struct nstop_task first = { .ident = *ident };

		bpf_get_current_comm(first.comm, sizeof(first.comm));
		bpf_map_update_elem(&tasks, &key, &first, BPF_NOEXIST);
		task = bpf_map_lookup_elem(&tasks, &key);
	}

	if (!task)
		__sync_fetch_and_add(&lost.task_full, 1);
	else if (task->ident.dev != ident->dev ||
		 task->ident.ino != ident->ino || task->ident.id != ident->id)
		__sync_lock_test_and_set(&task->changed, 1);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(count_sys_enter)
{
	struct bpf_ns_ident ident = {};

	if (paused)
		return 0;
	if (bpf_get_current_pidns_ident(&ident)) {
		__sync_fetch_and_add(&lost.no_ident, 1);
		return 0;
	}

	count_call(&ident);
	remember_task(&ident);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
