// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"
#include "pid_in.bpf.h"

#define TASK_DEAD 0x80

/* Runs at the last switch away from a task. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_pid_in_dead, bool preempt, struct task_struct *prev)
{
	if (is_target() && (prev->__state & TASK_DEAD)) {
		report_pid_in();
		send_report();
	}
	return 0;
}
