/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _STRESS_H
#define _STRESS_H

/* Data that the programs of the stress test share with the test. */

#include "report.h"

enum stress_kfunc {
	ASK_PIDNS,
	ASK_NS,
	ASK_PID_IN,
	ASK_SK,
	ASK_SKB,
	ASK_XDP,
	ASK_NF,
	NR_ASK,
};

/* The programs that keep the record. */
#define BY_KPROBE	1
#define BY_FENTRY	2

/* A namespace. The key is its id. */
struct stress_space {
	__u32 ino;
	__u32 type;		/* CLONE_NEW* */
	__u32 is_gone;
	__u32 made;		/* BY_* of the programs that saw its creation */
	__u64 gone_as;		/* position in the order of removals, from 1 */
	__u64 answers;
};

/* The results of calls. Each call counts once, and in asked. */
struct stress_count {
	__u64 asked[NR_ASK];
	__u64 right[NR_ASK];
	__u64 none[NR_ASK];	/* errors for tasks that have released the namespace */
	__u64 late[NR_ASK];	/* of these, for tasks that released it during the call */
	__u64 wrong[NR_ASK];
	__u64 unknown[NR_ASK];	/* of a namespace that was not recorded */
};

#define NR_STRESS_PROGS	31
#define MAX_STRESS_PROGS 32

struct stress {
	struct bpf_ns_ident initial;	/* in: the initial pid namespace */
	__u64 made;			/* namespaces */
	__u64 made_types;		/* CLONE_NEW* of them */
	__u64 gone;
	__u64 not_recorded;
	__u64 by_prog[MAX_STRESS_PROGS];
	__u64 none_by_prog[MAX_STRESS_PROGS];
	/* The first wrong result, if there is one. */
	__u32 has_wrong;
	__u32 prog;
	__u32 kfunc;
	__u32 type;
	__s64 ret;
	struct bpf_ns_ident ident;
	struct stress_space space;
};

#endif /* _STRESS_H */
