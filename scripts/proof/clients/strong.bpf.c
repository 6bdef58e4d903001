// SPDX-License-Identifier: GPL-2.0
#include "client.bpf.h"

int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;

SEC("classifier")
int run(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	int err = bpf_skb_netns_ident(skb, &ident);

	return result_of(err, ident);
}
