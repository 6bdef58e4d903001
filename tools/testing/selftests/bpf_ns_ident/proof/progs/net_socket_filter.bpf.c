// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

SEC("socket")
int on_net_socket_filter(struct __sk_buff *skb)
{
	/* The data begins with the transport header, of TCP or UDP. */
	__be16 ports[2];

	if (report.target && !bpf_skb_load_bytes(skb, 0, ports, sizeof(ports)) &&
	    ports[1] == bpf_htons(NET_PORT))
		net_ask_sock_of(skb);
	return -1;
}
