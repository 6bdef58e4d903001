// SPDX-License-Identifier: GPL-2.0
/*
 * Calls the kfuncs of samples/rust/rust_kfunc.rs. Arguments come from, and
 * results go to, global variables.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "rust_kfunc.h"

#define EINVAL 22

extern __u64 bpf_rust_sample_add(__u64 a, __u64 b) __ksym;
extern int bpf_rust_sample_reset(struct bpf_rust_sample *s) __ksym;
extern __s64 bpf_rust_sample_mean(const struct bpf_rust_sample *s) __ksym;
extern int bpf_rust_sample_sleep(__u32 msecs) __ksym;
extern int bpf_rust_sample_sum(const void *data, __u32 data__sz) __ksym;

__u64 a, b, sum;
__s64 mean;
__u32 msecs;
int err;
struct sample_memory memory;
/* Separate from the memory that userspace changes. */
struct sample_means means SEC(".data.means");

SEC("syscall")
int add(void *ctx)
{
	sum = bpf_rust_sample_add(a, b);
	return 0;
}

SEC("syscall")
int reset(void *ctx)
{
	err = bpf_rust_sample_reset(&memory.sample);
	return 0;
}

SEC("syscall")
int get_mean(void *ctx)
{
	mean = bpf_rust_sample_mean(&memory.sample);
	return 0;
}

/* All syscall programs are sleepable. */
SEC("syscall")
int sleep(void *ctx)
{
	err = bpf_rust_sample_sleep(msecs);
	return 0;
}

/* The same with memory on the stack. */
SEC("syscall")
int all_on_stack(void *ctx)
{
	struct bpf_rust_sample s = { .sum = a, .count = 1 };

	mean = bpf_rust_sample_mean(&s);
	err = bpf_rust_sample_reset(&s);
	sum = bpf_rust_sample_add(s.sum, s.count);
	return 0;
}

/* Runs while userspace changes the sample. */
SEC("syscall")
int get_means(void *ctx)
{
	__s64 result, last = 0;
	int i;

	bpf_for(i, 0, 1000) {
		result = bpf_rust_sample_mean(&memory.sample);
		means.changes += i && result != last;
		last = result;
		if (result == SUM_1) {
			means.sum_1++;
		} else if (result == SUM_2) {
			means.sum_2++;
		} else if (result == -EINVAL) {
			means.no_count++;
		} else {
			means.others++;
			means.other = result;
		}
	}
	return 0;
}

/* Sleepable and other tracing programs. BPF_PROG_RUN of such programs calls them. */
SEC("?fentry.s/bpf_fentry_test1")
int BPF_PROG(sleep_in_sleepable)
{
	err = bpf_rust_sample_sleep(msecs);
	return 0;
}

SEC("?fentry/bpf_fentry_test1")
int BPF_PROG(add_in_not_sleepable)
{
	sum = bpf_rust_sample_add(a, b);
	return 0;
}

__u8 bytes[SUM_BYTES];
__u32 nr_bytes;

SEC("syscall")
int sum_bytes(void *ctx)
{
	__u32 nr = nr_bytes;

	if (nr <= SUM_BYTES)
		err = bpf_rust_sample_sum(bytes, nr);
	return 0;
}

/* Must be rejected: there may be fewer. */
SEC("?syscall")
int sum_too_many(void *ctx)
{
	__u64 two[2] = {};

	err = bpf_rust_sample_sum(two, nr_bytes & 31);
	return 0;
}

/* Must be rejected. */
SEC("?syscall")
int sum_of_null(void *ctx)
{
	err = bpf_rust_sample_sum(NULL, 0);
	return 0;
}

/* Must be rejected. */
SEC("?fentry/bpf_fentry_test1")
int BPF_PROG(sleep_in_not_sleepable)
{
	err = bpf_rust_sample_sleep(msecs);
	return 0;
}

/* Must be rejected: the kfuncs are not registered for this type. */
SEC("?kprobe")
int add_in_kprobe(void *ctx)
{
	sum = bpf_rust_sample_add(a, b);
	return 0;
}

char _license[] SEC("license") = "GPL";
