// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("tp_btf/sys_enter")
int BPF_PROG(on_tp_btf, struct pt_regs *regs, long id)
{
	if (PT_REGS_PARM1_SYSCALL(regs) == MAGIC_PID)
		report_ident();
	return 0;
}
