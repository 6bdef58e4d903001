// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* When the task acts with credentials of another user namespace than its own. */
SEC("lsm/file_open")
int BPF_PROG(on_ns_type_override)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (is_target() && task->cred->user_ns != task->real_cred->user_ns)
		report_current_type();
	return 0;
}
