// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

#define TASK_DEAD 0x80

/*
 * Like dead.bpf.c, but the kfunc writes directly to the report. The rest of the
 * report does not change.
 */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_released, bool preempt, struct task_struct *prev)
{
	int err;

	if (!is_target() || !(prev->__state & TASK_DEAD))
		return 0;
	err = bpf_get_current_pidns_ident(&report.ident);
	bpf_ringbuf_output(&events, &err, sizeof(err), 0);
	return 0;
}
