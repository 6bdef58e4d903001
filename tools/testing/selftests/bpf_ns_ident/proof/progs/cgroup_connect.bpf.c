// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("cgroup/connect4")
int on_cgroup_connect(struct bpf_sock_addr *ctx)
{
	report_ident();
	return 1;
}
