/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RUST_KFUNC_H
#define _RUST_KFUNC_H

/* What rust_kfunc.bpf.c and its test share. */

struct bpf_rust_sample {
	__u64 sum;
	__u32 count;
	__u32 max;
};

/* Nothing may be written before and behind the sample. */
struct sample_memory {
	__u64 before;
	struct bpf_rust_sample sample;
	__u64 after;
};

/*
 * Means that are possible while the sample changes: the sums with a count of 1.
 * Each of their bytes is different, so no mixture looks like one of them.
 */
#define SUM_1	0x0123456789abcdefULL
#define SUM_2	0x7654321076543210ULL

/* How often there was which. */
struct sample_means {
	__u64 sum_1;
	__u64 sum_2;
	__u64 no_count;		/* -EINVAL */
	__u64 changes;		/* how often it was not the same as before */
	__u64 others;
	__s64 other;		/* the last one of these */
};

#endif /* _RUST_KFUNC_H */
