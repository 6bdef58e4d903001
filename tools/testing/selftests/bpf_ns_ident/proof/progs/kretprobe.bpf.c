// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("kretprobe/" SYS_PREFIX "sys_getpgid")
int on_kretprobe(void *ctx)
{
	report_ident();
	return 0;
}
