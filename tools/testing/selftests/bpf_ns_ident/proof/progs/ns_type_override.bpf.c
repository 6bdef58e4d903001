// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* The task acts with credentials of another user namespace. */
SEC("lsm/file_open")
int BPF_PROG(on_ns_type_override)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	/* In a kernel compiled by clang, the verifier may treat these as NULL. */
	if (is_target() && BPF_CORE_READ(task, cred, user_ns) !=
			   BPF_CORE_READ(task, real_cred, user_ns))
		report_current_type();
	return 0;
}
