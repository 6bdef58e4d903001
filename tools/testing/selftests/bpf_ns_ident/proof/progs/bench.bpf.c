// SPDX-License-Identifier: GPL-2.0
/* Loops, each with one call or one walk to measure. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "bench.h"

#define CLONE_NEWNS	0x00020000
#define CLONE_NEWPID	0x20000000
#define CLONE_NEWNET	0x40000000

extern int bpf_bench_c_empty(void) __ksym;
extern int bpf_bench_c_ident(struct bpf_ns_ident *ident) __ksym;
extern int bpf_bench_rust_empty(void) __ksym;
extern int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;
extern int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;
extern __s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;
extern __s64 bpf_get_current_pid_tgid_own(void) __ksym;
extern int bpf_task_pidns_ident(const struct task_struct *task,
				struct bpf_ns_ident *ident) __ksym;
extern int bpf_task_ns_ident(const struct task_struct *task, __u32 ns_type,
			     struct bpf_ns_ident *ident) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern __s64 bpf_task_pid_tgid_in(const struct task_struct *task,
				  const struct bpf_ns_ident *pidns) __ksym;
extern int bpf_sk_netns_ident(const struct sock_common *sk, struct bpf_ns_ident *ident) __ksym;
extern int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;
extern int bpf_xdp_netns_ident(const struct xdp_md *ctx, struct bpf_ns_ident *ident) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

struct bench bench SEC(".data.bench");

#define TEN_TIMES(THIS)							\
	THIS; THIS; THIS; THIS; THIS; THIS; THIS; THIS; THIS; THIS

#define LOOP(THIS)							\
	do {								\
		__u64 start = bpf_ktime_get_ns();			\
		int i;							\
									\
		bpf_for(i, 0, bench.turns) {				\
			TEN_TIMES(THIS);				\
		}							\
		bench.ns = bpf_ktime_get_ns() - start;			\
	} while (0)

SEC("syscall")
int nothing(void *ctx)
{
	LOOP(barrier());
	return 0;
}

SEC("syscall")
int empty(void *ctx)
{
	LOOP(bpf_bench_rust_empty());
	return 0;
}

SEC("syscall")
int empty_c(void *ctx)
{
	LOOP(bpf_bench_c_empty());
	return 0;
}

SEC("syscall")
int ident(void *ctx)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_get_current_pidns_ident(&ident));
	return 0;
}

SEC("syscall")
int ident_c(void *ctx)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_bench_c_ident(&ident));
	return 0;
}

SEC("syscall")
int ns_ident(void *ctx)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_get_current_ns_ident(CLONE_NEWNET, &ident));
	return 0;
}

SEC("syscall")
int ns_ident_mnt(void *ctx)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_get_current_ns_ident(CLONE_NEWNS, &ident));
	return 0;
}

SEC("syscall")
int pid_tgid_in(void *ctx)
{
	struct bpf_ns_ident pidns = bench.pidns;

	LOOP(bpf_get_current_pid_tgid_in(&pidns));
	return bpf_get_current_pid_tgid_in(&pidns) < 0;
}

SEC("syscall")
int pid_tgid_own(void *ctx)
{
	LOOP(bpf_get_current_pid_tgid_own());
	return bpf_get_current_pid_tgid_own() < 0;
}

SEC("syscall")
int pid_tgid_helper(void *ctx)
{
	LOOP(bpf_get_current_pid_tgid());
	return 0;
}

/* The cost is the same for all tasks, including the current one. */
SEC("syscall")
int task_ident(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_ns_ident ident;

	LOOP(bpf_task_pidns_ident(task, &ident));
	return 0;
}

SEC("syscall")
int task_pid_tgid_in(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_ns_ident pidns = bench.pidns;

	LOOP(bpf_task_pid_tgid_in(task, &pidns));
	return bpf_task_pid_tgid_in(task, &pidns) < 0;
}

SEC("syscall")
int task_ns_own(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_ns_ident ident;

	LOOP(bpf_task_ns_ident(task, CLONE_NEWNET, &ident));
	return 0;
}

/* For another task, which does not hold its lock. */
static __always_inline int task_ns_other(__u32 type)
{
	struct task_struct *task = bpf_task_from_pid(1);
	struct bpf_ns_ident ident;
	int ret;

	if (!task)
		return 1;
	LOOP(bpf_task_ns_ident(task, type, &ident));
	ret = bpf_task_ns_ident(task, type, &ident);
	bpf_task_release(task);
	return ret;
}

