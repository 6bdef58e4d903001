// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* Calls no kfunc. net_freplace_xdp.bpf.c extends it. */
__noinline int plain(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex + report.calls;
}

SEC("xdp")
int on_xdp_plain_ctx(struct xdp_md *ctx)
{
	return plain(ctx) < 0 ? XDP_DROP : XDP_PASS;
}
