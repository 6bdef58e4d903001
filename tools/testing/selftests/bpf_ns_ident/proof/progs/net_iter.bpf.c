// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* Sockets in all states: listening, connected, TIME_WAIT. */
SEC("iter/tcp")
int on_net_iter(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;

	if (!report.target || !sk)
		return 0;
	if (sk->skc_dport == bpf_htons(NET_PORT) &&
	    sk->skc_state == BPF_TCP_TIME_WAIT)
		net_ask_sock(NET_SOCK, sk);
	else if (sk->skc_num == NET_PORT && sk->skc_state == BPF_TCP_LISTEN)
		net_ask_sock(NET_PEER, sk);
	net_ask_task();
	return 0;
}
