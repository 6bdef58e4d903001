// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* The test selects the program in which this replaces plain(). */
SEC("freplace")
int on_net_freplace(struct __sk_buff *skb)
{
	if (net_is_met(skb, ETH_HLEN))
		net_ask_skb(skb);
	return 0;
}
