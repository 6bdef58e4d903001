/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _REPORT_H
#define _REPORT_H

/*
 * What a BPF program and its test share. One structure in one map, so that
 * tests can handle all programs alike.
 */

/* ns_ident.h and ns_ident.bpf.h have the same. */
#ifndef BPF_NS_IDENT
#define BPF_NS_IDENT
struct bpf_ns_ident {
	__u64 dev;
	__u64 ino;
	__u64 id;
};
#endif

struct report {
	__u32 target;		/* in: process id in the initial pid namespace */
	__u32 calls;		/* how often the target was met */
	__u64 pid_tgid;		/* who met it last */
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 ns_type;		/* in: for programs that ask by type */
};

/* Where a task is that goes to and fro between two namespaces of a type. */
enum place {
	IN_FIRST,
	IN_SECOND,
	TO_FIRST,
	TO_SECOND,
	NR_PLACES
};

struct moves {
	struct bpf_ns_ident ns[2];
	__u32 place;
	__u32 wrong;			/* answers that cannot be */
	__u64 seen[NR_PLACES][2];	/* others, by place and namespace */
};

/* A question to bpf_get_current_pid_tgid_in(), and the answer. */
struct pid_in {
	struct bpf_ns_ident pidns;	/* in */
	__s64 pid_tgid;
	/* What bpf_get_ns_current_pid_tgid() says to the same question. */
	__s64 plain_err;
	__u32 plain_pid;
	__u32 plain_tgid;
};

/* What no kfunc returns and no namespace has. */
#define POISON		0xa5a5a5a5a5a5a5a5ULL
#define POISON_ERR	0x5a5a5a5a

/* Only tests call getpgid() of this. */
#define MAGIC_PID	0x6e736964

#endif /* _REPORT_H */
