// SPDX-License-Identifier: GPL-2.0
#include "origin.bpf.h"

SEC("netfilter")
int ask_nf(struct bpf_nf_ctx *ctx)
{
	poison(&origin.packet);
	origin.packet.err = bpf_nf_netns_ident(ctx, &origin.packet.ident);
	__sync_fetch_and_add(&origin.calls, 1);
	return 1;	/* NF_ACCEPT */
}
