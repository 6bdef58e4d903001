// SPDX-License-Identifier: GPL-2.0
/* The agent runs this BPF program once, to read the terms of its own namespaces. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "view.h"

SEC("syscall")
int get_view(struct view *view)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct cgroup *root = BPF_CORE_READ(task, nsproxy, cgroup_ns, root_cset, dfl_cgrp);

	view->level = BPF_CORE_READ(task, thread_pid, level);
	/* A pod with hostPID has a cgroup namespace, and reports the whole host. */
	if (!view->level)
		return 0;
	view->cgroup = BPF_CORE_READ(root, kn, id);
	view->cgroup_level = BPF_CORE_READ(root, level);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
