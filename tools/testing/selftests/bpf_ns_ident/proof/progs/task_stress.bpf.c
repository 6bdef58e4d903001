// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that call the kfuncs for other tasks than the current one, and
 * compare each result with the record of stress_record.bpf.c.
 */
#include "stress.bpf.h"
#include "kfuncs.bpf.h"
#include "task_stress.h"

#define ENOENT	2
#define ESRCH	3
#define EBUSY	16

#define CLONE_NEWUSER	0x10000000
#define CLONE_NEWPID	0x20000000

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

const __u32 task_types[8] = {
	0x00000080, 0x00020000, 0x02000000, 0x04000000,
	0x08000000, 0x10000000, 0x20000000, 0x40000000,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_TASK_PROGS);
	__type(key, __u32);
	__type(value, struct task_stress_count);
} task_counts SEC(".maps");

struct task_stress_wrong first_wrong SEC(".data.wrong");

struct question {
	__u32 prog;
	__u32 type;		/* 0 for pids */
	__u32 pid;
	__u32 is_current;
	__u64 pid_tgid;
	__u64 gone;		/* namespaces that were gone before the call */
};

static __noinline int note_wrong(const struct question *q, __s64 ret,
				 const struct bpf_ns_ident *ident)
{
	struct stress_space *space;
	__u64 id = ident->id;

	if (__sync_lock_test_and_set(&first_wrong.is_there, 1))
		return 0;
	first_wrong.prog = q->prog;
	first_wrong.type = q->type;
	first_wrong.pid = q->pid;
	first_wrong.ret = ret;
	first_wrong.ident = *ident;
	first_wrong.gone = q->gone;
	space = bpf_map_lookup_elem(&spaces, &id);
	if (space)
		first_wrong.space = *space;
	return 0;
}

static __noinline int judge_task(const struct question *q, __s64 ret,
				 const struct bpf_ns_ident *ident)
{
	struct stress *all = get_stress();
	struct task_stress_count *count;
	struct stress_space *space;
	__u64 id = ident->id;
	__u32 key = q->prog;
	bool is_zero = !ident->dev && !ident->ino && !id;
	bool needs_lock = q->type && q->type != CLONE_NEWUSER &&
			  q->type != CLONE_NEWPID && !q->is_current;

	count = bpf_map_lookup_elem(&task_counts, &key);
	if (!all || !count)
		return 0;
	if (needs_lock)
		__sync_fetch_and_add(&count->need_lock, 1);
	if (!q->type) {
		if (ret == q->pid_tgid)
			__sync_fetch_and_add(&count->right, 1);
		else if (ret == -ESRCH)
			__sync_fetch_and_add(&count->none, 1);
		else
			goto wrong;
		return 0;
	}
	if (ret == -ENOENT && is_zero && q->type != CLONE_NEWUSER) {
		__sync_fetch_and_add(&count->none, 1);
		return 0;
	}
	if (ret == -EBUSY && is_zero && needs_lock) {
		__sync_fetch_and_add(&count->busy, 1);
		return 0;
	}
	if (ret)
		goto wrong;
	space = bpf_map_lookup_elem(&spaces, &id);
	if (!space) {
		__sync_fetch_and_add(&count->unknown, 1);
		note_wrong(q, ret, ident);
		return 0;
	}
	/* The namespace may be removed during the call, but not before. */
	if (ident->dev != all->initial.dev || ident->ino != space->ino ||
	    q->type != space->type ||
	    (space->gone_as && space->gone_as <= q->gone))
		goto wrong;
	__sync_fetch_and_add(&count->right, 1);
	return 0;
wrong:
	__sync_fetch_and_add(&count->wrong, 1);
	note_wrong(q, ret, ident);
	return 0;
}

/* An atomic operation, so that the CPU does not reorder it with the call. */
static __always_inline __u64 nr_gone(void)
{
	struct stress *all = get_stress();

	return all ? __sync_fetch_and_add(&all->gone, 0) : 0;
}

static __always_inline void ask_task(__u32 prog, struct task_struct *task)
{
	struct bpf_ns_ident ident = { POISON, POISON, POISON };
	struct stress *all = get_stress();
	struct bpf_ns_ident initial;
	struct question q = {
		.prog = prog,
		.type = task_types[bpf_get_prandom_u32() % 8],
		.pid = task->pid,
		.is_current = (__u64)task == bpf_get_current_task(),
		.pid_tgid = (__u64)task->tgid << 32 | task->pid,
	};
	__s64 ret;

	if (!all)
		return;
	q.gone = nr_gone();
	ret = bpf_task_ns_ident(task, q.type, &ident);
	judge_task(&q, ret, &ident);

	q.type = CLONE_NEWPID;
	ident = (struct bpf_ns_ident){ POISON, POISON, POISON };
	q.gone = nr_gone();
	ret = bpf_task_pidns_ident(task, &ident);
	judge_task(&q, ret, &ident);

	q.type = 0;
	initial = all->initial;
	ret = bpf_task_pid_tgid_in(task, &initial);
	judge_task(&q, ret, &ident);
}

SEC("iter/task")
int task_of_iterator(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		ask_task(OF_ITERATOR, task);
	return 0;
}

SEC("syscall")
int task_of_syscall(void *ctx)
{
	struct task_struct *task;

	bpf_rcu_read_lock();
	bpf_for_each(task, task, NULL, BPF_TASK_ITER_ALL_PROCS)
		ask_task(OF_SYSCALL, task);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("lsm/task_kill")
int BPF_PROG(task_of_lsm, struct task_struct *task)
{
	ask_task(OF_LSM, task);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(task_of_fork, struct task_struct *parent, struct task_struct *child)
{
	ask_task(OF_FORK, child);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(task_of_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	/* Idle tasks have no pid. */
	if (next->pid)
		ask_task(OF_SWITCH, next);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(task_of_free, struct task_struct *task)
{
	ask_task(OF_FREE, task);
	return 0;
}

SEC("perf_event")
int task_of_interrupt(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	task = task->real_parent;
	if (task->pid)
		ask_task(OF_PARENT, task);
	return 0;
}
