// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of all types, which call all allowed kfuncs on events of the whole
 * system, and compare each result with the record.
 */
#include "stress.bpf.h"
#include "kfuncs.bpf.h"

#define ENOENT	2
#define ESRCH	3

#define NF_ACCEPT	1

#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000

const __u32 ns_types[8] = {
	0x00000080, 0x00020000, 0x02000000, 0x04000000,
	0x08000000, 0x10000000, 0x20000000, 0x40000000,
};

/* A call of a kfunc by a program. */
struct question {
	__u32 prog;
	__u32 kfunc;
	__u32 type;
	__u32 had_none;		/* before the call: see has_none() */
};

enum {
	IS_WRONG,
	IS_RIGHT,
	IS_UNKNOWN,
};

static __noinline int look_up(const struct question *q,
			      const struct bpf_ns_ident *ident)
{
	struct stress *all = get_stress();
	struct stress_space *space;
	__u64 id = ident->id;

	space = bpf_map_lookup_elem(&spaces, &id);
	if (!all || ident->dev != all->initial.dev)
		return IS_WRONG;
	if (!space)
		return IS_UNKNOWN;
	if (ident->ino != space->ino || q->type != space->type)
		return IS_WRONG;
	/* A device and its packets outlive the tasks for a short time. */
	if (space->is_gone && q->kfunc != ASK_SKB && q->kfunc != ASK_XDP &&
	    q->kfunc != ASK_NF)
		return IS_WRONG;
	__sync_fetch_and_add(&space->answers, 1);
	return IS_RIGHT;
}

/*
 * Returns whether the current task has released the namespace: do_exit() takes
 * the nsproxy, release_task() the pids. No other call may return an error.
 * Sockets and packets of this test always have a namespace.
 */
static __noinline int has_none(__u32 kfunc, __u32 type)
{
	struct task_struct *task;

	if (kfunc != ASK_PIDNS && kfunc != ASK_NS && kfunc != ASK_PID_IN)
		return false;
	task = bpf_get_current_task_btf();
	if (type == CLONE_NEWPID)
		return !task->thread_pid ||
		       (kfunc == ASK_PID_IN && !task->signal->pids[PIDTYPE_TGID]);
	/* A task keeps its credentials until it is freed. */
	return type != CLONE_NEWUSER && !task->nsproxy;
}

static __noinline int is_zero(const struct bpf_ns_ident *ident)
{
	return !ident->dev && !ident->ino && !ident->id;
}

/* Stores the first wrong result. */
static __noinline int note_wrong(const struct question *q, __s64 ret,
				 const struct bpf_ns_ident *ident)
{
	struct stress *all = get_stress();
	struct stress_space *space;
	__u64 id = ident->id;

	if (!all || __sync_lock_test_and_set(&all->has_wrong, 1))
		return 0;
	all->prog = q->prog;
	all->kfunc = q->kfunc;
	all->type = q->type;
	all->ret = ret;
	all->ident = *ident;
	space = bpf_map_lookup_elem(&spaces, &id);
	if (space)
		all->space = *space;
	return 0;
}

static __noinline int judge(const struct question *q, __s64 ret,
			    const struct bpf_ns_ident *ident)
{
	struct stress *all = get_stress();
	struct stress_count *count;
	__u32 key = 0, kfunc = q->kfunc, prog = q->prog;
	__s64 error = kfunc == ASK_PID_IN ? -ESRCH : -ENOENT;

	count = bpf_map_lookup_elem(&counts, &key);
	if (!all || !count || kfunc >= NR_ASK || prog >= MAX_STRESS_PROGS)
		return 0;
	__sync_fetch_and_add(&count->asked[kfunc], 1);
	__sync_fetch_and_add(&all->by_prog[prog], 1);
	if (ret == error && has_none(kfunc, q->type)) {
		if (kfunc != ASK_PID_IN && !is_zero(ident))
			goto wrong;
		__sync_fetch_and_add(&count->none[kfunc], 1);
		__sync_fetch_and_add(&all->none_by_prog[prog], 1);
		if (!q->had_none)
			__sync_fetch_and_add(&count->late[kfunc], 1);
		return 0;
	}
	if (q->had_none)
		goto wrong;
	if (kfunc == ASK_PID_IN) {
		if (ret != (__s64)bpf_get_current_pid_tgid())
			goto wrong;
		__sync_fetch_and_add(&count->right[kfunc], 1);
		return 0;
	}
	if (ret)
		goto wrong;
	switch (look_up(q, ident)) {
	case IS_RIGHT:
		__sync_fetch_and_add(&count->right[kfunc], 1);
		return 0;
	case IS_UNKNOWN:
		__sync_fetch_and_add(&count->unknown[kfunc], 1);
		note_wrong(q, ret, ident);
		return 0;
	}
wrong:
	__sync_fetch_and_add(&count->wrong[kfunc], 1);
	note_wrong(q, ret, ident);
	return 0;
}

#define ask(PROG, KFUNC, TYPE, CALL)					\
	do {								\
		struct bpf_ns_ident ident = { POISON, POISON, POISON };	\
		struct question q = {					\
			PROG, KFUNC, TYPE, has_none(KFUNC, TYPE)	\
		};							\
		__s64 ret = CALL;					\
									\
		judge(&q, ret, &ident);					\
	} while (0)

static __always_inline void ask_current(__u32 prog)
{
	__u32 type = ns_types[bpf_get_prandom_u32() % 8];
	struct stress *all = get_stress();
	struct bpf_ns_ident initial;

	if (!all)
		return;
	initial = all->initial;
	ask(prog, ASK_PIDNS, CLONE_NEWPID, bpf_get_current_pidns_ident(&ident));
	ask(prog, ASK_NS, type, bpf_get_current_ns_ident(type, &ident));
	ask(prog, ASK_PID_IN, CLONE_NEWPID,
	    bpf_get_current_pid_tgid_in(&initial));
}

