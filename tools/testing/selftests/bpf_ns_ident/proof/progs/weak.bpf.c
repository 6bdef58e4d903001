// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* Overrides the declaration: the module may be absent. */
extern int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __weak __ksym;

SEC("?syscall")
int checked(void *ctx)
{
	if (!bpf_ksym_exists(bpf_get_current_pidns_ident))
		return 1;
	report_current();
	return 2;
}

SEC("?syscall")
int unchecked(void *ctx)
{
	report_current();
	return 2;
}
