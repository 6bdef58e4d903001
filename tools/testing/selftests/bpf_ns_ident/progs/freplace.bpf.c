// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* The test says of what program it replaces plain(). */
SEC("freplace")
int on_freplace(__u32 value)
{
	report_ident();
	return 0;
}
