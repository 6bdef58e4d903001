/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BENCH_H
#define _BENCH_H

#include "report.h"

/* The number of calls in one turn of a loop. */
#define CALLS_PER_TURN 10

#define MAX_CODE 4096

struct bench {
	__u32 turns;		/* in: number of turns of each loop */
	__u32 code_size;	/* in: size of a function */
	__u64 code_addr;	/* in: address of the function */
	struct bpf_ns_ident self;	/* in: pid namespace for bpf_get_ns_current_pid_tgid() */
	struct bpf_ns_ident pidns;	/* in: for bpf_get_current_pid_tgid_in() */
	__u64 ns;		/* out: time of the loop */
	__u8 code[MAX_CODE];
};

#endif /* _BENCH_H */
