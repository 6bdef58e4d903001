// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* Calls no kfunc. net_freplace.bpf.c extends it. */
__noinline int plain(struct __sk_buff *skb)
{
	return skb->len + report.calls;
}

SEC("tc")
int on_tc_plain(struct __sk_buff *skb)
{
	return plain(skb) < 0 ? TCX_DROP : TCX_PASS;
}
