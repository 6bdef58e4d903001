// SPDX-License-Identifier: GPL-2.0
/*
 * Calls the kfuncs that a program of a loader in a nested pid namespace may
 * call.
 */
#include "report.bpf.h"
#include "nested.h"

struct nested nested SEC(".data.nested");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_nested_in, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct bpf_ns_ident ident;
	int i;

	if (PT_REGS_PARM1_SYSCALL(regs) != MAGIC_PID || !nested.target ||
	    bpf_get_current_pid_tgid() >> 32 != nested.target)
		return 0;
	for (i = 0; i < NR_NAMED; i++) {
		ident = nested.named[i];
		nested.current_in[i] = bpf_get_current_pid_tgid_in(&ident);
		nested.task_in[i] = bpf_task_pid_tgid_in(task, &ident);
	}
	__sync_fetch_and_add(&nested.calls, 1);
	return 0;
}
