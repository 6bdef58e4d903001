/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BENCH_H
#define _BENCH_H

#include "report.h"

/* A turn of a loop is that many calls. */
#define CALLS_PER_TURN 10

#define MAX_CODE 4096

struct bench {
	__u32 turns;		/* in: of each loop */
	__u32 code_size;	/* in: of a function, */
	__u64 code_addr;	/* in: which is there */
	struct bpf_ns_ident self;	/* in: pid namespace for bpf_get_ns_current_pid_tgid() */
	struct bpf_ns_ident pidns;	/* in: for bpf_get_current_pid_tgid_in() */
	__u64 ns;		/* out: of the loop */
	__u8 code[MAX_CODE];
};

#endif /* _BENCH_H */
