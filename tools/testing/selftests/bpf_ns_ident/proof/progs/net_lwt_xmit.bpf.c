// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("lwt_xmit")
int on_net_lwt_xmit(struct __sk_buff *skb)
{
	if (net_is_met(skb, 0))
		net_ask_skb(skb);
	return BPF_OK;
}
