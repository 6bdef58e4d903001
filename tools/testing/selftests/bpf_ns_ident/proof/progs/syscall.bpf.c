// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("syscall")
int on_syscall(void *ctx)
{
	report_ident();
	return 0;
}
