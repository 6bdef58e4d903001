// SPDX-License-Identifier: GPL-2.0
/*
 * A task, a socket and a packet as arguments of kfuncs, and a loop for each
 * measured call, like the JIT of the kernel translates it. This file is compiled
 * as kernel code, but native.c runs it in a process.
 */
#include <linux/bpf.h>
#include <linux/cred.h>
#include <linux/filter.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/nsproxy.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "mount.h"
#include "native.h"

#define MAX_LEVEL 32
#define FIRST_NR 100

struct bpf_ns_ident {
	u64 dev;
	u64 ino;
	u64 id;
};

/* A function that the object lacks is NULL. */
#define KFUNC(NAME, ...) extern long NAME(__VA_ARGS__) __weak
KFUNC(bpf_bench_c_empty, void);
KFUNC(bpf_bench_c_ident, struct bpf_ns_ident *ident);
KFUNC(bpf_bench_rust_empty, void);
KFUNC(bpf_get_current_pidns_ident, struct bpf_ns_ident *ident);
KFUNC(bpf_get_current_ns_ident, u32 ns_type, struct bpf_ns_ident *ident);
KFUNC(bpf_get_current_pid_tgid_in, const struct bpf_ns_ident *pidns);
KFUNC(bpf_task_pidns_ident, struct task_struct *task, struct bpf_ns_ident *ident);
KFUNC(bpf_task_ns_ident, struct task_struct *task, u32 ns_type, struct bpf_ns_ident *ident);
KFUNC(bpf_task_pid_tgid_in, struct task_struct *task, const struct bpf_ns_ident *pidns);
KFUNC(bpf_sk_netns_ident, struct sock *sk, struct bpf_ns_ident *ident);
KFUNC(bpf_skb_netns_ident, struct sk_buff *skb, struct bpf_ns_ident *ident);
KFUNC(bpf_xdp_netns_ident, struct xdp_buff *ctx, struct bpf_ns_ident *ident);

/* Functions of vmlinux. */
extern u64 bpf_get_ns_current_pid_tgid(u64 dev, u64 ino, u64 info, u64 size, u64);
extern u64 bpf_probe_read_kernel(u64 to, u64 size, u64 from, u64, u64);
extern struct vfsmount *nsfs_mnt;
extern char copy_from_kernel_nofault_allowed_[] __asm__("copy_from_kernel_nofault_allowed");
extern char __start_mcount_loc[] __weak, __stop_mcount_loc[] __weak;
extern char fentry_[] __asm__("__fentry__") __weak;
extern char return_thunk_[] __asm__("__x86_return_thunk") __weak;
extern char retbleed_[] __asm__("retbleed_return_thunk") __weak;
extern char srso_[] __asm__("srso_return_thunk") __weak;
extern char srso_alias_[] __asm__("srso_alias_return_thunk") __weak;
extern char its_[] __asm__("its_return_thunk") __weak;

static struct task_struct task, other;
static struct signal_struct signal;
static union {
	struct pid pid;
	char space[sizeof(struct pid) + (MAX_LEVEL + 1) * sizeof(struct upid)];
} pid;
static struct pid_namespace pid_ns[MAX_LEVEL + 1];
static struct nsproxy nsproxy;
static struct net net;
static struct mnt_namespace mnt_ns;
static struct user_namespace user_ns;
static struct cred cred;
static struct sock sock;
static struct sk_buff packet;
static struct net_device device;
static struct xdp_rxq_info rxq;
static struct xdp_buff frame;
static struct vfsmount nsfs;
static struct super_block nsfs_super;

/*
 * Arguments for the loops. The device is 0:0, like in the shims of compat/ before
 * they have read another one.
 */
static struct bpf_ns_ident native_outermost __used;
static u64 native_ino __used;

static void set_ns(struct ns_common *ns, u32 ino, u64 id)
{
	ns->inum = ino;
	ns->ns_id = id;
}

