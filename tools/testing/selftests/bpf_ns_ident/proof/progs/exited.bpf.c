// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

#define TASK_DEAD 0x80

__u64 bpf_ns_test_has_pid_ns(void) __ksym;

/* Runs at switches away from a live task, and at the last switch. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_exited, bool preempt, struct task_struct *prev)
{
	if (!is_target())
		return 0;
	if (prev->__state & TASK_DEAD) {
		report.err = bpf_ns_test_has_pid_ns();
		bpf_ringbuf_output(&events, &report, sizeof(report), 0);
	} else {
		report.calls = bpf_ns_test_has_pid_ns();
	}
	return 0;
}
