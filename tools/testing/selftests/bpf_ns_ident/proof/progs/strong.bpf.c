// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Differs from the module's prototype. For libbpf, the name ends before ___. */
extern int bpf_get_current_pidns_ident___sized(struct bpf_ns_ident *ident,
					       __u64 size) __ksym;

SEC("syscall")
int on_strong(void *ctx)
{
	struct bpf_ns_ident ident = {};

	return bpf_get_current_pidns_ident___sized(&ident, sizeof(ident));
}
