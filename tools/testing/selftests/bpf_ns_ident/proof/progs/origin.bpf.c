// SPDX-License-Identifier: GPL-2.0
/*
 * Calls all kfuncs, also in a subprogram, in a callback, in a function that
 * another program may replace, and before a tail call.
 */
#include "origin.bpf.h"

static const __u32 types[NR_TYPES] = {
	0x02000000, 0x08000000, 0x00020000, 0x40000000,
	0x20000000, 0x00000080, 0x10000000, 0x04000000,
};

/* The test stores the program of the tail call here. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} tail SEC(".maps");

static __always_inline void ask_about(struct task_struct *task,
				      struct about *about)
{
	int i;

	poison(&about->pidns);
	about->pidns.err = bpf_task_pidns_ident(task, &about->pidns.ident);
	for (i = 0; i < NR_TYPES; i++) {
		poison(&about->ns[i]);
		about->ns[i].err = bpf_task_ns_ident(task, types[i],
						     &about->ns[i].ident);
	}
	for (i = 0; i < NR_NAMED; i++)
		about->in[i] = bpf_task_pid_tgid_in(task, &origin.named[i]);
}

static __noinline int subprog(void)
{
	ask_pidns(&origin.in_subprog);
	return 0;
}

static int callback(__u32 i, void *unused)
{
	ask_pidns(&origin.in_callback);
	return 1;
}

__noinline int replaceable(void)
{
	ask_pidns(&origin.in_replaceable);
	return 0;
}

SEC("raw_tp")
int ask(void *ctx)
{
	struct about *current = &origin.current;
	struct task_struct *other;
	int i;

	ask_pidns(&current->pidns);
	for (i = 0; i < NR_TYPES; i++) {
		poison(&current->ns[i]);
		current->ns[i].err = bpf_get_current_ns_ident(types[i],
							      &current->ns[i].ident);
	}
	for (i = 0; i < NR_NAMED; i++)
		current->in[i] = bpf_get_current_pid_tgid_in(&origin.named[i]);
	origin.own = bpf_get_current_pid_tgid_own();
	origin.helper = bpf_get_current_pid_tgid();

	ask_about(bpf_get_current_task_btf(), &origin.task);
	other = bpf_task_from_pid(origin.other);
	if (other) {
		ask_about(other, &origin.another);
		bpf_task_release(other);
	}

	subprog();
	bpf_loop(1, callback, NULL, 0);
	replaceable();
	__sync_fetch_and_add(&origin.calls, 1);
	bpf_tail_call(ctx, &tail, 0);
	return 0;
}

SEC("raw_tp")
int ask_all(void *ctx)
{
	struct bpf_ns_ident ident;
	struct task_struct *pos;

	bpf_for_each(task, pos, NULL, BPF_TASK_ITER_ALL_PROCS) {
		origin.nr_processes++;
		if (!bpf_task_pidns_ident(pos, &ident))
			origin.nr_visible++;
	}
	return 0;
}

static __always_inline void ask_sk(struct bpf_sock *sk)
{
	poison(&origin.sk);
	if (sk)
		origin.sk.err = bpf_sk_netns_ident((struct sock_common *)sk,
						   &origin.sk.ident);
}

SEC("tc")
int ask_skb(struct __sk_buff *skb)
{
	ask_sk(skb->sk);
	poison(&origin.packet);
	origin.packet.err = bpf_skb_netns_ident(skb, &origin.packet.ident);
	return 0;
}

SEC("xdp")
int ask_frame(struct xdp_md *ctx)
{
	poison(&origin.packet);
	origin.packet.err = bpf_xdp_netns_ident(ctx, &origin.packet.ident);
	return XDP_PASS;
}
