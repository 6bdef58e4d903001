// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Calls no kfunc, but freplace.bpf.c can extend it. */
__noinline int plain(__u32 value)
{
	return value + report.calls;
}

SEC("kprobe/" SYS_PREFIX "sys_getpgid")
int on_kprobe_plain(void *ctx)
{
	return plain(0) & 1;
}
