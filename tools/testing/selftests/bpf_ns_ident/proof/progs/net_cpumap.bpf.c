// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);		/* the test has one for each CPU */
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct net_cpumap cpumap SEC(".data.cpumap");

SEC("xdp")
int on_net_cpumap(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *ports = (void *)(ip + 1);

	if ((void *)(ports + 1) > end || ip->version != 4 ||
	    ip->protocol != IPPROTO_UDP || ports->dest != bpf_htons(NET_PORT))
		return XDP_PASS;
	__sync_fetch_and_add(&cpumap.redirected, 1);
	return bpf_redirect_map(&cpus, cpumap.cpu, XDP_DROP);
}

/* Reads the index of a device that must still exist. */
SEC("xdp/cpumap")
int in_net_cpumap(struct xdp_md *ctx)
{
	if (ctx->ingress_ifindex != cpumap.ifindex)
		__sync_fetch_and_add(&cpumap.wrong, 1);
	__sync_fetch_and_add(&cpumap.calls, 1);
	return XDP_PASS;
}
