// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("lwt_in")
int on_net_lwt_in(struct __sk_buff *skb)
{
	if (net_is_met(skb, 0))
		net_ask_skb(skb);
	return BPF_OK;
}
