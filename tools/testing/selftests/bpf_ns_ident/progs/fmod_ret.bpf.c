// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Called by BPF_PROG_RUN of a program like this one. */
SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(on_fmod_ret)
{
	report_ident();
	return 0;
}
