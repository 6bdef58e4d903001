// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("fexit/" SYS_PREFIX "sys_getpgid")
int BPF_PROG(on_fexit)
{
	report_ident();
	return 0;
}
