/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TASK_STRESS_H
#define _TASK_STRESS_H

#include "stress.h"

/* The programs, by the origin of the task. */
enum task_stress_prog {
	OF_ITERATOR,
	OF_SYSCALL,
	OF_LSM,
	OF_FORK,
	OF_SWITCH,
	OF_FREE,
	OF_PARENT,		/* in an interrupt */
	NR_TASK_PROGS,
};

/* Results by kind. Each result counts once. */
struct task_stress_count {
	__u64 right;
	__u64 none;		/* -ENOENT, or -ESRCH */
	__u64 busy;		/* -EBUSY */
	__u64 need_lock;	/* all that need the lock of the task, busy included */
	__u64 unknown;		/* of a namespace that was not recorded */
	__u64 wrong;
};

/* The first answer that was wrong. */
struct task_stress_wrong {
	__u32 is_there;
	__u32 prog;
	__u32 type;
	__u32 pid;
	__s64 ret;
	struct bpf_ns_ident ident;
	struct stress_space space;
	__u64 gone;		/* namespaces that were gone before the call */
};

#endif /* _TASK_STRESS_H */
