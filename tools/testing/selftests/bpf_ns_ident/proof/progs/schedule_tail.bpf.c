// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

/* A new task begins here, before it returns to userspace. */
SEC("kprobe/schedule_tail")
int on_schedule_tail(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (report.target && task->real_parent->tgid == report.target)
		send_report();
	return 0;
}
