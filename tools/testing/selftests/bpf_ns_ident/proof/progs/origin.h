/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ORIGIN_H
#define _ORIGIN_H

#include "nested.h"

#define NR_TYPES 8

/* The result of a kfunc that writes an identity. */
struct answer {
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 unused;
};

/* The results of kfuncs for one task. */
struct about {
	struct answer pidns;
	struct answer ns[NR_TYPES];	/* cgroup, ipc, mnt, net, pid, time, user, uts */
	__s64 in[NR_NAMED];		/* pids in the named namespaces */
};

/* Arguments and results of the programs in origin.bpf.c. */
struct origin {
	__u32 other;			/* in: process id in the initial pid namespace */
	__u32 calls;
	struct bpf_ns_ident named[NR_NAMED];	/* in */
	struct about current;		/* by the kfuncs for the current task */
	struct about task;		/* by those for any task */
	struct about another;		/* the same for the task `other` */
	__s64 own;			/* bpf_get_current_pid_tgid_own() */
	__s64 helper;			/* bpf_get_current_pid_tgid() */
	struct answer in_subprog, in_callback, in_replaceable, in_tail;
	struct answer sk, packet;
	__u32 nr_processes;		/* of an iterator over all */
	__u32 nr_visible;		/* of these, with a pid namespace */
};

#endif /* _ORIGIN_H */
