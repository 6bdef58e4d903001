/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the programs of progs/walk.bpf.c and their test. */
#ifndef _WALK_H
#define _WALK_H

enum walk_question {
	WALK_PIDNS,
	WALK_NS,
	WALK_PID_IN,
	WALK_TASK_PIDNS,
	WALK_TASK_NS,
	WALK_TASK_PID_IN,
	NR_WALK,
};

/* The first answers that were not the same. */
struct walk_answers {
	__u32 question;
	__u32 ns_type;
	__s64 by_kfunc;
	__s64 by_walk;
	struct bpf_ns_ident of_kfunc;
	struct bpf_ns_ident of_walk;
};

struct walk_shared {
	struct bpf_ns_ident initial;	/* in */
	__u64 asked[NR_WALK];
	__u64 none[NR_WALK];		/* of these, errors, the same of both */
	__u64 differ;
	__u32 has_first;
	__u32 pad;
	struct walk_answers first;

	/* A task that ends, or moves, while programs read its namespace. */
	__u32 turns;			/* in */
	__u32 victim;			/* in: its pid */
	__u64 inos[2];			/* in: the only ones that it ever had */
	__u64 races[2];			/* results, of the kfunc and of the walk */
	__u64 lost[2];			/* of these, another namespace */
	__u64 gone[2];			/* of these, -ENOENT */
	__u64 faults;			/* of the walk, -EFAULT */
	__u64 busy;			/* of the kfunc, -EBUSY */
};

#endif /* _WALK_H */
