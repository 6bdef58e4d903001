/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the UAPI that older headers lack. Debian 13 has the headers of Linux 6.12. */
#ifndef NSTOP_COMPAT_H
#define NSTOP_COMPAT_H

#include <linux/nsfs.h>
#include <linux/types.h>

/* Linux 6.11 */
#ifndef NS_GET_PID_IN_PIDNS
#define NS_GET_PID_IN_PIDNS	_IOR(NSIO, 0x8, int)
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

#endif /* NSTOP_COMPAT_H */
