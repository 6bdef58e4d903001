// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("fentry/" SYS_PREFIX "sys_getpgid")
int BPF_PROG(on_fentry)
{
	report_ident();
	return 0;
}
