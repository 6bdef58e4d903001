/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ORIGIN_STRESS_H
#define _ORIGIN_STRESS_H

#include "report.h"

/* Shared by a loader and its program. */
struct origin_stress {
	struct bpf_ns_ident own;	/* in: pid namespace of the loader */
	__u64 visible, invisible;	/* number of events, by current task */
	__u64 wrong;
	/* The last wrong results. */
	struct bpf_ns_ident ident;
	__s64 pid_tgid, named, plain;
	__s64 err;
};

#endif /* _ORIGIN_STRESS_H */
