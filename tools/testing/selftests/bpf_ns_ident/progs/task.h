/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TASK_H
#define _TASK_H

#include "report.h"

/* What the kfuncs say of a task. */
struct task_answer {
	__u32 tgid;		/* in the initial pid namespace */
	__u32 pid;
	struct bpf_ns_ident ident;
	__s64 own;		/* its ids in that namespace */
	__s64 initial;		/* in the initial one */
	__s32 err;		/* of the identity */
	__u32 current_pid;	/* of the task that the program runs on top of */
};

struct asked {
	struct bpf_ns_ident initial;	/* in */
	struct task_answer answer;	/* the last one */
	__u32 calls;
};

#endif /* _TASK_H */
