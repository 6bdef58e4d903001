// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("cgroup/dev")
int on_cgroup_device(struct bpf_cgroup_dev_ctx *ctx)
{
	report_ident();
	return 1;
}
