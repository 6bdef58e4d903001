// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* All sockets of the net namespace of the task that reads. */
SEC("iter/netlink")
int on_net_iter_netlink(struct bpf_iter__netlink *ctx)
{
	struct netlink_sock *sk = ctx->sk;

	if (report.target && sk)
		net_ask_sock(NET_SOCK, &sk->sk);
	return 0;
}
