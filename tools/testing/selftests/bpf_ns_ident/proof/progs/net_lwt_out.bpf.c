// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("lwt_out")
int on_net_lwt_out(struct __sk_buff *skb)
{
	if (net_is_met(skb, 0))
		net_ask_sock_of(skb);
	return BPF_OK;
}
