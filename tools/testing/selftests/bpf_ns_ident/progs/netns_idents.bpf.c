// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ident.h"

int bpf_sk_netns_ident(const struct sock_common *sk, struct bpf_ns_ident *ident) __ksym;
int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;
int bpf_xdp_netns_ident(const struct xdp_md *ctx, struct bpf_ns_ident *ident) __ksym;
int bpf_nf_netns_ident(const struct bpf_nf_ctx *ctx, struct bpf_ns_ident *ident) __ksym;

struct answer answer;
struct answer answer_of_socket;

#define ask(KFUNC, ARG, ANSWER)						\
	do {								\
		struct bpf_ns_ident ident = { -1, -1, -1 };		\
									\
		(ANSWER)->err = KFUNC(ARG, &ident);			\
		(ANSWER)->ident = ident;				\
		(ANSWER)->calls++;					\
	} while (0)

SEC("tc")
int on_skb(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	ask(bpf_skb_netns_ident, skb, &answer);
	if (sk)
		ask(bpf_sk_netns_ident, (struct sock_common *)sk, &answer_of_socket);
	return 0;
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	ask(bpf_xdp_netns_ident, ctx, &answer);
	return XDP_DROP;
}

SEC("netfilter")
int on_nf(struct bpf_nf_ctx *ctx)
{
	ask(bpf_nf_netns_ident, ctx, &answer);
	return 1;
}

char _license[] SEC("license") = "GPL";
