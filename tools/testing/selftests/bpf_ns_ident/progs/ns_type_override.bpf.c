// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* When the task acts with credentials of another user namespace than its own. */
SEC("lsm/file_open")
int BPF_PROG(on_ns_type_override)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	/* If the kernel was compiled by clang, these may be NULL for the verifier. */
	if (is_target() && BPF_CORE_READ(task, cred, user_ns) !=
			   BPF_CORE_READ(task, real_cred, user_ns))
		report_current_type();
	return 0;
}
