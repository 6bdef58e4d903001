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
	__s64 own;		/* its ids in that namespace */
	__s64 initial;		/* in the initial one */
	__s32 err;		/* of the identity */
	__u32 current_pid;	/* of the task that the program runs on top of */
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
