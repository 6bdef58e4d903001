// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("socket")
int on_filter_unix(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = {};
	struct bpf_sock *sk = skb->sk;

	if (!sk)
		return 0;
	report.err = bpf_sk_netns_ident((struct sock_common *)sk, &ident);
	report.ident = ident;
	report.calls++;
	/* Keep the whole packet. */
	return -1;
}
