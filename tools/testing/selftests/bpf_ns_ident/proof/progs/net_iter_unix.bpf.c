// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* All sockets of the net namespace of the task that reads. */
SEC("iter/unix")
int on_net_iter_unix(struct bpf_iter__unix *ctx)
{
	struct unix_sock *sk = ctx->unix_sk;

	if (report.target && sk)
		net_ask_sock(NET_SOCK, &sk->sk);
	return 0;
}