static void init(void)
{
	int i;

	for (i = 0; i <= MAX_LEVEL; i++) {
		set_ns(&pid_ns[i].ns, PID_NS_INIT_INO + i, 4 + i);
		pid_ns[i].level = i;
		pid_ns[i].parent = i ? &pid_ns[i - 1] : NULL;
		pid.pid.numbers[i].nr = FIRST_NR + i;
		pid.pid.numbers[i].ns = &pid_ns[i];
	}
	native_outermost.ino = pid_ns[0].ns.inum;
	native_outermost.id = pid_ns[0].ns.ns_id;

	set_ns(&net.ns, NET_NS_INIT_INO, 1000);
	set_ns(&mnt_ns.ns, MNT_NS_INIT_INO, 1001);
	set_ns(&user_ns.ns, USER_NS_INIT_INO, 1002);
	nsproxy.net_ns = &net;
	nsproxy.mnt_ns = &mnt_ns;
	cred.user_ns = &user_ns;
	signal.pids[PIDTYPE_TGID] = &pid.pid;
	task.thread_pid = &pid.pid;
	task.signal = &signal;
	task.nsproxy = &nsproxy;
	rcu_assign_pointer(task.real_cred, &cred);
#ifdef CONFIG_PREEMPT_RCU
	/* Like in a program. */
	task.rcu_read_lock_nesting = 1;
#endif
	/* Its lock is one that nobody holds. */
	other.thread_pid = &pid.pid;
	other.nsproxy = &nsproxy;
	nsfs.mnt_sb = &nsfs_super;
	nsfs_mnt = &nsfs;

	write_pnet(&sock.sk_net, &net);
	sock.sk_family = AF_INET;
	write_pnet(&device.nd_net, &net);
	packet.dev = &device;
	packet.sk = &sock;
	rxq.dev = &device;
	frame.rxq = &rxq;

	/* %gs is 0 in a process, so per-CPU variables are at their link address. */
	this_cpu_write(current_task, &task);
	boot_cpu_data.x86_virt_bits = 48;
}

static void set_level(int level)
{
	pid.pid.level = level;
	native_ino = pid_ns[level].ns.inum;
}

static int differs(const struct bpf_ns_ident *ident, const struct ns_common *ns)
{
	return ident->dev || ident->ino != ns->inum || ident->id != ns->ns_id;
}

static const struct ns_common *own_pid_ns(void)
{
	return &pid_ns[pid.pid.level].ns;
}

#define CHECK(NAME, NS, CALL)						\
	static int check_##NAME(void)					\
	{								\
		struct bpf_ns_ident ident = {};				\
									\
		return (CALL) || differs(&ident, NS);			\
	}
CHECK(ident, own_pid_ns(), bpf_get_current_pidns_ident(&ident))
CHECK(ident_c, own_pid_ns(), bpf_bench_c_ident(&ident))
CHECK(ns_ident, &net.ns, bpf_get_current_ns_ident(CLONE_NEWNET, &ident))
CHECK(ns_ident_mnt, &mnt_ns.ns, bpf_get_current_ns_ident(CLONE_NEWNS, &ident))
CHECK(task_ident, own_pid_ns(), bpf_task_pidns_ident(&task, &ident))
CHECK(task_ns_own, &net.ns, bpf_task_ns_ident(&task, CLONE_NEWNET, &ident))
CHECK(task_ns_other_pid, own_pid_ns(), bpf_task_ns_ident(&other, CLONE_NEWPID, &ident))
CHECK(task_ns_other_net, &net.ns, bpf_task_ns_ident(&other, CLONE_NEWNET, &ident))
CHECK(sk_ident, &net.ns, bpf_sk_netns_ident(&sock, &ident))
CHECK(skb_ident, &net.ns, bpf_skb_netns_ident(&packet, &ident))
CHECK(xdp_ident, &net.ns, bpf_xdp_netns_ident(&frame, &ident))

static int check_pid_tgid_in(void)
{
	return bpf_get_current_pid_tgid_in(&native_outermost) !=
	       ((u64)FIRST_NR << 32 | FIRST_NR);
}

static int check_task_pid_tgid_in(void)
{
	return bpf_task_pid_tgid_in(&task, &native_outermost) !=
	       ((u64)FIRST_NR << 32 | FIRST_NR);
}

