// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("cgroup/recvmsg4")
int on_net_cgroup_recvmsg(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (is_target() && sk) {
		net_ask_sock(NET_SOCK, sk);
		net_ask_task();
	}
	return 1;
}
