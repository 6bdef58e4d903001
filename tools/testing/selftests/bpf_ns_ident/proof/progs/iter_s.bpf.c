// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Runs on top of the reading task, not of the task of the iterator. */
SEC("iter.s/task")
int on_iter_s(struct bpf_iter__task *ctx)
{
	report_ident();
	return 0;
}
