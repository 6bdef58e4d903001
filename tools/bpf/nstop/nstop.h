/* SPDX-License-Identifier: GPL-2.0 */
/* Types and limits that the BPF programs share with nstop. Include ns_ident.h first. */
#ifndef NSTOP_H
#define NSTOP_H

#define NSTOP_MAX_NS	4096
#define NSTOP_MAX_TASKS	32768
#define NSTOP_COMM_LEN	16
#define NSTOP_NR_MOVES	4

/* Read-only data of the BPF program, which nstop sets before the load. */
struct nstop_config {
	__u32 ns_type;			/* CLONE_NEW* */
	__u32 per_thread;		/* tasks are threads, else thread groups */
	struct bpf_ns_ident own;	/* pid namespace of nstop, all zero: the initial one */
	struct bpf_ns_ident seen_by;	/* a pid namespace, all zero: none */
	__s64 moves[NSTOP_NR_MOVES];	/* system calls, see below */
	__u64 nr_moves;			/* number of valid elements of moves */
};

/* A task. The start time distinguishes tasks that had the same pid. */
struct nstop_task_key {
	__u64 start;		/* start_boottime, of the leader of a group, in ns */
	__u64 pid;		/* in the initial pid namespace */
};

struct nstop_task {
	struct bpf_ns_ident ident;	/* the first result for this task */
	__s64 pid;			/* its pid in own */
	__s64 seen_pid;			/* its pid in seen_by, or -errno */
	__u64 changed;			/* a later result was different */
	__u64 moved;			/* it has called one of moves, which may change the result */
	char comm[NSTOP_COMM_LEN];	/* at the time of the first result */
};

/* System calls that are missing from the maps, by reason. */
struct nstop_lost {
	__u64 no_ident;		/* the kfunc returned an error */
	__u64 ns_full;		/* no room for the namespace: not counted */
	__u64 task_full;	/* no room for the task: counted, not compared */
};

/* Directions in which packets pass a device. */
enum {
	NSTOP_RX,
	NSTOP_TX,
	NSTOP_NR_DIRECTIONS
};

struct nstop_traffic {
	__u64 packets[NSTOP_NR_DIRECTIONS];
	__u64 bytes[NSTOP_NR_DIRECTIONS];
};

#endif /* NSTOP_H */
