// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* A program at the driver has no socket, but can look one up. */
static __always_inline void ask_looked_up(struct xdp_md *ctx, __u8 protocol,
					  struct bpf_sock_tuple *tuple)
{
	struct bpf_sock *sk;

	if (protocol == IPPROTO_UDP)
		sk = bpf_sk_lookup_udp(ctx, tuple, sizeof(tuple->ipv4),
				       BPF_F_CURRENT_NETNS, 0);
	else
		sk = bpf_skc_lookup_tcp(ctx, tuple, sizeof(tuple->ipv4),
					BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		net_ask_sock(NET_SOCK, sk);
		bpf_sk_release(sk);
	}
}

SEC("xdp")
int on_net_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct bpf_sock_tuple tuple = {};
	struct udphdr *ports;

	if (!report.target || (void *)(ip + 1) > end || ip->version != 4)
		return XDP_PASS;
	ports = (void *)(ip + 1);
	if ((void *)(ports + 1) > end || ports->dest != bpf_htons(NET_PORT))
		return XDP_PASS;

	net_ask(NET_PACKET, bpf_xdp_netns_ident, ctx);
	tuple.ipv4.saddr = ip->saddr;
	tuple.ipv4.daddr = ip->daddr;
	tuple.ipv4.sport = ports->source;
	tuple.ipv4.dport = ports->dest;
	ask_looked_up(ctx, ip->protocol, &tuple);
	return XDP_PASS;
}
