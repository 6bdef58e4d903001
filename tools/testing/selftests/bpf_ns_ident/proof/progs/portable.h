/* SPDX-License-Identifier: GPL-2.0 */
/* Data that the programs of progs/portable.bpf.c share with their test. */
#ifndef _PORTABLE_H
#define _PORTABLE_H

#define NR_TYPES	8

/* Networking programs only handle traffic to this port. */
#define PORTABLE_PORT	4242

struct portable_answer {
	__s32 err;
	__u32 calls;
	struct bpf_ns_ident ident;
};

/* The results of a program for a task. */
struct portable_task {
	__u64 pid_tgid;			/* in the initial namespace */
	struct portable_answer pidns;
	struct portable_answer ns[NR_TYPES];
	__s64 in_own;			/* tgid << 32 | pid in its own pid namespace */
	__s64 in_asked;			/* in a namespace that the test selects */
	__s64 in_none;			/* in a namespace that does not exist */
	__s64 own;			/* of the current task, in that of the loader */
};

struct portable_shared {
	__u32 target;			/* in: process id in the initial pid namespace */
	__u32 has_kfuncs;
	__u32 has_ids;
	__u32 bad_type_err;
	struct bpf_ns_ident asked;	/* in */
	struct portable_task current;
	struct portable_task child;
	struct portable_answer sk;
	struct portable_answer bpf_sock;
	struct portable_answer skb;
	struct portable_answer xdp;
	struct portable_answer nf;
};

/* The .bss section of progs/portable_one.bpf.c. */
struct portable_one {
	__u32 target;			/* in: as above */
	__u32 calls;
	__u32 has_kfuncs;
	__s32 err;
	struct bpf_ns_ident ident;
};

#endif /* _PORTABLE_H */
