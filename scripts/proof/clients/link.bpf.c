// SPDX-License-Identifier: GPL-2.0
/*
 * Half of a program for `bpftool gen object`. Each half calls the kfunc. -DFIRST compiles the first half,
 * and -DWEAK the declaration of a weak kfunc.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct bpf_ns_ident { __u64 dev, ino, id; };

#ifndef WEAK
#define __weak_or_not
#else
#define __weak_or_not __weak
#endif

int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym __weak_or_not;

#ifdef FIRST
int other_half(struct __sk_buff *skb);

SEC("classifier")
int run(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	int err = bpf_skb_netns_ident(skb, &ident);

	if (err)
		return err;
	return other_half(skb) == (int)ident.id ? (int)ident.id : -1;
}

char LICENSE[] SEC("license") = "GPL";
#else
int other_half(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	int err = bpf_skb_netns_ident(skb, &ident);

	return err ? err : (int)ident.id;
}
#endif
