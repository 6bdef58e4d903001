// SPDX-License-Identifier: GPL-2.0
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ident.h"

#define TASK_DEAD 0x80

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;

struct answer answer;		/* to the task that calls getpgid(MAGIC_PID) */
struct answer answer_at_exit;	/* to a thread of @tgid_of_thread, after release_task() */
int tgid_of_thread;

static void ask(struct answer *a)
{
	/* An error must overwrite all of it. */
	struct bpf_ns_ident ident = { -1, -1, -1 };

	a->err = bpf_get_current_pidns_ident(&ident);
	a->ident = ident;
	a->pid = bpf_get_current_pid_tgid();
	a->calls++;
}

SEC("raw_tp/sys_enter")
int BPF_PROG(on_getpgid, struct pt_regs *regs)
{
	if (PT_REGS_PARM1_CORE_SYSCALL(regs) == MAGIC_PID)
		ask(&answer);
	return 0;
}

/* The last switch away from a thread that is released without wait(2). */
SEC("tp_btf/sched_switch")
int BPF_PROG(on_last_switch, bool preempt, struct task_struct *prev)
{
	if (prev->tgid == tgid_of_thread && prev->pid != prev->tgid &&
	    prev->__state & TASK_DEAD)
		ask(&answer_at_exit);
	return 0;
}

/* The current task is unrelated to the packet. */
SEC("?socket")
int on_packet(struct __sk_buff *skb)
{
	ask(&answer);
	return 0;
}

/* Calls no kfunc. */
SEC("?raw_tp/sys_enter")
int plain(void *ctx)
{
	return 0;
}

char _license[] SEC("license") = "GPL";
