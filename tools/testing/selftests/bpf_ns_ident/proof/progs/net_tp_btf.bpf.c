// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* For any current task: packets of the other end also change the state. */
SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(on_net_tp_btf, const struct sock *sk)
{
	if (!report.target)
		return 0;
	if (sk->__sk_common.skc_dport == bpf_htons(NET_PORT))
		net_ask_sock(NET_SOCK, sk);
	else if (sk->__sk_common.skc_num == NET_PORT)
		net_ask_sock(NET_PEER, sk);
	return 0;
}
