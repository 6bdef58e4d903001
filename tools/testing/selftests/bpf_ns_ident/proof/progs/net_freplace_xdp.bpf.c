// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* The test selects the program in which this replaces plain(). */
SEC("freplace")
int on_net_freplace_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *ports = (void *)(ip + 1);

	if (report.target && (void *)(ports + 1) <= end && ip->version == 4 &&
	    ports->dest == bpf_htons(NET_PORT))
		net_ask(NET_PACKET, bpf_xdp_netns_ident, ctx);
	return 0;
}
