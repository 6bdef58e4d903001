// SPDX-License-Identifier: GPL-2.0
/* Counts calls of execve(2) by pid namespace, and so by container. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* Number of calls by tasks of a pid namespace. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} execs SEC(".maps");

SEC("tp/syscalls/sys_enter_execve")
int which_pidns(void *ctx)
{
	struct bpf_ns_ident ident = {};
	__u64 zero = 0, *count;

	if (bpf_get_current_pidns_ident(&ident))
		return 0;
	count = bpf_map_lookup_elem(&execs, &ident);
	if (!count) {
		bpf_map_update_elem(&execs, &ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&execs, &ident);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
