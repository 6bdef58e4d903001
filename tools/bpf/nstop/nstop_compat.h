/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the UAPI that older headers lack. Debian 13 has the headers of Linux 6.12. */
#ifndef NSTOP_COMPAT_H
#define NSTOP_COMPAT_H

#include <sys/syscall.h>

#include <linux/nsfs.h>
#include <linux/types.h>

/* Linux 6.11 */
#ifndef NS_GET_PID_IN_PIDNS
#define NS_GET_PID_IN_PIDNS	_IOR(NSIO, 0x8, int)
#endif

/* Linux 6.18 */
#ifndef NS_GET_ID
#define NS_GET_ID		_IOR(NSIO, 13, __u64)
#endif

/* enum init_ns_ino of Linux 6.18. The preprocessor cannot check for an enum. */
enum {
	INIT_INO_IPC	= 0xEFFFFFFFU,
	INIT_INO_UTS	= 0xEFFFFFFEU,
	INIT_INO_USER	= 0xEFFFFFFDU,
	INIT_INO_PID	= 0xEFFFFFFCU,
	INIT_INO_CGROUP	= 0xEFFFFFFBU,
	INIT_INO_TIME	= 0xEFFFFFFAU,
	INIT_INO_NET	= 0xEFFFFFF9U,
	INIT_INO_MNT	= 0xEFFFFFF8U,
};

/* Linux 6.18: the root of nsfs, and the type of its file handles */
#ifndef FD_NSFS_ROOT
#define FD_NSFS_ROOT		-10003
#endif
#define HANDLE_TYPE_NSFS	0xf1

/* struct nsfs_file_handle. A handle with the id alone is complete. */
struct nsfs_handle {
	__u64 id;
	__u32 type;
	__u32 ino;
};

/* Linux 6.19: listns(2), with the same number on all architectures but alpha */
#ifndef SYS_listns
#ifdef __alpha__
#define SYS_listns		580
#else
#define SYS_listns		470
#endif
#endif

/* struct ns_id_req */
struct listns_request {
	__u32 size;
	__u32 spare;
	__u64 last_id;
	__u32 type;		/* CLONE_NEW* */
	__u32 spare2;
	__u64 user_ns_id;	/* 0: of all user namespaces */
};

#endif /* NSTOP_COMPAT_H */
