// SPDX-License-Identifier: GPL-2.0
/* Pointers in the context of iterators, passed to kfuncs that take trusted ones */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "../test_kmods/bpf_testmod_kfunc.h"

SEC("iter/unix")
__success
int trusted_unix_sock(struct bpf_iter__unix *ctx)
{
	struct unix_sock *sk = ctx->unix_sk;

	if (sk)
		bpf_kfunc_call_test2(&sk->sk, 1, 2);
	return 0;
}

SEC("iter/netlink")
__success
int trusted_netlink_sock(struct bpf_iter__netlink *ctx)
{
	struct netlink_sock *sk = ctx->sk;

	if (sk)
		bpf_kfunc_call_test2(&sk->sk, 1, 2);
	return 0;
}

SEC("iter/task_file")
__success
int trusted_sock_of_file(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *sock;
	struct sock *sk;

	if (!file)
		return 0;
	sock = bpf_sock_from_file(file);
	if (!sock)
		return 0;
	sk = sock->sk;
	if (sk)
		bpf_kfunc_call_test2(sk, 1, 2);
	return 0;
}

SEC("iter/task_file")
__failure __msg("Possibly NULL pointer passed")
int unchecked_sock_of_file(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *sock;

	if (!file)
		return 0;
	sock = bpf_sock_from_file(file);
	if (sock)
		bpf_kfunc_call_test2(sock->sk, 1, 2);
	return 0;
}

/* The arguments of fentry are not trusted */
SEC("fentry/filp_close")
__failure __msg("must be referenced or trusted")
int BPF_PROG(untrusted_sock_of_file, struct file *file)
{
	struct socket *sock = bpf_sock_from_file(file);
	struct sock *sk;

	if (!sock)
		return 0;
	sk = sock->sk;
	if (sk)
		bpf_kfunc_call_test2(sk, 1, 2);
	return 0;
}

SEC("iter/task_file")
__success
int trusted_task_of_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("iter/task_vma")
__success
int trusted_task_of_vma(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

char _license[] SEC("license") = "GPL";
