// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

#define ETH_P_IPV6	0x86dd

/* The endpoint gets packets of the test only. */
SEC("lwt_seg6local")
int on_net_lwt_seg6local(struct __sk_buff *skb)
{
	if (report.target && skb->protocol == bpf_htons(ETH_P_IPV6))
		net_ask(NET_PACKET, bpf_skb_netns_ident, skb);
	return BPF_OK;
}
