// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

/* Returns whether the frame is one of the test, and stores its tuple. */
static __always_inline bool is_met(struct xdp_md *ctx,
				   struct bpf_sock_tuple *tuple)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *ports = (void *)(ip + 1);

	if (!report.target || (void *)(ports + 1) > end || ip->version != 4 ||
	    ip->protocol != IPPROTO_UDP || ports->dest != bpf_htons(NET_PORT))
		return false;
	tuple->ipv4.saddr = ip->saddr;
	tuple->ipv4.daddr = ip->daddr;
	tuple->ipv4.sport = ports->source;
	tuple->ipv4.dport = ports->dest;
	return true;
}

static __always_inline int ask(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk;

	if (!is_met(ctx, &tuple))
		return XDP_PASS;
	sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4),
			       BPF_F_CURRENT_NETNS, 0);
	if (sk) {
		net_ask_sock(NET_SOCK, sk);
		bpf_sk_release(sk);
	}
	return XDP_PASS;
}

/* The test has filled one of the maps. */
SEC("xdp")
int on_net_xdp_maps(struct xdp_md *ctx)
{
	struct bpf_sock_tuple tuple = {};
	__u32 zero = 0;

	if (!is_met(ctx, &tuple))
		return XDP_PASS;
	if (bpf_map_lookup_elem(&devices, &zero))
		return bpf_redirect_map(&devices, 0, XDP_PASS);
	return bpf_redirect_map(&cpus, 0, XDP_PASS);
}

SEC("xdp/cpumap")
int in_cpumap(struct xdp_md *ctx)
{
	return ask(ctx);
}

SEC("xdp/devmap")
int in_devmap(struct xdp_md *ctx)
{
	return ask(ctx);
}
