// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

#define PF_KTHREAD 0x00200000

/* Reports once. The excluded thread has a mount namespace of its own. */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_kthread_type, bool preempt, struct task_struct *prev)
{
	if (!prev->pid || !(prev->flags & PF_KTHREAD) ||
	    !bpf_strncmp(prev->comm, 9, "kdevtmpfs") ||
	    !__sync_lock_test_and_set(&report.target, 0))
		return 0;
	report_current_type();
	bpf_ringbuf_output(&events, &report, sizeof(report), 0);
	return 0;
}
