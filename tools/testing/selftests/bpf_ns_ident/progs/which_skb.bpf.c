// SPDX-License-Identifier: GPL-2.0
/* Counts received bytes by the net namespace of the packet. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* Number of bytes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} bytes SEC(".maps");

/* One program for any number of devices, in any number of namespaces. */
SEC("tcx/ingress")
int which_skb(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	__u64 zero = 0, *count;

	if (bpf_skb_netns_ident(skb, &ident))
		return TCX_NEXT;
	count = bpf_map_lookup_elem(&bytes, &ident);
	if (!count) {
		bpf_map_update_elem(&bytes, &ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&bytes, &ident);
	}
	if (count)
		__sync_fetch_and_add(count, skb->len);
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
