// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Called by BPF_PROG_RUN of a program like this one, and allowed to sleep. */
SEC("fentry.s/bpf_fentry_test1")
int BPF_PROG(on_fentry_s)
{
	report_ident();
	return 0;
}
