// SPDX-License-Identifier: GPL-2.0
/* One function of ns_ident.bpf.h, for loaders other than libbpf. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"
#include "portable.h"

struct portable_one one;

SEC("raw_tp/sys_enter")
int ask_one(void *ctx)
{
	struct bpf_ns_ident ident;

	if (!one.target || bpf_get_current_pid_tgid() >> 32 != one.target)
		return 0;
	one.err = bpf_get_current_pidns_ident(&ident);
	one.ident = ident;
	one.has_kfuncs = ns_ident_has_kfuncs();
	__sync_fetch_and_add(&one.calls, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
