// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} socks SEC(".maps");

/* For packets in the queue of a socket, which have no device. */
int with_device;

SEC("sk_skb")
int on_net_sk_skb(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (skb->ifindex)
		__sync_fetch_and_add(&with_device, 1);
	if (report.target && sk)
		net_ask_sock(NET_SOCK, sk);
	return SK_PASS;
}
