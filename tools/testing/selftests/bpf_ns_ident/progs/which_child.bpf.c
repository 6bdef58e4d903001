// SPDX-License-Identifier: GPL-2.0
/* Reports the container of a new task, and its pid there. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"

struct fork {
	__u64 parent;			/* tgid << 32 | pid, on the host */
	__u64 child;			/* in the namespace of the child */
	struct bpf_ns_ident pidns;	/* of the child */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} forks SEC(".maps");

/* The current task is the parent, which may be in another namespace. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(which_child, struct task_struct *parent, struct task_struct *child)
{
	struct fork fork = { .parent = bpf_get_current_pid_tgid() };

	if (!bpf_task_pidns_ident(child, &fork.pidns)) {
		fork.child = bpf_task_pid_tgid_in(child, &fork.pidns);
		bpf_ringbuf_output(&forks, &fork, sizeof(fork), 0);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
