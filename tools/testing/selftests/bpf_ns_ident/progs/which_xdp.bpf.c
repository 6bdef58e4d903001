// SPDX-License-Identifier: GPL-2.0
/* Counts received frames by the net namespace of the device. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* Number of frames. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} frames SEC(".maps");

/* One program for any number of devices, in any number of namespaces. */
SEC("xdp")
int which_xdp(struct xdp_md *ctx)
{
	struct bpf_ns_ident ident = {};
	__u64 zero = 0, *count;

	if (bpf_xdp_netns_ident(ctx, &ident))
		return XDP_PASS;
	count = bpf_map_lookup_elem(&frames, &ident);
	if (!count) {
		bpf_map_update_elem(&frames, &ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&frames, &ident);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
