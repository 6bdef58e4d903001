// SPDX-License-Identifier: GPL-2.0
/* A kfunc, and a field that a loader relocates. */
#include "client.bpf.h"

#define ESRCH 3

int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;

SEC("classifier")
int run(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	int err;

	if (!bpf_core_field_exists(struct task_struct, nsproxy))
		return -ESRCH;
	err = bpf_skb_netns_ident(skb, &ident);
	return result_of(err, ident);
}
