// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* Sockets of both ends. */
SEC("sockops")
int on_net_sock_ops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct bpf_tcp_sock *tp;
	int which;

	if (!report.target || !sk)
		return 1;
	if (ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		which = NET_SOCK;
	else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		which = NET_PEER;
	else
		return 1;

	net_ask_sock(which, sk);
	tp = bpf_tcp_sock(sk);
	if (tp)
		net_ask_sock(which, tp);
	return 1;
}
