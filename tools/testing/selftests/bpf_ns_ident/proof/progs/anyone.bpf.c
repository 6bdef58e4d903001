// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* For tasks with an unknown process id. */
SEC("raw_tp/sys_enter")
int on_anyone(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];

	if (report.target && PT_REGS_PARM1_CORE_SYSCALL(regs) == MAGIC_PID)
		report_current();
	return 0;
}
