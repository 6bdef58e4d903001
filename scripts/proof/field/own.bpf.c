// SPDX-License-Identifier: GPL-2.0
/* A program in the terms of its loader, which sets no variables. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define NS_IDENT_ONLY_KFUNCS
#include "ns_ident.bpf.h"
#include "agent.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* An event without strings. */
SEC("tp_btf/sched_process_exec")
int on_exec(void *ctx)
{
	__s64 pid_tgid = bpf_get_current_pid_tgid_own();
	struct event *event;

	if (pid_tgid < 0)
		return 0;
	event = bpf_ringbuf_reserve(&events, offsetof(struct event, data), 0);
	if (!event)
		return 0;
	event->what = EXEC;
	event->pid_tgid = pid_tgid;
	bpf_get_current_pidns_ident(&event->ns[PID_TYPE]);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
