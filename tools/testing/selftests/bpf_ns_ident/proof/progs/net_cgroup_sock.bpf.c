// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* The context is the socket, but kfuncs do not accept it as one. */
SEC("cgroup/sock_create")
int on_net_cgroup_sock(struct bpf_sock *ctx)
{
	if (is_target()) {
		net_ask_sock(NET_SOCK, bpf_cast_to_kern_ctx(ctx));
		net_ask_task();
	}
	return 1;
}
