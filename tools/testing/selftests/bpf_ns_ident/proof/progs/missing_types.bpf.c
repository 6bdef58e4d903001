// SPDX-License-Identifier: GPL-2.0
/* Calls each kfunc. */
#include "report.bpf.h"
#include "missing_types.h"

#define NF_ACCEPT	1

struct missing_types missing SEC(".data.missing");

#define ask(WHICH, CALL)						\
	do {								\
		struct bpf_ns_ident ident = { POISON, POISON, POISON };	\
									\
		missing.answers[WHICH].ret = CALL;			\
		missing.answers[WHICH].ident = ident;			\
	} while (0)

SEC("syscall")
int ask_task(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_ns_ident pidns = missing.pidns;
	int i;

	for (i = 0; i < NR_TYPES; i++)
		ask(TYPES + i, bpf_get_current_ns_ident(missing.flags[i], &ident));
	ask(PIDNS, bpf_get_current_pidns_ident(&ident));
	ask(TASK_PIDNS, bpf_task_pidns_ident(task, &ident));
	missing.pid_tgid = bpf_get_current_pid_tgid_in(&pidns);
	missing.task_pid_tgid = bpf_task_pid_tgid_in(task, &pidns);
	return 0;
}

SEC("tc")
int ask_skb(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	ask(SKB, bpf_skb_netns_ident(skb, &ident));
	if (sk)
		ask(SK, bpf_sk_netns_ident((const void *)sk, &ident));
	return TCX_PASS;
}

SEC("xdp")
int ask_xdp(struct xdp_md *ctx)
{
	ask(XDP, bpf_xdp_netns_ident(ctx, &ident));
	return XDP_PASS;
}

SEC("netfilter")
int ask_nf(struct bpf_nf_ctx *ctx)
{
	ask(NF, bpf_nf_netns_ident(ctx, &ident));
	return NF_ACCEPT;
}
