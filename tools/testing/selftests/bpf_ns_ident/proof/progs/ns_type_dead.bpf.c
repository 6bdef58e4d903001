// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

#define TASK_DEAD 0x80

/* Runs at the last switch away from a task. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_ns_type_dead, bool preempt, struct task_struct *prev)
{
	if (is_target() && (prev->__state & TASK_DEAD)) {
		report_current_type();
		bpf_ringbuf_output(&events, &report, sizeof(report), 0);
	}
	return 0;
}
