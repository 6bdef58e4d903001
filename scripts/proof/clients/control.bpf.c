// SPDX-License-Identifier: GPL-2.0
/* A program without kfuncs, which each loader has to load. */
#include "client.bpf.h"

SEC("classifier")
int run(struct __sk_buff *skb)
{
	return CONTROL;
}
