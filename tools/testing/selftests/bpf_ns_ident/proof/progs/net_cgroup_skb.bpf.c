// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* For both directions. */
SEC("cgroup/skb")
int on_net_cgroup_skb(struct __sk_buff *skb)
{
	if (net_is_met(skb, 0))
		net_ask_skb(skb);
	return 1;
}
