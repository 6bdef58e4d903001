// SPDX-License-Identifier: GPL-2.0
/* Reports signals that are sent into another container. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"

struct signal {
	struct bpf_ns_ident from, to;
	__u32 sender, target;		/* pids on the host */
	__u32 number;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} signals SEC(".maps");

SEC("tp_btf/signal_generate")
int BPF_PROG(which_target, int number, struct kernel_siginfo *info,
	     struct task_struct *task)
{
	struct signal signal = {
		.sender = bpf_get_current_pid_tgid() >> 32,
		.target = task->tgid,
		.number = number,
	};

	if (bpf_get_current_pidns_ident(&signal.from) ||
	    bpf_task_pidns_ident(task, &signal.to))
		return 0;
	if (signal.from.id != signal.to.id)
		bpf_ringbuf_output(&signals, &signal, sizeof(signal), 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
