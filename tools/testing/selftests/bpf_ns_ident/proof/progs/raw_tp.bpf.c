// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("raw_tp/sys_enter")
int on_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) == MAGIC_PID)
		report_ident();
	return 0;
}
