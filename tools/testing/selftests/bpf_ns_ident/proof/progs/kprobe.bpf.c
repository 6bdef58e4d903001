// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("kprobe/" SYS_PREFIX "sys_getpgid")
int on_kprobe(void *ctx)
{
	report_ident();
	return 0;
}
