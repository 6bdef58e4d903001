// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* BPF_PROG_RUN of such a program calls it. It is sleepable. */
SEC("fentry.s/bpf_fentry_test1")
int BPF_PROG(on_fentry_s)
{
	report_ident();
	return 0;
}
