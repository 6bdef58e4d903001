// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("lsm/socket_sendmsg")
int BPF_PROG(on_net_lsm_sendmsg, struct socket *sock)
{
	struct sock *sk = sock->sk;

	/* Ignores the socket between the test and its tasks. */
	if (is_target() && sk && sk->__sk_common.skc_family == AF_INET) {
		net_ask_sock(NET_SOCK, sk);
		net_ask_task();
	}
	return 0;
}
