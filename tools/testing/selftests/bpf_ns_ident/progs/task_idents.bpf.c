// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ident.h"

#define CLONE_NEWNET 0x40000000

int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;
int bpf_task_pidns_ident(const struct task_struct *task, struct bpf_ns_ident *ident) __ksym;
int bpf_task_ns_ident(const struct task_struct *task, __u32 ns_type,
		      struct bpf_ns_ident *ident) __ksym;
__s64 bpf_task_pid_tgid_in(const struct task_struct *task,
			   const struct bpf_ns_ident *pidns) __ksym;

/* The arguments that a test sets. */
__u32 ns_type;
struct bpf_ns_ident pidns;
int parent;

struct answer answer;		/* to the task that calls getpgid(MAGIC_PID) */
__s64 pid_tgid;
struct answer answer_of_child;	/* of a child of @parent, to its parent */
struct answer net_of_child;
__s64 pid_tgid_of_child;

SEC("raw_tp/sys_enter")
int BPF_PROG(on_getpgid, struct pt_regs *regs)
{
	struct bpf_ns_ident ident = { -1, -1, -1 };
	struct bpf_ns_ident in = pidns;

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) != MAGIC_PID)
		return 0;
	answer.err = bpf_get_current_ns_ident(ns_type, &ident);
	answer.ident = ident;
	answer.pid = bpf_get_current_pid_tgid();
	answer.calls++;
	pid_tgid = bpf_get_current_pid_tgid_in(&in);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *child)
{
	struct bpf_ns_ident ident = { -1, -1, -1 };
	struct bpf_ns_ident in = pidns;

	if (bpf_get_current_pid_tgid() >> 32 != parent)
		return 0;
	answer_of_child.err = bpf_task_pidns_ident(child, &ident);
	answer_of_child.ident = ident;
	answer_of_child.pid = child->pid;
	answer_of_child.calls++;
	net_of_child.err = bpf_task_ns_ident(child, CLONE_NEWNET, &ident);
	net_of_child.ident = ident;
	pid_tgid_of_child = bpf_task_pid_tgid_in(child, &in);
	return 0;
}

char _license[] SEC("license") = "GPL";
