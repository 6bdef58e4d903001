// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

/* Reports once. The target is the number of a CPU, from 1. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_idle, bool preempt, struct task_struct *prev)
{
	if (prev->pid || report.target != bpf_get_smp_processor_id() + 1)
		return 0;
	report.target = 0;
	send_report();
	return 0;
}
