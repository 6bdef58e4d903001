// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that call the kfuncs for another task than the current one. The test
 * selects the program to load.
 */
#include "task.bpf.h"

struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

#define CLONE_NEWNET 0x40000000

/* Children of the target. */

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(fork_child, struct task_struct *parent, struct task_struct *child)
{
	if (is_target())
		ask(child);
	return 0;
}

SEC("?tp_btf/task_newtask")
int BPF_PROG(newtask, struct task_struct *child)
{
	if (is_target())
		ask(child);
	return 0;
}

SEC("?tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new, struct task_struct *child)
{
	if (is_target())
		ask(child);
	return 0;
}

/* The child is still a copy of its parent. */
SEC("?lsm/task_alloc")
int BPF_PROG(alloc, struct task_struct *child)
{
	if (is_target())
		ask(child);
	return 0;
}

/* The target itself, in an event of another task. */

SEC("?tp_btf/sched_switch")
int BPF_PROG(switch_prev, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	ask_if_target(prev);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(switch_next, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	ask_if_target(next);
	return 0;
}

SEC("?tp_btf/signal_generate")
int BPF_PROG(signal_target, int sig, struct kernel_siginfo *info,
	     struct task_struct *task)
{
	ask_if_target(task);
	return 0;
}

SEC("?lsm/task_kill")
int BPF_PROG(kill_target, struct task_struct *task)
{
	ask_if_target(task);
	return 0;
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(process_free, struct task_struct *task)
{
	ask_if_target(task);
	return 0;
}

/* The caller holds the lock of the task. */
SEC("?lsm/task_setrlimit")
int BPF_PROG(lock_holder, struct task_struct *task)
{
	ask_if_target(task);
	return 0;
}

/* All tasks, for one reader at a time. */

struct task_answer row SEC(".data.row");

SEC("?iter/task")
int all_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	ask_into(task, &row);
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

SEC("?syscall")
int open_coded_iterator(void *ctx)
{
	struct task_struct *task;

	bpf_rcu_read_lock();
	bpf_for_each(task, task, NULL, BPF_TASK_ITER_ALL_PROCS)
		ask_if_target(task);
	bpf_rcu_read_unlock();
	return 0;
}

/* By pid. */

SEC("?syscall")
int from_pid(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(report.target);

	if (!task)
		return -1;
	ask(task);
	bpf_task_release(task);
	return 0;
}

/* Referenced tasks, and tasks that are only RCU protected. */

SEC("?syscall")
int parent_under_rcu(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(report.target);

	if (!task)
		return -1;
	bpf_rcu_read_lock();
	ask(task->real_parent);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	return 0;
}

struct held {
	struct task_struct __kptr *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct held);
} held SEC(".maps");

SEC("?syscall")
int hold(void *ctx)
{
	struct task_struct *task;
	struct held *place;
	__u32 key = 0;

	place = bpf_map_lookup_elem(&held, &key);
	if (!place)
		return -1;
	task = bpf_task_from_pid(report.target);
	if (!task)
		return -2;
	task = bpf_kptr_xchg(&place->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("?syscall")
int ask_held(void *ctx)
{
	struct task_struct *task;
	struct held *place;
	__u32 key = 0;

	place = bpf_map_lookup_elem(&held, &key);
	if (!place)
		return -1;
	bpf_rcu_read_lock();
	task = place->task;
	if (task)
		ask(task);
	bpf_rcu_read_unlock();
	return 0;
}

/* Other program types: the parent of the target, which is current. */

static __always_inline void ask_parent(void)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (is_target())
		ask(task->real_parent);
}

SEC("?kprobe/" SYS_PREFIX "sys_getpgid")
int parent_in_kprobe(void *ctx)
{
	ask_parent();
	return 0;
}

/*
 * The test attaches the program after the call of ftrace. x86 then uses a
 * breakpoint, and the handler counts as an NMI.
 */
SEC("?kprobe")
int parent_in_nmi(void *ctx)
{
	ask_parent();
	return 0;
}

/* The target is about to sleep, and waits for a lock. */
SEC("?fentry/rt_mutex_schedule")
int BPF_PROG(parent_while_blocked)
{
	ask_parent();
	return 0;
}

SEC("?tp/syscalls/sys_enter_getpgid")
int parent_in_tp(void *ctx)
{
	ask_parent();
	return 0;
}

SEC("?raw_tp/sys_enter")
int parent_in_raw_tp(struct bpf_raw_tracepoint_args *ctx)
{
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) == MAGIC_PID)
		ask_parent();
	return 0;
}

SEC("?perf_event")
int parent_in_perf_event(void *ctx)
{
	ask_parent();
	return 0;
}

/* Calls that the verifier rejects. The test selects the kfunc. */

const volatile __u32 kfunc = TRY_PIDNS_IDENT;

static __always_inline void try(struct task_struct *task)
{
	struct bpf_ns_ident ident = {};

	if (kfunc == TRY_PIDNS_IDENT)
		bpf_task_pidns_ident(task, &ident);
	else if (kfunc == TRY_NS_IDENT)
		bpf_task_ns_ident(task, CLONE_NEWNET, &ident);
	else
		bpf_task_pid_tgid_in(task, &ident);
}

SEC("?syscall")
int null(void *ctx)
{
	try(NULL);
	return 0;
}

SEC("?syscall")
int unchecked(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(report.target);

	try(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

/* This program may sleep, so it is not in an RCU read-side critical section. */
SEC("?syscall")
int walked_outside_rcu(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	try(task->real_parent);
	return 0;
}

SEC("?syscall")
int beyond_rcu(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	task = task->real_parent;
	bpf_rcu_read_unlock();
	try(task);
	return 0;
}

SEC("?syscall")
int not_kept_by_rcu(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	try(task->signal->curr_target);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?syscall")
int released(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(report.target);

	if (!task)
		return 0;
	bpf_task_release(task);
	try(task);
	return 0;
}

SEC("?syscall")
int another_structure(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_rcu_read_lock();
	try((struct task_struct *)task->cgroups);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?fentry/wake_up_new_task")
int BPF_PROG(argument_of_fentry, struct task_struct *task)
{
	try(task);
	return 0;
}

/* The reference count of the task is zero. */
SEC("?lsm/task_free")
int BPF_PROG(task_free, struct task_struct *task)
{
	try(task);
	return 0;
}

SEC("?tc")
int in_tc(struct __sk_buff *skb)
{
	try(bpf_get_current_task_btf());
	return 0;
}

SEC("?xdp")
int in_xdp(struct xdp_md *ctx)
{
	try(bpf_get_current_task_btf());
	return 0;
}