static int check_helper(void)
{
	struct bpf_pidns_info info = {};
	u32 nr = FIRST_NR + pid.pid.level;

	return bpf_get_ns_current_pid_tgid(0, native_ino, (u64)&info, sizeof(info), 0) ||
	       info.pid != nr || info.tgid != nr;
}

static int check_core(void)
{
	struct pid *read = NULL;

	return bpf_probe_read_kernel((u64)&read, sizeof(read), (u64)&task.thread_pid, 0, 0) ||
	       read != &pid.pid;
}

/*
 * The loop that the JIT generates for the program of that name in
 * progs/bench.bpf.c of the selftests, with offsets of members as operands. ONCE is
 * the code before the loop, and CALL a call. %rbx is the counter, and %r13 points
 * to the identity.
 */
#define LOOP(NAME, ONCE, CALL)							\
static noinline void loop_##NAME(unsigned long turns)				\
{										\
	asm volatile(								\
		"push %%rbp\n"							\
		"mov %%rsp, %%rbp\n"						\
		"sub $0x68, %%rsp\n"						\
		"lea -0x40(%%rbp), %%r13\n"					\
		ONCE "\n"							\
		".p2align 6\n"							\
		"1:\n"								\
		".rept " __stringify(CALLS_PER_TURN) "\n"			\
		CALL "\n"							\
		".endr\n"							\
		"dec %%rbx\n"							\
		"jnz 1b\n"							\
		"leave\n"							\
		: "+b" (turns)							\
		: [thread_pid] "i" (offsetof(struct task_struct, thread_pid)),	\
		  [level] "i" (offsetof(struct pid, level)),			\
		  [numbers] "i" (offsetof(struct pid, numbers)),		\
		  [upid_size] "i" (sizeof(struct upid)),			\
		  [upid_shift] "i" (__builtin_ctzl(sizeof(struct upid))),	\
		  [upid_ns] "i" (offsetof(struct upid, ns)),			\
		  [inum] "i" (offsetof(struct pid_namespace, ns.inum)),		\
		  [net] "i" (CLONE_NEWNET), [mnt] "i" (CLONE_NEWNS),		\
		  [pid] "i" (CLONE_NEWPID),					\
		  [task] "i" (&task), [other] "i" (&other),			\
		  [sock] "i" (&sock), [packet] "i" (&packet), [frame] "i" (&frame) \
		: "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",	\
		  "r12", "r13", "r14", "r15", "cc", "memory");			\
}

LOOP(nothing, "", "")
/* Each takes a cycle, and depends on the previous one. */
LOOP(cycles, "", ".rept 10; add $1, %%rax; .endr")
LOOP(empty, "", "call bpf_bench_rust_empty")
LOOP(empty_c, "", "call bpf_bench_c_empty")
LOOP(ident, "", "mov %%r13, %%rdi; call bpf_get_current_pidns_ident")
LOOP(ident_c, "", "mov %%r13, %%rdi; call bpf_bench_c_ident")
LOOP(ns_ident, "",
     "mov %[net], %%edi; mov %%r13, %%rsi; call bpf_get_current_ns_ident")
LOOP(ns_ident_mnt, "",
     "mov %[mnt], %%edi; mov %%r13, %%rsi; call bpf_get_current_ns_ident")
#define OUTERMOST							\
	"mov native_outermost(%%rip), %%rax; mov %%rax, (%%r13);"	\
	"mov native_outermost + 8(%%rip), %%rax; mov %%rax, 8(%%r13);"	\
	"mov native_outermost + 16(%%rip), %%rax; mov %%rax, 16(%%r13)\n"
LOOP(pid_tgid_in, OUTERMOST, "mov %%r13, %%rdi; call bpf_get_current_pid_tgid_in")
LOOP(task_ident, "mov %[task], %%r14",
     "mov %%r14, %%rdi; mov %%r13, %%rsi; call bpf_task_pidns_ident")
LOOP(task_ns_own, "mov %[task], %%r14",
     "mov %%r14, %%rdi; mov %[net], %%esi; mov %%r13, %%rdx; call bpf_task_ns_ident")
