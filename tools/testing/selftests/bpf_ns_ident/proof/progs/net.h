/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_H
#define _NET_H

#include "report.h"

/* The traffic of the test uses this port. */
#define NET_PORT	4242

/* The results of a kfunc. */
struct net_answer {
	__u32 calls;
	__u32 changed;		/* number of results unlike the one before */
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 pad;
};

enum {
	NET_PACKET,		/* namespace of the packet */
	NET_SOCK,		/* namespace of the socket */
	NET_PEER,		/* namespace of the socket at the other end */
	NET_TASK,		/* namespace of the current task */
	NET_FULL,		/* namespace of a socket from a helper */
	NET_TCP_INFO,
	NET_TCP,
	NET_REQUEST,
	NET_ANSWERS,
};

/* Whether a program waits before its first call. */
enum net_hold {
	NET_GO,
	NET_WAIT,		/* in */
	NET_WAITING,		/* until it is NET_GO */
};

struct net_report {
	struct net_answer answers[NET_ANSWERS];
	__u32 hold;
	__u32 pad;
};

/* Frames that a program redirects to another CPU. */
struct net_cpumap {
	__u32 cpu;		/* in */
	__u32 ifindex;		/* in: index of the receiving device */
	__u32 redirected;
	__u32 calls;		/* of the program on that CPU */
	__u32 wrong;		/* number of wrong indices */
};

#endif /* _NET_H */
