// SPDX-License-Identifier: GPL-2.0
/* Counts calls of execve(2) by the pid in the pid namespace of an agent. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

/* The agent stores stat(2) and NS_GET_ID of its /proc/self/ns/pid here. */
struct bpf_ns_ident agent;

/* Number of calls, by the pid that the agent sees. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

SEC("tp/syscalls/sys_enter_execve")
int which_pid(void *ctx)
{
	__s64 pid_tgid = bpf_get_current_pid_tgid_in(&agent);
	__u64 zero = 0, *count;
	__u32 tgid;

	/* The agent sees tasks in its own pid namespace and in nested ones. */
	if (pid_tgid < 0)
		return 0;
	tgid = pid_tgid >> 32;
	count = bpf_map_lookup_elem(&execs, &tgid);
	if (!count) {
		bpf_map_update_elem(&execs, &tgid, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&execs, &tgid);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
