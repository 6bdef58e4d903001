/* SPDX-License-Identifier: GPL-2.0 */
/* The kfuncs of the module, for programs that include vmlinux.h. */
#ifndef _KFUNCS_BPF_H
#define _KFUNCS_BPF_H

#include <bpf/bpf_helpers.h>

struct bpf_ns_ident;

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;
int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;
__s64 bpf_get_current_pid_tgid_own(void) __ksym;
int bpf_task_pidns_ident(const struct task_struct *task,
			 struct bpf_ns_ident *ident) __ksym;
int bpf_task_ns_ident(const struct task_struct *task, __u32 ns_type,
		      struct bpf_ns_ident *ident) __ksym;
__s64 bpf_task_pid_tgid_in(const struct task_struct *task,
			   const struct bpf_ns_ident *pidns) __ksym;
int bpf_sk_netns_ident(const struct sock_common *sk,
		       struct bpf_ns_ident *ident) __ksym;
int bpf_skb_netns_ident(const struct __sk_buff *skb,
			struct bpf_ns_ident *ident) __ksym;
int bpf_xdp_netns_ident(const struct xdp_md *ctx,
			struct bpf_ns_ident *ident) __ksym;
int bpf_nf_netns_ident(const struct bpf_nf_ctx *ctx,
		       struct bpf_ns_ident *ident) __ksym;

#endif /* _KFUNCS_BPF_H */
