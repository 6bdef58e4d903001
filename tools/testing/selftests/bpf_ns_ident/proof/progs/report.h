/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _REPORT_H
#define _REPORT_H

/*
 * Data that a BPF program shares with its test. All programs have the same
 * structure in one map, so tests handle all programs alike.
 */

/* ns_ident.h and ns_ident.bpf.h have the same structure. */
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
	__u32 calls;		/* number of events of the target */
	__u64 pid_tgid;		/* current task at the last event */
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 ns_type;		/* in: namespace type to report */
};

/* The position of a task that moves between two namespaces of a type. */
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
	__u32 wrong;			/* number of impossible results */
	__u64 seen[NR_PLACES][2];	/* other results, by place and namespace */
};

/* The argument and the result of bpf_get_current_pid_tgid_in(). */
struct pid_in {
	struct bpf_ns_ident pidns;	/* in */
	__s64 pid_tgid;
	/* The result of bpf_get_ns_current_pid_tgid() for the same argument. */
	__s64 plain_err;
	__u32 plain_pid;
	__u32 plain_tgid;
};

/* Values that no kfunc returns, and no namespace has. */
#define POISON		0xa5a5a5a5a5a5a5a5ULL
#define POISON_ERR	0x5a5a5a5a

/* An argument of getpgid(2) that only tests pass. */
#define MAGIC_PID	0x6e736964

#endif /* _REPORT_H */
