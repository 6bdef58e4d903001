// SPDX-License-Identifier: GPL-2.0
/* Records the namespaces of all types for each call of execve(2). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

static const __u32 types[] = {
	CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

struct exec {
	__u64 pid_tgid;
	struct bpf_ns_ident ns[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} execs SEC(".maps");

SEC("tp/syscalls/sys_enter_execve")
int which_ns(void *ctx)
{
	struct exec *exec = bpf_ringbuf_reserve(&execs, sizeof(*exec), 0);

	if (!exec)
		return 0;
	exec->pid_tgid = bpf_get_current_pid_tgid();
	/* A type that this kernel lacks stays zero. */
	for (int i = 0; i < 8; i++)
		bpf_get_current_ns_ident(types[i], &exec->ns[i]);
	bpf_ringbuf_submit(exec, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
