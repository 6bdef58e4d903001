// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* A kfunc accepts the socket, and not the context. */
SEC("cgroup/sock_release")
int on_net_cgroup_sock_release(struct bpf_sock *ctx)
{
	if (is_target()) {
		net_ask_sock(NET_SOCK, bpf_cast_to_kern_ctx(ctx));
		net_ask_task();
	}
	return 1;
}
