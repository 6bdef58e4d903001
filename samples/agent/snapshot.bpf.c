// SPDX-License-Identifier: GPL-2.0
/* The BPF program of the snapshot: an event for each existing task. */
#define NR_SLOTS	1
#define SLEEPABLE
#include "event.bpf.h"

SEC("iter.s/task")
int snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct event *event;
	struct event_slot *slot;
	__s64 pid_tgid;

	if (!task)
		return 0;
	pid_tgid = pid_tgid_of(task);
	if (pid_tgid < 0)
		return 0;
	slot = take_slot();
	if (!slot)
		return 0;
	event = &slot->event;
	start_event(event, TASK, task, pid_tgid);
	bpf_task_pidns_ident(task, &event->ns[PID_TYPE]);
	event->pid_tgid_inside =
		bpf_task_pid_tgid_in(task, &event->ns[PID_TYPE]);
	read_argv(event, task, false);
	bpf_seq_write(ctx->meta->seq, event, event_size(event));
	give_slot_back(slot);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
