// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("tp/syscalls/sys_enter_getpgid")
int on_tp(struct syscall_trace_enter *ctx)
{
	report_ident();
	return 0;
}
