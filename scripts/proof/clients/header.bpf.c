// SPDX-License-Identifier: GPL-2.0
/* With the header, which calls the kfunc or walks. Only the id counts here, so any device will do. */
#define NS_IDENT_DEV 1
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* Set in the result of a kfunc, see __main__.py. */
#define BY_KFUNC	(1 << 30)

SEC("classifier")
int run(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	int err = bpf_skb_netns_ident(skb, &ident);

	if (err)
		return err;
	return (int)ident.id | (ns_ident_has_kfuncs() ? BY_KFUNC : 0);
}

char LICENSE[] SEC("license") = "GPL";
