// SPDX-License-Identifier: GPL-2.0
/* Programs with weak kfuncs, and checks whether these exist. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "others.h"

struct bpf_ns_ident { __u64 dev, ino, id; };
int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym __weak;
int bpf_kfunc_of_nobody(int n) __ksym __weak;

SEC("syscall")
int ours(struct bpf_ns_ident *ident)
{
	if (!bpf_get_current_pidns_ident)
		return ABSENT;
	return bpf_get_current_pidns_ident(ident) ?: THERE;
}

/* A program without the check. */
SEC("syscall")
int ours_unasked(struct bpf_ns_ident *ident)
{
	return bpf_get_current_pidns_ident(ident) ?: THERE;
}

SEC("syscall")
int kfunc_of_nobody(void *ctx)
{
	return bpf_kfunc_of_nobody ? bpf_kfunc_of_nobody(1) : ABSENT;
}

char LICENSE[] SEC("license") = "GPL";
