// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} socks SEC(".maps");

/* What is left of a packet once it is at its socket. */
SEC("sk_skb")
int on_net_sk_skb(struct __sk_buff *skb)
{
	if (report.target)
		net_ask_skb(skb);
	return SK_PASS;
}
