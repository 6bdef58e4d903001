// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"
#include "sock_create.h"

#define CLONE_NEWNET	0x40000000

struct sock_create created SEC(".data.created");

SEC("cgroup/sock_create")
int on_sock_create(struct bpf_sock *ctx)
{
	struct sock *sk = bpf_cast_to_kern_ctx(ctx);
	struct bpf_ns_ident task = {}, sock = {};

	if (!is_target())
		return 1;
	created.err = bpf_get_current_ns_ident(CLONE_NEWNET, &task) ?:
		      bpf_sk_netns_ident(&sk->__sk_common, &sock);
	created.task = task;
	created.sock = sock;
	created.cookie = bpf_get_netns_cookie(ctx);
	created.calls++;
	return 1;
}
