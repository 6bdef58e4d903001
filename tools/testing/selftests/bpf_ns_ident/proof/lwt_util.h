/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Routes with a BPF program. iproute2 would load the program by itself.
 *
 * Functions return 0 or a negative errno.
 */
#ifndef _LWT_UTIL_H
#define _LWT_UTIL_H

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>

struct lwt_route {
	const char *addr;	/* IPv4 destination */
	const char *dev;
	int hook;		/* LWT_BPF_IN, LWT_BPF_OUT, LWT_BPF_XMIT */
	unsigned char type;	/* RTN_LOCAL, RTN_UNICAST */
};

/* Adds or replaces a route in the caller's net namespace. */
int lwt_route_add(const struct lwt_route *route, int prog_fd);
int lwt_route_del(const struct lwt_route *route);

/* Adds an endpoint of segment routing that runs a program (End.BPF). */
int lwt_endpoint_add(const char *sid, const char *dev, int prog_fd);

#endif /* _LWT_UTIL_H */
