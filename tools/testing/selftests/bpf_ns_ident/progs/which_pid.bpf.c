// SPDX-License-Identifier: GPL-2.0
/* Which pid does the task have where the agent lives that asks? */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct bpf_ns_ident { __u64 dev, ino, id; };
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;

/* For the agent to fill in: stat(2) and NS_GET_ID of /proc/self/ns/pid. */
struct bpf_ns_ident agent;

/* How often a process called execve(), by the pid that the agent knows. */
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

	/* The agent sees its own namespace, and what is nested in that. */
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
