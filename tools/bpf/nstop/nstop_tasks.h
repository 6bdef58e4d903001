/* SPDX-License-Identifier: GPL-2.0 */
/* The namespaces of tasks, for counting system calls. */
#ifndef NSTOP_TASKS_H
#define NSTOP_TASKS_H

#include "nstop_user.h"

/* A namespace, which stays from round to round while it is in use. */
struct ns {
	struct bpf_ns_ident ident;
	struct ns *parent;	/* NULL: initial namespace, or not known */
	bool parent_known;
	__u64 total;		/* calls since the start */

	/* This round only. */
	__u64 calls;
	bool live;		/* in use, or the ancestor of one in use */
	bool callers;		/* its tasks are in the BPF map */
	unsigned int tasks;
	unsigned int matches;
	unsigned int mismatches;
	unsigned int moved;
	unsigned int denied;
	size_t row;		/* index in the table */

	/* The first command: of the task with the lowest rank, NO_RANK: none. */
	__u64 rank;
	char comm[NSTOP_COMM_LEN];
	pid_t pid;		/* in the pid namespace of nstop, 0: none */
	__s64 seen_pid;		/* the pid to show, or -errno */
	char container[NSTOP_NAME_LEN];
};

#define NO_RANK		(~0ULL)

extern struct ns **namespaces;
extern size_t nr_namespaces;

/* Finds or adds a namespace by its identity. */
struct ns *get_ns(const struct bpf_ns_ident *ident);

/* Finds or adds the namespace of an open file and its ancestors, and marks them live. */
struct ns *live_ns(int fd, const struct bpf_ns_ident *ident);

void start_namespaces(void);

/* Calls @gone for each namespace that is not live, and frees it. */
void forget_namespaces(void (*gone)(const struct ns *ns));

/* Sorts by id, the lowest one first. */
void sort_namespaces(void);

#endif /* NSTOP_TASKS_H */
