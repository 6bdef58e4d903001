// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* The test attaches it to a function in the test program. */
SEC("uretprobe")
int on_uretprobe(void *ctx)
{
	report_ident();
	return 0;
}
