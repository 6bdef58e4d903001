/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MISSING_TYPES_H
#define _MISSING_TYPES_H

#include "report.h"

#define NR_TYPES 8

enum {
	TYPES,				/* one result per type, in the order of the test */
	PIDNS = TYPES + NR_TYPES,
	TASK_PIDNS,
	SK,
	SKB,
	XDP,
	NF,
	NR_ANSWERS,
};

struct missing_types {
	struct bpf_ns_ident pidns;	/* in */
	__u32 flags[NR_TYPES];		/* in: CLONE_NEW* */
	struct {
		struct bpf_ns_ident ident;
		__s64 ret;
	} answers[NR_ANSWERS];
	__s64 pid_tgid;
	__s64 task_pid_tgid;
};

#endif /* _MISSING_TYPES_H */
