// SPDX-License-Identifier: GPL-2.0
/* The BPF programs of the agent: one for each kind of events. */
#include "event.bpf.h"
#include <bpf/bpf_endian.h>

#define AF_INET		2
#define AF_INET6	10

#define SIGNAL_GROUP_EXIT	0x00000004

/* In the order of TYPES in src/event.rs. */
static const __u32 types[] = {
	CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWNET,
	CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS,
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1024 * 1024);
} events SEC(".maps");

/* Events for which there was no room. */
__u64 lost;

/* NULL: there is no room, or the task is not visible to the agent. */
static struct event_slot *start(enum what what)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__s64 pid_tgid = pid_tgid_of(task);
	struct event_slot *slot;
	struct event *event;

	if (pid_tgid < 0)
		return NULL;
	slot = take_slot();
	if (!slot) {
		__sync_fetch_and_add(&lost, 1);
		return NULL;
	}
	event = &slot->event;
	start_event(event, what, task, pid_tgid);
	/* A type that the task or the kernel lacks stays zero. */
	for (int i = 0; i < NR_TYPES; i++)
		bpf_get_current_ns_ident(types[i], &event->ns[i]);
	event->pid_tgid_inside =
		bpf_get_current_pid_tgid_in(&event->ns[PID_TYPE]);
	return slot;
}

static int submit(struct event_slot *slot)
{
	struct event *event = &slot->event;

	read_argv(event, bpf_get_current_task_btf(), true);
	if (bpf_ringbuf_output(&events, event, event_size(event), 0))
		__sync_fetch_and_add(&lost, 1);
	give_slot_back(slot);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, pid_t old_pid,
	     struct linux_binprm *bprm)
{
	struct event_slot *slot = start(EXEC);
	struct event *event;
	long len;

	if (!slot)
		return 0;
	event = &slot->event;
	len = bpf_probe_read_kernel_str(free_part(event), PART_LEN,
					BPF_CORE_READ(bprm, filename));
	if (len > 0)
		event->len[FILE_PATH] = len;
	return submit(slot);
}

/*
 * Is no thread of the process left? Before Linux 6.16, the tracepoint has no such
 * argument, and this may be true for several threads that end at the same time.
 */
static bool is_last_thread(__u64 *ctx, struct task_struct *task)
{
	if (bpf_core_type_exists(struct trace_event_raw_sched_process_exit))
		return ctx[1];
	return !BPF_CORE_READ(task, signal, live.counter);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	struct event_slot *slot;

	if (!is_last_thread(ctx, task))
		return 0;
	slot = start(EXIT);
	if (!slot)
		return 0;
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		slot->event.status = BPF_CORE_READ(task, signal, group_exit_code);
	else
		slot->event.status = BPF_CORE_READ(task, exit_code);
	return submit(slot);
}

/* The current task is the parent. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct event_slot *slot;
	struct event *event;

	/* Only processes, not threads. */
	if (child->pid != child->tgid)
		return 0;
	slot = start(FORK);
	if (!slot)
		return 0;
	event = &slot->event;
	event->child_pid_tgid = pid_tgid_of(child);
	bpf_task_pidns_ident(child, &event->child_pidns);
	event->child_pid_tgid_inside =
		bpf_task_pid_tgid_in(child, &event->child_pidns);
	event->child_pid_tgid_for_parent =
		bpf_task_pid_tgid_in(child, &event->ns[PID_TYPE]);
	return submit(slot);
}

SEC("lsm/socket_connect")
int BPF_PROG(on_connect, struct socket *socket, struct sockaddr *address)
{
	struct sock *sk = socket->sk;
	struct event_slot *slot = start(CONNECT);
	struct event *event;

	if (!slot)
		return 0;
	event = &slot->event;
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
	return submit(slot);
}

/* There are many of these, so this is loaded on request only. */
SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	struct event_slot *slot = start(OPEN);
	struct event *event;
	char *part;
	long len;

	if (!slot)
		return 0;
	event = &slot->event;
	part = free_part(event);
	/* As the task sees it, or the last component if it is too long. */
	len = bpf_d_path((struct path *)&file->f_path, part, PART_LEN);
	if (len < 0) {
		event->cut |= 1 << FILE_PATH;
		len = bpf_probe_read_kernel_str(part, PART_LEN,
						BPF_CORE_READ(file, f_path.dentry, d_name.name));
	}
	if (len > 0 && len <= PART_LEN)
		event->len[FILE_PATH] = len;
	return submit(slot);
}

char LICENSE[] SEC("license") = "GPL";
