// SPDX-License-Identifier: GPL-2.0
#include "net.bpf.h"

/* The connected socket of the target, which is a file of it. */
SEC("iter/task_file")
int on_net_iter_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct bpf_ns_ident ident = { POISON, POISON, POISON };
	struct socket *sock;
	struct sock *sk;

	if (!task || !file || task->tgid != report.target)
		return 0;
	sock = bpf_sock_from_file(file);
	sk = sock ? sock->sk : NULL;
	if (!sk || sk->__sk_common.skc_dport != bpf_htons(NET_PORT))
		return 0;
	net_ask_sock(NET_SOCK, sk);
	net_answer(NET_TASK, bpf_task_ns_ident(task, CLONE_NEWNET, &ident), &ident);
	return 0;
}
