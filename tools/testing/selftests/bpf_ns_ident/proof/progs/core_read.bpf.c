// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

unsigned int ino;

SEC("tp/syscalls/sys_enter_execve")
int on_core_read(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	ino = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	return 0;
}

char _license[] SEC("license") = "GPL";
