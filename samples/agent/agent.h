/* SPDX-License-Identifier: GPL-2.0 */
/* What the BPF programs of the agent hand to userspace. */
#ifndef AGENT_H
#define AGENT_H

struct bpf_ns_ident { __u64 dev, ino, id; };

#define NR_TYPES	8
#define PID_TYPE	4	/* the place of pid among them */
#define NR_CGROUPS	3

enum what { EXEC, EXIT, CONNECT, OPEN };

/* As in src/main.rs. */
struct event {
	__u32 what;
	__u32 status;				/* exit: as wait(2) has it */
	__u64 pid_tgid;
	__s64 pid_tgid_inside;			/* in its own pid namespace */
	struct bpf_ns_ident ns[NR_TYPES];
	struct bpf_ns_ident sock_net;		/* connect: of the socket */
	char cgroups[NR_CGROUPS][96];		/* the innermost one first */
	char comm[16];
	char hostname[64];
	__u32 level;				/* of pid namespaces above it */
	__u16 family;				/* connect */
	__u16 port;
	__u8 addr[16];
	char path[124];				/* exec, open */
};

#endif /* AGENT_H */
