// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that compare a kfunc with the walk of ns_ident.bpf.h in the same event.
 * In parentheses, a kfunc is not the macro of that header.
 */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"
#include "walk.h"

#define EBUSY 16

struct walk_shared walk SEC(".data.walk");

static const __u32 types[8] = {
	CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;

static __always_inline bool is_same(const struct walk_answers *got)
{
	return got->by_kfunc == got->by_walk &&
	       got->of_kfunc.dev == got->of_walk.dev &&
	       got->of_kfunc.ino == got->of_walk.ino &&
	       got->of_kfunc.id == got->of_walk.id;
}

static __noinline int judge(const struct walk_answers *got)
{
	__u32 question = got->question;

	if (question >= NR_WALK)
		return 0;
	__sync_fetch_and_add(&walk.asked[question], 1);
	if (is_same(got)) {
		if (got->by_kfunc < 0)
			__sync_fetch_and_add(&walk.none[question], 1);
		return 0;
	}
	__sync_fetch_and_add(&walk.differ, 1);
	if (!__sync_lock_test_and_set(&walk.has_first, 1))
		walk.first = *got;
	return 0;
}

/* The parent may release the task after the first call. The second call follows that. */
#define compare(QUESTION, TYPE, KFUNC, WALK)				\
	do {								\
		struct walk_answers got = {				\
			.question = QUESTION,				\
			.ns_type = TYPE,				\
		};							\
		struct bpf_ns_ident *ident = &got.of_kfunc;		\
									\
		got.by_kfunc = KFUNC;					\
		ident = &got.of_walk;					\
		got.by_walk = WALK;					\
		ident = &got.of_kfunc;					\
		if (!is_same(&got))					\
			got.by_kfunc = KFUNC;				\
		(void)ident;						\
		judge(&got);						\
	} while (0)

static __always_inline void compare_current(void)
{
	__u32 type = types[bpf_get_prandom_u32() % 8];
	struct bpf_ns_ident initial = walk.initial;

	compare(WALK_PIDNS, 0, (bpf_get_current_pidns_ident)(ident),
		ns_ident_walk_current_pidns(ident));
	compare(WALK_NS, type, (bpf_get_current_ns_ident)(type, ident),
		ns_ident_walk_current_ns(type, ident));
	compare(WALK_PID_IN, 0, (bpf_get_current_pid_tgid_in)(&initial),
		ns_ident_walk_current_pid_tgid_in(&initial));
}

/* Nobody else can take the lock of a task that is not visible yet. */
static __always_inline void compare_task(struct task_struct *task)
{
	__u32 type = types[bpf_get_prandom_u32() % 8];
	struct bpf_ns_ident initial = walk.initial;

	compare(WALK_TASK_PIDNS, 0, (bpf_task_pidns_ident)(task, ident),
		ns_ident_walk_task_pidns(task, ident));
	compare(WALK_TASK_NS, type, (bpf_task_ns_ident)(task, type, ident),
		ns_ident_walk_task_ns(task, type, ident));
	compare(WALK_TASK_PID_IN, 0, (bpf_task_pid_tgid_in)(task, &initial),
		ns_ident_walk_task_pid_tgid_in(task, &initial));
}

SEC("?raw_tp/sys_enter")
int on_syscall(void *ctx)
{
	compare_current();
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	compare_current();
	return 0;
}

/* At its last switch, the current task has been released. */
SEC("?tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev)
{
	compare_current();
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	compare_task(child);
	return 0;
}

/* A program for syscall may sleep, so that other tasks run between two reads of a walk. */
SEC("?syscall")
int race_end(void *ctx)
{
	struct bpf_ns_ident ident;
	struct task_struct *task;
	int i, err;

	task = bpf_task_from_pid(walk.victim);
	if (!task)
		return 1;
	bpf_for(i, 0, walk.turns) {
		err = ns_ident_walk_task_pidns(task, &ident);
		__sync_fetch_and_add(&walk.races[1], 1);
		if (err == -NS_IDENT_ENOENT)
			__sync_fetch_and_add(&walk.gone[1], 1);
		else if (err)
			__sync_fetch_and_add(&walk.faults, 1);
		else if (ident.ino != walk.inos[0])
			__sync_fetch_and_add(&walk.lost[1], 1);
		err = (bpf_task_pidns_ident)(task, &ident);
		__sync_fetch_and_add(&walk.races[0], 1);
		if (err)
			__sync_fetch_and_add(&walk.gone[0], 1);
		else if (ident.ino != walk.inos[0])
			__sync_fetch_and_add(&walk.lost[0], 1);
	}
	bpf_task_release(task);
	return 0;
}

SEC("?syscall")
int race_move(void *ctx)
{
	struct bpf_ns_ident ident;
	struct task_struct *task;
	int i, err;

	task = bpf_task_from_pid(walk.victim);
	if (!task)
		return 1;
	bpf_for(i, 0, walk.turns) {
		err = ns_ident_walk_task_ns(task, CLONE_NEWUTS, &ident);
		__sync_fetch_and_add(&walk.races[1], 1);
		if (err)
			__sync_fetch_and_add(&walk.faults, 1);
		else if (ident.ino != walk.inos[0] && ident.ino != walk.inos[1])
			__sync_fetch_and_add(&walk.lost[1], 1);
		err = (bpf_task_ns_ident)(task, CLONE_NEWUTS, &ident);
		__sync_fetch_and_add(&walk.races[0], 1);
		if (err == -EBUSY)
			__sync_fetch_and_add(&walk.busy, 1);
		else if (err || (ident.ino != walk.inos[0] && ident.ino != walk.inos[1]))
			__sync_fetch_and_add(&walk.lost[0], 1);
	}
	bpf_task_release(task);
	return 0;
}

char _license[] SEC("license") = "GPL";
