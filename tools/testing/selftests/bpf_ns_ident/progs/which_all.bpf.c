// SPDX-License-Identifier: GPL-2.0
/* Lists the namespaces of each existing task. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "ns_ident.bpf.h"

static const __u32 types[] = {
	CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

struct row {
	__u32 tgid, pid;		/* on the host */
	__u32 busy;			/* CLONE_NEW* of types to retry */
	__u32 unused;
	struct bpf_ns_ident ns[8];
};

SEC("iter/task")
int which_all(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct row row = {};

	if (!task)
		return 0;
	row.tgid = task->tgid;
	row.pid = task->pid;
	/* A namespace that the task has released stays zero. */
	for (int i = 0; i < 8; i++)
		if (bpf_task_ns_ident(task, types[i], &row.ns[i]) == -16 /* EBUSY */)
			row.busy |= types[i];
	bpf_seq_write(ctx->meta->seq, &row, sizeof(row));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
