/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Structures that the BPF programs of the agent share with userspace. Include
 * ns_ident.bpf.h or ns_ident.h first.
 */
#ifndef AGENT_H
#define AGENT_H

#define NR_TYPES	8
#define PID_TYPE	4	/* the place of pid among them */
#define PART_LEN	4096	/* as long as a path can be */

enum what { EXEC, EXIT, FORK, CONNECT, OPEN, TASK };

/* Strings of an event, in this order in its data. */
enum part { CGROUP, FILE_PATH, ARGV, NR_PARTS };

/* Pids are tgid << 32 | pid, or a negative errno. As in src/event.rs. */
struct event {
	__u32 what;
	__u32 status;				/* exit: as wait(2) has it */
	__s64 pid_tgid;
	__s64 pid_tgid_inside;			/* in its own pid namespace */
	struct bpf_ns_ident ns[NR_TYPES];
	struct bpf_ns_ident sock_net;		/* connect: of the socket */
	struct bpf_ns_ident child_pidns;	/* fork */
	__s64 child_pid_tgid;
	__s64 child_pid_tgid_inside;		/* in its own pid namespace */
	__s64 child_pid_tgid_for_parent;	/* in that of the parent */
	__u64 boot_ns;				/* CLOCK_BOOTTIME */
	__u32 ppid;				/* 0: not visible */
	__u32 uid;
	__u32 level;				/* pid namespaces from that of the agent */
	__u32 cgroup_ns_level;			/* components above its cgroup namespace */
	__u32 cut;				/* 1 << part */
	__u16 family;				/* connect */
	__u16 port;
	__u8 addr[16];
	char comm[16];
	char hostname[68];
	__u32 len[NR_PARTS];
	char data[NR_PARTS * PART_LEN];		/* only as much as there is */
};

#endif /* AGENT_H */
