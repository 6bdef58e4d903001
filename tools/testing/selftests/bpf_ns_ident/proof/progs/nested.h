/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NESTED_H
#define _NESTED_H

#include "report.h"

/* The pid namespaces that a program names. */
enum named {
	OWN,			/* the one of the loader */
	BELOW,			/* nested in OWN */
	BESIDE,			/* nested in the initial one, like OWN */
	INITIAL,
	NR_NAMED
};

/* Arguments and results of a program, at a getpgid() of MAGIC_PID. */
struct nested {
	__u32 target;		/* in: process id in the initial pid namespace */
	__u32 calls;
	struct bpf_ns_ident named[NR_NAMED];	/* in */
	__s64 current_in[NR_NAMED];	/* bpf_get_current_pid_tgid_in() */
	__s64 task_in[NR_NAMED];	/* bpf_task_pid_tgid_in() of the same task */
	__s64 own;			/* bpf_get_current_pid_tgid_own() of ns_ident.bpf.h */
};

#endif /* _NESTED_H */
