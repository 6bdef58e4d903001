/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ORIGIN_BPF_H
#define _ORIGIN_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "kfuncs.bpf.h"
#include "origin.h"

struct origin origin SEC(".data.origin");

static __always_inline void poison(struct answer *answer)
{
	answer->ident = (struct bpf_ns_ident){ POISON, POISON, POISON };
	answer->err = POISON_ERR;
}

static __always_inline void ask_pidns(struct answer *answer)
{
	poison(answer);
	answer->err = bpf_get_current_pidns_ident(&answer->ident);
}

char _license[] SEC("license") = "GPL";

#endif /* _ORIGIN_BPF_H */
