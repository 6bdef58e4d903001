// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("cgroup/sysctl")
int on_cgroup_sysctl(struct bpf_sysctl *ctx)
{
	report_ident();
	return 1;
}
