// SPDX-License-Identifier: GPL-2.0
/*
 * Counts packets and bytes by the identity of their net namespace. One program
 * for each direction is attached to all devices of all namespaces.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"
#include "nstop.h"

/* Per CPU, so no atomic operations: softirqs are off in both directions. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, NSTOP_MAX_NS);
	__type(key, struct bpf_ns_ident);
	__type(value, struct nstop_traffic);
} traffic SEC(".maps");

struct nstop_lost lost;

/* The kernel has no kfuncs. */
bool walks;

static void count(const struct __sk_buff *skb, int direction)
{
	struct nstop_traffic *sum, zero = {};
	struct bpf_ns_ident ident = {};

	if (!ns_ident_has_kfuncs() && !walks)
		walks = true;
	if (bpf_skb_netns_ident(skb, &ident)) {
		__sync_fetch_and_add(&lost.no_ident, 1);
		return;
	}

	sum = bpf_map_lookup_elem(&traffic, &ident);
	if (!sum) {
		/* An error means that another CPU has added it. */
		bpf_map_update_elem(&traffic, &ident, &zero, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(&traffic, &ident);
	}

	if (sum) {
		sum->packets[direction]++;
		sum->bytes[direction] += skb->len;
	} else {
		__sync_fetch_and_add(&lost.ns_full, 1);
	}
}

SEC("tcx/ingress")
int count_rx(struct __sk_buff *skb)
{
	count(skb, NSTOP_RX);
	return TCX_NEXT;
}

SEC("tcx/egress")
int count_tx(struct __sk_buff *skb)
{
	count(skb, NSTOP_TX);
	return TCX_NEXT;
}

char LICENSE[] SEC("license") = "GPL";
