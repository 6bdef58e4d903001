/* SPDX-License-Identifier: GPL-2.0 */
/* Calls all kfuncs that take a task. */
#ifndef _TASK_BPF_H
#define _TASK_BPF_H

#include "report.bpf.h"
#include "task.h"

struct asked asked SEC(".data.asked");

static __always_inline void ask_into(struct task_struct *task,
				     struct task_answer *answer)
{
	struct bpf_ns_ident ident = { POISON, POISON, POISON };
	struct bpf_ns_ident initial = asked.initial;
	int i;

	answer->tgid = task->tgid;
	answer->pid = task->pid;
	answer->err = bpf_task_pidns_ident(task, &ident);
	answer->ident = ident;
	answer->own = bpf_task_pid_tgid_in(task, &ident);
	answer->initial = bpf_task_pid_tgid_in(task, &initial);
	answer->current_pid = bpf_get_current_pid_tgid();
	for (i = 0; i < NR_NS_TYPES; i++) {
		struct ns_answer *ns = &answer->ns[i];

		ns->ident = (struct bpf_ns_ident){ POISON, POISON, POISON };
		ns->err = bpf_task_ns_ident(task, asked.ns_types[i], &ns->ident);
	}
}

static __always_inline void ask(struct task_struct *task)
{
	ask_into(task, &asked.answer);
	__sync_fetch_and_add(&asked.calls, 1);
}

static __always_inline void ask_if_target(struct task_struct *task)
{
	if (report.target && task->tgid == report.target)
		ask(task);
}

#endif /* _TASK_BPF_H */
