// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("lsm/task_getpgid")
int BPF_PROG(on_lsm)
{
	report_ident();
	return 0;
}