LOOP(task_ns_other_pid, "mov %[other], %%r14",
     "mov %%r14, %%rdi; mov %[pid], %%esi; mov %%r13, %%rdx; call bpf_task_ns_ident")
LOOP(task_ns_other_net, "mov %[other], %%r14",
     "mov %%r14, %%rdi; mov %[net], %%esi; mov %%r13, %%rdx; call bpf_task_ns_ident")
LOOP(task_pid_tgid_in, OUTERMOST "mov %[task], %%r14",
     "mov %%r14, %%rdi; mov %%r13, %%rsi; call bpf_task_pid_tgid_in")
LOOP(sk_ident, "mov %[sock], %%r14",
     "mov %%r14, %%rdi; mov %%r13, %%rsi; call bpf_sk_netns_ident")
LOOP(skb_ident, "mov %[packet], %%r14",
     "mov %%r14, %%rdi; mov %%r13, %%rsi; call bpf_skb_netns_ident")
LOOP(xdp_ident, "mov %[frame], %%r14",
     "mov %%r14, %%rdi; mov %%r13, %%rsi; call bpf_xdp_netns_ident")
LOOP(helper, "xor %%r14d, %%r14d; mov native_ino(%%rip), %%r15",
     "mov %%r14, %%rdi; mov %%r15, %%rsi; mov %%r13, %%rdx; mov $8, %%ecx;"
     "call bpf_get_ns_current_pid_tgid")

/* The verifier inlines bpf_get_current_task() as this. */
#define CURRENT								\
	"mov $current_task, %%eax; add %%gs:this_cpu_off, %%rax;"	\
	"mov (%%rax), %%rax\n"

/* The verifier replaces bpf_rdonly_cast() by this. */
#define CAST(FROM) "mov %%" FROM ", %%rdi; movabs $1, %%rsi; mov %%rdi, %%rax\n"

/*
 * A load that may fault. ADD is OFFSET, if that is not 0. The kernel compares with
 * the bounds of its half of the addresses; here, all addresses are outside.
 */
#define LOAD(ADD, OFFSET, FROM, SUFFIX, TO)				\
	"mov $0, %%r10; mov %%" FROM ", %%r11;" ADD			\
	"sub %%r10, %%r11; movabs $0x100, %%r10; cmp %%r10, %%r11;"	\
	"ja 8f; xor %%" TO ", %%" TO "; jmp 9f\n"			\
	"8: mov" SUFFIX " " OFFSET "(%%" FROM "), %%" TO "\n"		\
	"9:\n"
#define LOAD_AT(OFFSET, FROM, SUFFIX, TO)				\
	LOAD("add $" OFFSET ", %%r11;", OFFSET, FROM, SUFFIX, TO)

LOOP(walk, "xor %%r12d, %%r12d; mov $%c[thread_pid], %%r15",
     CURRENT "add %%r15, %%rax; mov %%rax, %%rdi; xor %%esi, %%esi; mov %%rdi, %%rax\n"
     LOAD("", "", "rax", "q", "r14")
     CAST("r14") LOAD_AT("%c[level]", "rax", "l", "edi")
     "mov $%c[upid_size], %%esi; imul %%edi, %%esi; mov $%c[numbers], %%edi;"
     "add %%edi, %%esi; add %%rsi, %%r14\n"
     CAST("r14")
     "mov %%r12, (%%r13)\n"
     LOAD_AT("%c[upid_ns]", "rax", "q", "rdi")
     LOAD_AT("%c[inum]", "rdi", "l", "edi")
     "mov %%rdi, 8(%%r13)")

/* Puts the address into %rdx, and calls the helper. */
#define PROBE_READ(TO, SIZE)						\
	"mov %%rbp, %%rdi; add $" TO ", %%rdi; mov $" SIZE ", %%esi;"	\
	"call bpf_probe_read_kernel\n"

