// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* The test selects the program in which this replaces plain(). */
SEC("freplace")
int on_freplace(__u32 value)
{
	report_ident();
	return 0;
}
