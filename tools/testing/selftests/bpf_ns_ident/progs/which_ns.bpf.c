// SPDX-License-Identifier: GPL-2.0
/* Records the namespaces of all types for each call of execve(2). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct bpf_ns_ident { __u64 dev, ino, id; };
int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;

/* CLONE_NEW*: cgroup, ipc, mnt, net, pid, time, user, uts. */
static const __u32 types[] = {
	0x02000000, 0x08000000, 0x00020000, 0x40000000,
	0x20000000, 0x00000080, 0x10000000, 0x04000000,
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
