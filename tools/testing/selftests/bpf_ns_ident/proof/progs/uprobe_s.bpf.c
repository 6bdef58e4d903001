// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* The test attaches it to a function in the test program. */
SEC("uprobe.s")
int on_uprobe_s(void *ctx)
{
	report_ident();
	return 0;
}
