// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

#define TCP_RST			0x04	/* bit of the flags byte */
#define ICMP_DEST_UNREACH	3

/* Packets that the kernel sends from its own sockets: a RST of TCP, and ICMP. */
SEC("tc")
int on_net_answers(struct __sk_buff *skb)
{
	struct iphdr ip;
	__u8 byte;

	if (!report.target || skb->protocol != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return TCX_PASS;
	if (ip.protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip) + 13, &byte, 1) ||
		    !(byte & TCP_RST))
			return TCX_PASS;
	} else if (ip.protocol == IPPROTO_ICMP) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &byte, 1) ||
		    byte != ICMP_DEST_UNREACH)
			return TCX_PASS;
	} else {
		return TCX_PASS;
	}
	net_ask_skb(skb);
	return TCX_PASS;
}
