// SPDX-License-Identifier: GPL-2.0
/* Counts TCP connections by the net namespace of the socket. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* Number of connected sockets of a net namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} connected SEC(".maps");

/* The arguments are struct sock *sk, int oldstate, int newstate. */
SEC("tp_btf/inet_sock_set_state")
int which_sk(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct bpf_ns_ident ident = {};
	__u64 zero = 0, *count;

	/* The current task may be unrelated: a packet can cause this event. */
	if ((int)ctx[2] != BPF_TCP_ESTABLISHED ||
	    bpf_sk_netns_ident(&sk->__sk_common, &ident))
		return 0;
	count = bpf_map_lookup_elem(&connected, &ident);
	if (!count) {
		bpf_map_update_elem(&connected, &ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&connected, &ident);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
