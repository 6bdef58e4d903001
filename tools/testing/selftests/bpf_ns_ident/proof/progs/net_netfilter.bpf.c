// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("netfilter")
int on_net_netfilter(struct bpf_nf_ctx *ctx)
{
	struct sk_buff *skb = ctx->skb;
	__be16 ports[2] = {};

	bpf_probe_read_kernel(ports, sizeof(ports),
			      skb->head + skb->network_header +
			      sizeof(struct iphdr));
	if (report.target && ports[1] == bpf_htons(NET_PORT))
		net_ask(NET_PACKET, bpf_nf_netns_ident, ctx);
	return 1;
}