#define ask_sk(PROG, SK)						\
	ask(PROG, ASK_SK, CLONE_NEWNET,					\
	    bpf_sk_netns_ident((const void *)(SK), &ident))

static __always_inline void ask_sk_of(__u32 prog, struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		ask_sk(prog, sk);
}

static __always_inline void ask_skb(__u32 prog, struct __sk_buff *skb)
{
	ask(prog, ASK_SKB, CLONE_NEWNET, bpf_skb_netns_ident(skb, &ident));
	ask_sk_of(prog, skb);
}

SEC("raw_tp/sys_enter")
int stress_raw_tp(void *ctx)
{
	ask_current(0);
	return 0;
}

SEC("tp/raw_syscalls/sys_exit")
int stress_tp(void *ctx)
{
	ask_current(1);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(stress_switch)
{
	ask_current(2);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(stress_exit)
{
	ask_current(3);
	return 0;
}

SEC("kprobe/commit_creds")
int stress_kprobe(void *ctx)
{
	ask_current(4);
	return 0;
}

SEC("kretprobe/exit_nsproxy_namespaces")
int stress_kretprobe(void *ctx)
{
	ask_current(5);
	return 0;
}

SEC("fentry/exit_nsproxy_namespaces")
int BPF_PROG(stress_fentry)
{
	ask_current(6);
	return 0;
}

SEC("fexit/release_task")
int BPF_PROG(stress_fexit)
{
	ask_current(7);
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(stress_lsm)
{
	ask_current(8);
	return 0;
}

SEC("lsm.s/file_open")
int BPF_PROG(stress_lsm_s)
{
	ask_current(9);
	return 0;
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(stress_lsm_sk, struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (sk)
		ask_sk(10, sk);
	ask_current(10);
	return 0;
}

SEC("perf_event")
int stress_perf_event(void *ctx)
{
	ask_current(11);
	return 0;
}

SEC("iter/task")
int stress_iter(struct bpf_iter__task *ctx)
{
	ask_current(12);
	return 0;
}

/* Calls the kfuncs many times in one system call. */
SEC("syscall")
int stress_syscall(void *ctx)
{
	int i;

	bpf_for(i, 0, 100)
		ask_current(13);
	return 0;
}

SEC("cgroup/sock_create")
int stress_sock(struct bpf_sock *ctx)
{
	ask_sk(14, bpf_cast_to_kern_ctx(ctx));
	ask_current(14);
	return 1;
}

SEC("cgroup/connect4")
int stress_connect(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		ask_sk(15, sk);
	ask_current(15);
	return 1;
}

SEC("cgroup/getsockopt")
int stress_getsockopt(struct bpf_sockopt *ctx)
{
	ask_current(16);
	return 1;
}

SEC("cgroup/dev")
int stress_device(struct bpf_cgroup_dev_ctx *ctx)
{
	ask_current(17);
	return 1;
}

SEC("cgroup_skb/egress")
int stress_cgroup_skb(struct __sk_buff *skb)
{
	ask_skb(18, skb);
	return 1;
}

SEC("socket")
int stress_filter(struct __sk_buff *skb)
{
	ask_sk_of(19, skb);
	return -1;
}

SEC("tcx/ingress")
int stress_tcx(struct __sk_buff *skb)
{
	ask_skb(20, skb);
	return TCX_PASS;
}

SEC("xdp")
int stress_xdp(struct xdp_md *ctx)
{
	ask(21, ASK_XDP, CLONE_NEWNET, bpf_xdp_netns_ident(ctx, &ident));
	return XDP_PASS;
}

/*
 * Only one call. A program with 64 bytes of stack or more has its stack in
 * per-CPU memory. A task in an uprobe can be preempted by another task that
 * runs the same program on the same stack.
 */
SEC("uprobe")
int stress_uprobe(void *ctx)
{
	ask(22, ASK_PIDNS, CLONE_NEWPID, bpf_get_current_pidns_ident(&ident));
	return 0;
}

SEC("fmod_ret/security_file_open")
int BPF_PROG(stress_fmod_ret, struct file *file, int ret)
{
	ask_current(23);
	return ret;
}

SEC("cgroup/sysctl")
int stress_sysctl(struct bpf_sysctl *ctx)
{
	ask_current(24);
	return 1;
}

SEC("sockops")
int stress_sock_ops(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		ask_sk(25, sk);
	return 1;
}

SEC("netfilter")
int stress_netfilter(struct bpf_nf_ctx *ctx)
{
	ask(26, ASK_NF, CLONE_NEWNET, bpf_nf_netns_ident(ctx, &ident));
	return NF_ACCEPT;
}

SEC("lwt_in")
int stress_lwt_in(struct __sk_buff *skb)
{
	ask_skb(27, skb);
	return BPF_OK;
}

SEC("lwt_out")
int stress_lwt_out(struct __sk_buff *skb)
{
	ask_sk_of(28, skb);
	return BPF_OK;
}

SEC("lwt_xmit")
int stress_lwt_xmit(struct __sk_buff *skb)
{
	ask_skb(29, skb);
	return BPF_OK;
}

/* One end of a connection of the test. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} socks SEC(".maps");

SEC("sk_skb")
int stress_sk_skb(struct __sk_buff *skb)
{
	ask_sk_of(30, skb);
	return SK_PASS;
}
