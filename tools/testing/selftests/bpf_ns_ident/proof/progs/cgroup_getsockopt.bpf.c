// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("cgroup/getsockopt")
int on_cgroup_getsockopt(struct bpf_sockopt *ctx)
{
	report_ident();
	return 1;
}
