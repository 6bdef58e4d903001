/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SOCK_CREATE_H
#define _SOCK_CREATE_H

/* The results for the last socket that the target has created. */
struct sock_create {
	struct bpf_ns_ident task;	/* net namespace of the current task */
	struct bpf_ns_ident sock;	/* net namespace of the socket */
	__u64 cookie;			/* bpf_get_netns_cookie() */
	__s32 err;			/* of either kfunc */
	__u32 calls;
};

#endif /* _SOCK_CREATE_H */
