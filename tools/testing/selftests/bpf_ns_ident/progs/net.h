/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_H
#define _NET_H

#include "report.h"

/* Traffic that is not to this port is not the test's. */
#define NET_PORT	4242

/* What a kfunc said, each time that it was asked. */
struct net_answer {
	__u32 calls;
	__u32 changed;		/* how often it was not the same as before */
	struct bpf_ns_ident ident;
	__s32 err;
	__u32 pad;
};

enum {
	NET_PACKET,		/* where the packet is */
	NET_SOCK,		/* where the socket was opened */
	NET_PEER,		/* the same, of the socket at the other end */
	NET_TASK,		/* where the current task is */
	NET_FULL,		/* of a socket that helpers converted */
	NET_TCP_INFO,
	NET_TCP,
	NET_REQUEST,
	NET_ANSWERS,
};

/* Whether a program waits before it asks, the first time. */
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
	__u32 ifindex;		/* in: of the device that receives them */
	__u32 redirected;
	__u32 calls;		/* of the program there */
	__u32 wrong;		/* indices that it read */
};

#endif /* _NET_H */
