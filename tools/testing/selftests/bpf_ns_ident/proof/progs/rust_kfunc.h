/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RUST_KFUNC_H
#define _RUST_KFUNC_H

/* Shared by rust_kfunc.bpf.c and its test. */

struct bpf_rust_sample {
	__u64 sum;
	__u32 count;
	__u32 max;
};

/* The memory before and after the sample must not change. */
struct sample_memory {
	__u64 before;
	struct bpf_rust_sample sample;
	__u64 after;
};

/*
 * Possible means while the sample changes: the sums with a count of 1. All of their
 * bytes differ, so a mixture differs from both.
 */
#define SUM_1	0x0123456789abcdefULL
#define SUM_2	0x7654321076543210ULL

/* Number of results of each kind. */
struct sample_means {
	__u64 sum_1;
	__u64 sum_2;
	__u64 no_count;		/* -EINVAL */
	__u64 changes;		/* results that differ from the previous one */
	__u64 others;
	__s64 other;		/* last of these */
};

/* More than bpf_rust_sample_sum() takes. */
#define SUM_BYTES 65

#endif /* _RUST_KFUNC_H */
