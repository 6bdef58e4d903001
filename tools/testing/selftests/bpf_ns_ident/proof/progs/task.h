/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TASK_H
#define _TASK_H

#include "report.h"

/* cgroup, ipc, mnt, net, pid, time, user, uts */
#define NR_NS_TYPES 8

struct ns_answer {
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 unused;
};

/* The results of the kfuncs for a task. */
struct task_answer {
	__u32 tgid;		/* in the initial pid namespace */
	__u32 pid;
	struct bpf_ns_ident ident;
	__s64 own;		/* ids in the task's pid namespace */
	__s64 initial;		/* ids in the initial pid namespace */
	__s32 err;		/* result of bpf_task_pidns_ident() */
	__u32 current_pid;	/* pid of the current task */
	struct ns_answer ns[NR_NS_TYPES];
};

struct asked {
	struct bpf_ns_ident initial;	/* in */
	__u32 ns_types[NR_NS_TYPES];	/* in: CLONE_NEW* */
	struct task_answer answer;	/* the last one */
	__u32 calls;
};

/* The kfunc that a rejected program calls. */
enum task_kfunc {
	TRY_PIDNS_IDENT,
	TRY_NS_IDENT,
	TRY_PID_TGID_IN,
};

#endif /* _TASK_H */
