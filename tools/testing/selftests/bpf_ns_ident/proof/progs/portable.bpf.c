// SPDX-License-Identifier: GPL-2.0
/*
 * All functions of ns_ident.bpf.h, for all kernel versions. The file is built
 * once, and the test loads the programs that the running kernel supports.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"
#include "portable.h"

#define AF_INET		2
#define ETH_P_IP	0x0800
#define MAGIC_PID	0x6e736964
#define NF_ACCEPT	1

/* cgroup, ipc, mnt, net, pid, time, user, uts */
static const __u32 types[NR_TYPES] = {
	CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

struct portable_shared portable SEC(".data.portable");

#define answer(TO, CALL)						\
	do {								\
		ident = (struct bpf_ns_ident){ 1, 1, 1 };		\
									\
		(TO)->err = CALL;					\
		(TO)->ident = ident;					\
		portable.has_kfuncs = ns_ident_has_kfuncs();		\
		__sync_fetch_and_add(&(TO)->calls, 1);			\
	} while (0)

static __always_inline bool is_target(void)
{
	return portable.target &&
	       bpf_get_current_pid_tgid() >> 32 == portable.target;
}

static __always_inline void ask_current(struct portable_task *to)
{
	struct bpf_ns_ident ident, none = { 1, 1, 1 };
	int i;

	to->pid_tgid = bpf_get_current_pid_tgid();
	answer(&to->pidns, bpf_get_current_pidns_ident(&ident));
	for (i = 0; i < NR_TYPES; i++)
		answer(&to->ns[i], bpf_get_current_ns_ident(types[i], &ident));
	ident = to->pidns.ident;
	to->in_own = bpf_get_current_pid_tgid_in(&ident);
	ident = portable.asked;
	to->in_asked = bpf_get_current_pid_tgid_in(&ident);
	to->in_none = bpf_get_current_pid_tgid_in(&none);
	to->own = bpf_get_current_pid_tgid_own();
	portable.bad_type_err =
		-bpf_get_current_ns_ident(CLONE_NEWPID | CLONE_NEWNET, &ident);
	portable.has_ids = ns_ident_has_ids();
}

static __always_inline void ask_task(struct portable_task *to, struct task_struct *task)
{
	struct bpf_ns_ident ident, none = { 1, 1, 1 };
	int i;

	to->pid_tgid = (__u64)BPF_CORE_READ(task, tgid) << 32 | BPF_CORE_READ(task, pid);
	answer(&to->pidns, bpf_task_pidns_ident(task, &ident));
	for (i = 0; i < NR_TYPES; i++)
		answer(&to->ns[i], bpf_task_ns_ident(task, types[i], &ident));
	ident = to->pidns.ident;
	to->in_own = bpf_task_pid_tgid_in(task, &ident);
	ident = portable.asked;
	to->in_asked = bpf_task_pid_tgid_in(task, &ident);
	to->in_none = bpf_task_pid_tgid_in(task, &none);
}

SEC("?tp/syscalls/sys_enter_getpgid")
int in_tp(void *ctx)
{
	if (is_target())
		ask_current(&portable.current);
	return 0;
}

SEC("?raw_tp/sys_enter")
int in_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];

	if (is_target() && PT_REGS_PARM1_CORE_SYSCALL(regs) == MAGIC_PID)
		ask_current(&portable.current);
	return 0;
}

SEC("?ksyscall/getpgid")
int in_kprobe(void *ctx)
{
	if (is_target())
		ask_current(&portable.current);
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(fork_child, struct task_struct *parent, struct task_struct *child)
{
	if (is_target())
		ask_task(&portable.child, child);
	return 0;
}

SEC("?iter/task")
int all_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct portable_task *to = &portable.child;

	if (!task)
		return 0;
	ask_task(to, task);
	bpf_seq_write(ctx->meta->seq, to, sizeof(*to));
	return 0;
}

/* The arguments are struct sock *sk, int oldstate, int newstate. */
SEC("?tp_btf/inet_sock_set_state")
int sock_state(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct bpf_ns_ident ident;

	if (portable.target && (int)ctx[2] == BPF_TCP_SYN_SENT &&
	    BPF_CORE_READ(sk, __sk_common.skc_dport) == bpf_htons(PORTABLE_PORT))
		answer(&portable.sk, bpf_sk_netns_ident(&sk->__sk_common, &ident));
	return 0;
}

SEC("?cgroup/connect4")
int cgroup_connect(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk && ctx->user_port == bpf_htons(PORTABLE_PORT)) {
		struct bpf_ns_ident ident;

		answer(&portable.bpf_sock, bpf_sk_netns_ident(sk, &ident));
	}
	return 1;
}

/* Returns whether the packet, with its IP header at @at, is one of the test. */
static __always_inline bool is_met(struct __sk_buff *skb, __u32 at)
{
	__be16 ports[2];

	return skb->protocol == bpf_htons(ETH_P_IP) &&
	       !bpf_skb_load_bytes(skb, at + sizeof(struct iphdr), ports,
				   sizeof(ports)) &&
	       ports[1] == bpf_htons(PORTABLE_PORT);
}

SEC("?tc")
int tc(struct __sk_buff *skb)
{
	if (is_met(skb, sizeof(struct ethhdr))) {
		struct bpf_ns_ident ident;

		answer(&portable.skb, bpf_skb_netns_ident(skb, &ident));
	}
	return 0;
}

SEC("?cgroup_skb/egress")
int cgroup_skb(struct __sk_buff *skb)
{
	if (is_met(skb, 0)) {
		struct bpf_ns_ident ident;

		answer(&portable.skb, bpf_skb_netns_ident(skb, &ident));
	}
	return 1;
}

SEC("?xdp")
int xdp(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP) &&
	    udp->dest == bpf_htons(PORTABLE_PORT)) {
		struct bpf_ns_ident ident;

		answer(&portable.xdp, bpf_xdp_netns_ident(ctx, &ident));
	}
	return XDP_PASS;
}

SEC("?netfilter")
int netfilter(struct bpf_nf_ctx *ctx)
{
	struct bpf_ns_ident ident;

	answer(&portable.nf, bpf_nf_netns_ident(ctx, &ident));
	return NF_ACCEPT;
}

char _license[] SEC("license") = "GPL";
