// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("cgroup/sock_create")
int on_cgroup_sock(struct bpf_sock *ctx)
{
	report_ident();
	return 1;
}
