// SPDX-License-Identifier: GPL-2.0
/*
 * A sched_ext scheduler that reports the namespaces of its tasks. It puts all
 * tasks with the policy SCHED_EXT into the global queue.
 */
#include "task.bpf.h"
#include "task_scx.h"

#define SCX_DSQ_GLOBAL		0x8000000000000001ULL
#define SCX_SLICE_DFL		20000000
#define SCX_OPS_SWITCH_PARTIAL	(1ULL << 3)

void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice,
			u64 enq_flags) __ksym;

/*
 * Only the used members. Without SCHED_CLASS_EXT, vmlinux.h lacks both
 * structures.
 */
struct scx_init_task_args___ns_ident {
	bool fork;
} __attribute__((preserve_access_index));

struct sched_ext_ops___ns_ident {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	s32 (*init_task)(struct task_struct *p, void *args);
	u64 flags;
	char name[128];
};

/* The operation that calls the kfuncs, enum scx_asks. */
__u32 scx_asks SEC(".data.scx_asks");

SEC("struct_ops/init_task")
s32 BPF_PROG(scx_init_task, struct task_struct *p,
	     struct scx_init_task_args___ns_ident *args)
{
	if (scx_asks == SCX_INIT_TASK && !args->fork)
		ask_if_target(p);
	if (scx_asks == SCX_INIT_CHILD && args->fork && is_target())
		ask(p);
	return 0;
}

/* By default, the kernel does not call ops.enqueue() for a task that wakes on an idle CPU. */
SEC("struct_ops/select_cpu")
s32 BPF_PROG(scx_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

SEC("struct_ops/enqueue")
void BPF_PROG(scx_enqueue, struct task_struct *p, u64 enq_flags)
{
	/* The task itself is not the current task. */
	if (scx_asks == SCX_ENQUEUE && p->pid != (__u32)bpf_get_current_pid_tgid())
		ask_if_target(p);
	scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops___ns_ident scheduler = {
	.select_cpu = (void *)scx_select_cpu,
	.enqueue = (void *)scx_enqueue,
	.init_task = (void *)scx_init_task,
	.flags = SCX_OPS_SWITCH_PARTIAL,
	.name = "ns_ident",
};
