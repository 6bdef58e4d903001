// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

#define PF_KTHREAD 0x00200000

/* Reports once, if any target is set. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_kthread, bool preempt, struct task_struct *prev)
{
	if (!prev->pid || !(prev->flags & PF_KTHREAD) ||
	    !__sync_lock_test_and_set(&report.target, 0))
		return 0;
	send_report();
	return 0;
}