SEC("syscall")
int task_ns_other_pid(void *ctx)
{
	return task_ns_other(CLONE_NEWPID);
}

SEC("syscall")
int task_ns_other_net(void *ctx)
{
	return task_ns_other(CLONE_NEWNET);
}

SEC("tc")
int sk_ident(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct bpf_ns_ident ident;

	if (!sk)
		return 1;
	LOOP(bpf_sk_netns_ident((void *)sk, &ident));
	return 0;
}

SEC("tc")
int skb_ident(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_skb_netns_ident(skb, &ident));
	return 0;
}

SEC("xdp")
int xdp_ident(struct xdp_md *ctx)
{
	struct bpf_ns_ident ident;

	LOOP(bpf_xdp_netns_ident(ctx, &ident));
	return 0;
}

SEC("syscall")
int helper(void *ctx)
{
	__u64 dev = bench.self.dev, ino = bench.self.ino;
	struct bpf_pidns_info info;

	LOOP(bpf_get_ns_current_pid_tgid(dev, ino, &info, sizeof(info)));
	return 0;
}

/* A walk by trusted BTF pointers, and casts. */
static __always_inline void walk_once(__u64 dev, struct bpf_ns_ident *ident)
{
	struct task_struct *task = bpf_get_current_task_btf();
	/* The verifier only accepts variable offsets for numbers. */
	__u64 addr = *(__u64 *)bpf_rdonly_cast(&task->thread_pid, 0);
	struct pid *pid = bpf_rdonly_cast((void *)addr, bpf_core_type_id_kernel(struct pid));
	struct upid *upid;

	addr += bpf_core_field_offset(struct pid, numbers) +
		pid->level * bpf_core_type_size(struct upid);
	upid = bpf_rdonly_cast((void *)addr, bpf_core_type_id_kernel(struct upid));
	ident->dev = dev;
	ident->ino = upid->ns->ns.inum;
	barrier_var(ident);
}

SEC("syscall")
int walk(void *ctx)
{
	__u64 dev = bench.self.dev;
	struct bpf_ns_ident ident;

	LOOP(walk_once(dev, &ident));
	return ident.dev != bench.self.dev || ident.ino != bench.self.ino;
}

/* A walk by CO-RE, like existing agents. */
static __always_inline void core_once(__u64 dev, struct bpf_ns_ident *ident)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	unsigned int level = BPF_CORE_READ(pid, level);
	struct upid upid;

	bpf_core_read(&upid, sizeof(upid), &pid->numbers[level]);
	ident->dev = dev;
	ident->ino = BPF_CORE_READ(upid.ns, ns.inum);
	barrier_var(ident);
}

SEC("syscall")
int core(void *ctx)
{
	__u64 dev = bench.self.dev;
	struct bpf_ns_ident ident;

	LOOP(core_once(dev, &ident));
	return ident.dev != bench.self.dev || ident.ino != bench.self.ino;
}

/* Behind the programs above, since it takes the names of the kfuncs. */
#include "ns_ident.bpf.h"

SEC("syscall")
int header_walk(void *ctx)
{
	struct bpf_ns_ident ident = {};

	LOOP(ns_ident_walk_current_pidns(&ident));
	return ident.dev != bench.self.dev || ident.ino != bench.self.ino;
}

SEC("syscall")
int header_walk_ns(void *ctx)
{
	struct bpf_ns_ident ident = {};

	LOOP(ns_ident_walk_current_ns(CLONE_NEWNET, &ident));
	return 0;
}

/* As programs ask that include the header, where there is a kfunc. */
SEC("syscall")
int header_kfunc(void *ctx)
{
	struct bpf_ns_ident ident = {};

	LOOP(bpf_get_current_pidns_ident(&ident));
	return ident.dev != bench.self.dev || ident.ino != bench.self.ino;
}

/* Copies the machine code of a function from memory. */
SEC("syscall")
int read_code(void *ctx)
{
	__u32 size = bench.code_size;

	if (size > MAX_CODE)
		return 1;
	return bpf_probe_read_kernel(bench.code, size, (void *)bench.code_addr);
}

char _license[] SEC("license") = "GPL";
