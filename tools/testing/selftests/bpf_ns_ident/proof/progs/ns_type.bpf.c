// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("tp_btf/sys_enter")
int BPF_PROG(on_ns_type, struct pt_regs *regs, long id)
{
	if (PT_REGS_PARM1_SYSCALL(regs) == MAGIC_PID && is_target())
		report_current_type();
	return 0;
}
