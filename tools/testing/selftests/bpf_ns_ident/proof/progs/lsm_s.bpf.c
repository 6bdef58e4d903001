// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("lsm.s/file_open")
int BPF_PROG(on_lsm_s)
{
	report_ident();
	return 0;
}