LOOP(core, "xor %%r12d, %%r12d",
     CURRENT "mov $%c[thread_pid], %%edi; add %%rdi, %%rax; mov %%rax, %%rdx\n"
     PROBE_READ("-0x10", "8")
     "mov -0x10(%%rbp), %%r14; mov %%r14, %%rdx; mov $%c[level], %%edi; add %%rdi, %%rdx\n"
     PROBE_READ("-0x10", "4")
     "mov $%c[numbers], %%edi; add %%rdi, %%r14; mov -0x10(%%rbp), %%edi;"
     "shl $%c[upid_shift], %%rdi; add %%rdi, %%r14; mov %%r14, %%rdx\n"
     PROBE_READ("-0x20", "%c[upid_size]")
     "mov -0x20 + %c[upid_ns](%%rbp), %%rdx; mov $%c[inum], %%edi; add %%rdi, %%rdx;"
     "mov %%r12, (%%r13)\n"
     PROBE_READ("-0x24", "4")
     "mov -0x24(%%rbp), %%edi; mov %%rdi, 8(%%r13)")

static const struct native_row rows[] = {
	{ "nothing", loop_nothing, init },
	{ "cycles", loop_cycles, init },
	{ "empty", loop_empty, bpf_bench_rust_empty },
	{ "empty C", loop_empty_c, bpf_bench_c_empty },
	{ "ident", loop_ident, bpf_get_current_pidns_ident, 0, check_ident },
	{ "ident C twin", loop_ident_c, bpf_bench_c_ident, 0, check_ident_c },
	{ "helper", loop_helper, bpf_get_ns_current_pid_tgid, 0, check_helper },
	{ "walk", loop_walk, init },
	{ "CO-RE", loop_core, bpf_probe_read_kernel, 0, check_core },
	{ "bpf_get_current_ns_ident", loop_ns_ident, bpf_get_current_ns_ident, 0, check_ns_ident },
	{ "bpf_get_current_ns_ident, mnt", loop_ns_ident_mnt, bpf_get_current_ns_ident, 0,
	  check_ns_ident_mnt },
	{ "bpf_get_current_pid_tgid_in", loop_pid_tgid_in, bpf_get_current_pid_tgid_in, 0,
	  check_pid_tgid_in },
	{ "bpf_task_pidns_ident", loop_task_ident, bpf_task_pidns_ident, 0, check_task_ident },
	{ "bpf_task_ns_ident, own net", loop_task_ns_own, bpf_task_ns_ident, 0,
	  check_task_ns_own },
	{ "bpf_task_ns_ident, other pid", loop_task_ns_other_pid, bpf_task_ns_ident, 0,
	  check_task_ns_other_pid },
	{ "bpf_task_ns_ident, other net", loop_task_ns_other_net, bpf_task_ns_ident, 0,
	  check_task_ns_other_net },
	{ "bpf_task_pid_tgid_in", loop_task_pid_tgid_in, bpf_task_pid_tgid_in, 0,
	  check_task_pid_tgid_in },
	{ "bpf_sk_netns_ident", loop_sk_ident, bpf_sk_netns_ident, 0, check_sk_ident },
	{ "bpf_skb_netns_ident", loop_skb_ident, bpf_skb_netns_ident, 0, check_skb_ident },
	{ "bpf_xdp_netns_ident", loop_xdp_ident, bpf_xdp_netns_ident, 0, check_xdp_ident },
#define DEEP(LEVEL)								\
	{ "ident, " #LEVEL " deep", loop_ident, bpf_get_current_pidns_ident, LEVEL, check_ident }, \
	{ "bpf_get_current_pid_tgid_in, " #LEVEL " deep", loop_pid_tgid_in,	\
	  bpf_get_current_pid_tgid_in, LEVEL, check_pid_tgid_in }
	DEEP(1), DEEP(8), DEEP(32),
};

struct native native = {
	.row = rows,
	.nr_rows = ARRAY_SIZE(rows),
	.init = init,
	.set_level = set_level,
	.fentry = fentry_,
	.mcount_start = __start_mcount_loc,
	.mcount_end = __stop_mcount_loc,
	.return_thunk = return_thunk_,
	.retbleed = retbleed_,
	.srso = srso_,
	.srso_alias = srso_alias_,
	.its = its_,
	.nofault_allowed = copy_from_kernel_nofault_allowed_,
};

MODULE_DESCRIPTION("Not to be loaded: code that scripts/bench/bench-native runs in a process");
MODULE_LICENSE("GPL");
