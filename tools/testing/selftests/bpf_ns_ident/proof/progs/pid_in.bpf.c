// SPDX-License-Identifier: GPL-2.0
#include "pid_in.bpf.h"

SEC("tp_btf/sys_enter")
int BPF_PROG(on_pid_in, struct pt_regs *regs, long id)
{
	if (PT_REGS_PARM1_SYSCALL(regs) == MAGIC_PID && is_target())
		report_pid_in();
	return 0;
}
