// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* For clsact and for tcx. */
SEC("tc")
int on_net_tc(struct __sk_buff *skb)
{
	if (net_is_met(skb, ETH_HLEN))
		net_ask_skb(skb);
	return TCX_PASS;
}
