// SPDX-License-Identifier: GPL-2.0
/* Also calls a kfunc of the module fou, which rejects a packet that is not from a tunnel. */
#include "client.bpf.h"

#define EINVAL 22

struct bpf_fou_encap {
	__be16 sport;
	__be16 dport;
};

int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;
int bpf_skb_get_fou_encap(struct __sk_buff *skb_ctx, struct bpf_fou_encap *encap) __ksym;

SEC("classifier")
int run(struct __sk_buff *skb)
{
	struct bpf_fou_encap encap = {};
	struct bpf_ns_ident ident = {};
	int err = bpf_skb_get_fou_encap(skb, &encap);

	if (err != -EINVAL)
		return err;
	err = bpf_skb_netns_ident(skb, &ident);
	return result_of(err, ident);
}
