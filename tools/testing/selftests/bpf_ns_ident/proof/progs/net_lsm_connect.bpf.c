// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("lsm/socket_connect")
int BPF_PROG(on_net_lsm_connect, struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (is_target() && sk) {
		net_ask_sock(NET_SOCK, sk);
		net_ask_task();
	}
	return 0;
}
