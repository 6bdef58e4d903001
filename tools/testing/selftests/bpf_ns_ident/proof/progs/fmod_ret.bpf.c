// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* BPF_PROG_RUN of such a program calls it. */
SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(on_fmod_ret)
{
	report_ident();
	return 0;
}
