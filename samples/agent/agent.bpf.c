// SPDX-License-Identifier: GPL-2.0
/* The BPF programs of the agent: a record for each event, with whose it is. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET		2
#define AF_INET6	10

#define SIGNAL_GROUP_EXIT	0x00000004

#include "agent.h"

int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;
int bpf_sk_netns_ident(const struct sock_common *sk,
		       struct bpf_ns_ident *ident) __ksym;

/* CLONE_NEW*: cgroup, ipc, mnt, net, pid, time, user, uts. */
static const __u32 types[] = {
	0x02000000, 0x08000000, 0x00020000, 0x40000000,
	0x20000000, 0x00000080, 0x10000000, 0x04000000,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

/* Events for which there was no room. */
__u64 lost;

/*
 * The name of a container is in that of its cgroup, or is its hostname. When userspace gets to read
 * /proc/PID/cgroup, the task may be gone.
 */
static void read_names(struct event *event)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct kernfs_node *node, *parent;

	node = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn);
	for (int i = 0; i < NR_CGROUPS; i++) {
		parent = BPF_CORE_READ(node, __parent);
		if (!parent)
			break;
		bpf_probe_read_kernel_str(event->cgroups[i],
					  sizeof(event->cgroups[i]),
					  BPF_CORE_READ(node, name));
		node = parent;
	}
	event->level = BPF_CORE_READ(task, thread_pid, level);
	bpf_probe_read_kernel_str(event->hostname, sizeof(event->hostname),
				  BPF_CORE_READ(task, nsproxy, uts_ns, name.nodename));
}

static struct event *start(enum what what)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->what = what;
	event->pid_tgid = bpf_get_current_pid_tgid();
	/* What the task or the kernel has none of stays zero. */
	for (int i = 0; i < NR_TYPES; i++)
		bpf_get_current_ns_ident(types[i], &event->ns[i]);
	event->pid_tgid_inside =
		bpf_get_current_pid_tgid_in(&event->ns[PID_TYPE]);
	read_names(event);
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	return event;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	struct event *event = start(EXEC);

	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->path, sizeof(event->path),
				  BPF_CORE_READ(bprm, filename));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task, bool last_thread)
{
	struct event *event;

	if (!last_thread)
		return 0;
	event = start(EXIT);
	if (!event)
		return 0;
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		event->status = BPF_CORE_READ(task, signal, group_exit_code);
	else
		event->status = BPF_CORE_READ(task, exit_code);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("lsm/socket_connect")
int BPF_PROG(on_connect, struct socket *socket, struct sockaddr *address)
{
	struct sock *sk = socket->sk;
	struct event *event = start(CONNECT);

	if (!event)
		return 0;
	if (sk)
		bpf_sk_netns_ident(&sk->__sk_common, &event->sock_net);
	event->family = BPF_CORE_READ(address, sa_family);
	if (event->family == AF_INET) {
		struct sockaddr_in *in = (void *)address;

		event->port = bpf_ntohs(BPF_CORE_READ(in, sin_port));
		bpf_probe_read_kernel(event->addr, sizeof(in->sin_addr),
				      &in->sin_addr);
	} else if (event->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (void *)address;

		event->port = bpf_ntohs(BPF_CORE_READ(in6, sin6_port));
		bpf_probe_read_kernel(event->addr, sizeof(in6->sin6_addr),
				      &in6->sin6_addr);
	}
	bpf_ringbuf_submit(event, 0);
	return 0;
}

/* There are many of these, so this is loaded on request only. */
SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	struct event *event = start(OPEN);

	if (!event)
		return 0;
	/* As the task sees it. The last part of one that is too long. */
	if (bpf_d_path(&file->f_path, event->path, sizeof(event->path)) < 0)
		bpf_probe_read_kernel_str(event->path, sizeof(event->path),
					  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
