// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/*
 * Converts a socket that was looked up: to a full socket, to a socket of TCP, and
 * to a request socket.
 */
SEC("tc")
int on_net_casts(struct __sk_buff *skb)
{
	struct tcp_request_sock *request;
	struct bpf_sock_tuple tuple = {};
	struct bpf_sock *sk, *full;
	struct bpf_tcp_sock *info;
	struct tcp_sock *tcp;
	struct iphdr ip;

	if (!net_is_met(skb, ETH_HLEN) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) ||
	    ip.protocol != IPPROTO_TCP)
		return TCX_PASS;
	tuple.ipv4.saddr = ip.saddr;
	tuple.ipv4.daddr = ip.daddr;
	if (bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip), &tuple.ipv4.sport,
			       sizeof(tuple.ipv4.sport)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + sizeof(ip) + 2, &tuple.ipv4.dport,
			       sizeof(tuple.ipv4.dport)))
		return TCX_PASS;
	sk = bpf_skc_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4),
				BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TCX_PASS;
	full = bpf_sk_fullsock(sk);
	if (full)
		net_ask_sock(NET_FULL, full);
	info = bpf_tcp_sock(sk);
	if (info)
		net_ask_sock(NET_TCP_INFO, info);
	tcp = bpf_skc_to_tcp_sock(sk);
	if (tcp)
		net_ask_sock(NET_TCP, tcp);
	request = bpf_skc_to_tcp_request_sock(sk);
	if (request)
		net_ask_sock(NET_REQUEST, request);
	bpf_sk_release(sk);
	return TCX_PASS;
}
