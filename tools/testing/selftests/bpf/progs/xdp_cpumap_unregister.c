// SPDX-License-Identifier: GPL-2.0
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1); /* set by the test */
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

const volatile __u32 cpu;
int queued;
int processed;

SEC("xdp")
int xdp_queue(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&queued, 1);
	return bpf_redirect_map(&cpus, cpu, XDP_DROP);
}

SEC("xdp/cpumap")
int xdp_process(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&processed, 1);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
