// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ident.h"

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;
__s64 bpf_get_current_pid_tgid_own(void) __ksym;
int bpf_task_pidns_ident(const struct task_struct *task, struct bpf_ns_ident *ident) __ksym;
struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
void bpf_task_release(struct task_struct *p) __ksym;
int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident) __ksym;

/* The arguments that a test sets. */
struct bpf_ns_ident pidns;
int other;

struct answer answer;		/* to the task that calls getpgid(MAGIC_PID) */
struct answer answer_of_other;	/* about the process @other */
struct answer answer_of_packet;
__s64 pid_tgid_in, pid_tgid_own, pid_tgid_helper;

SEC("raw_tp/sys_enter")
int BPF_PROG(on_getpgid, struct pt_regs *regs)
{
	struct bpf_ns_ident ident = { -1, -1, -1 };
	struct bpf_ns_ident in = pidns;
	struct task_struct *task;

	if (PT_REGS_PARM1_CORE_SYSCALL(regs) != MAGIC_PID)
		return 0;
	answer.err = bpf_get_current_pidns_ident(&ident);
	answer.ident = ident;
	answer.pid = bpf_get_current_pid_tgid();
	answer.calls++;
	pid_tgid_in = bpf_get_current_pid_tgid_in(&in);
	pid_tgid_own = bpf_get_current_pid_tgid_own();
	pid_tgid_helper = bpf_get_current_pid_tgid();
	task = bpf_task_from_pid(other);
	if (task) {
		answer_of_other.err = bpf_task_pidns_ident(task, &ident);
		answer_of_other.ident = ident;
		bpf_task_release(task);
	}
	return 0;
}

SEC("tc")
int on_packet(struct __sk_buff *skb)
{
	struct bpf_ns_ident ident = { -1, -1, -1 };

	answer_of_packet.err = bpf_skb_netns_ident(skb, &ident);
	answer_of_packet.ident = ident;
	return 0;
}

char _license[] SEC("license") = "GPL";
