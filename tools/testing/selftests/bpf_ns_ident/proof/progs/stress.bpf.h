/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _STRESS_BPF_H
#define _STRESS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "stress.h"

/* One map exists during the whole test, and all programs share it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);		/* the test sets the size */
	__type(key, __u64);
	__type(value, struct stress_space);
} spaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stress_count);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stress);
} stress SEC(".maps");

static __always_inline struct stress *get_stress(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&stress, &key);
}

char _license[] SEC("license") = "GPL";

#endif /* _STRESS_BPF_H */
