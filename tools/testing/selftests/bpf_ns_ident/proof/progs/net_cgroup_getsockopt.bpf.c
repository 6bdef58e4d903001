// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("cgroup/getsockopt")
int on_net_cgroup_getsockopt(struct bpf_sockopt *ctx)
{
	if (is_target() && ctx->sk) {
		net_ask_sock(NET_SOCK, ctx->sk);
		net_ask_task();
	}
	return 1;
}
