/* SPDX-License-Identifier: GPL-2.0 */
/* Fills the fields that all kinds of events have. */
#ifndef EVENT_BPF_H
#define EVENT_BPF_H

/* In vmlinux.h if the module is built in. */
#define bpf_ns_ident bpf_ns_ident___vmlinux
#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#undef bpf_ns_ident
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "ns_ident.bpf.h"
#include "agent.h"
#include "view.h"

#ifdef SLEEPABLE
void bpf_rcu_read_lock(void) __weak __ksym;
void bpf_rcu_read_unlock(void) __weak __ksym;
#endif

/* The number of events that can be filled at the same time. */
#ifndef NR_SLOTS
#define NR_SLOTS	64
#endif
#define MAX_TRIES	8	/* to find one that is free */
#define PAGE_LEN	4096
#define COMPONENT_LEN	256	/* NAME_MAX + 1 */

/* Userspace sets it before the load. */
const volatile struct view view = {};

/*
 * An event does not fit on the stack of a program. The room that it takes in the
 * ring buffer is known only when it is complete.
 */
struct event_slot {
	__u64 taken;
	struct event event;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_SLOTS);
	__type(key, __u32);
	__type(value, struct event_slot);
} slots SEC(".maps");

static struct event_slot *take_slot(void)
{
	__u32 first = bpf_get_smp_processor_id(), key;
	struct event_slot *slot;

	for (int i = 0; i < MAX_TRIES; i++) {
		key = (first + i) % NR_SLOTS;
		slot = bpf_map_lookup_elem(&slots, &key);
		if (slot && !__sync_val_compare_and_swap(&slot->taken, 0, 1))
			return slot;
	}
	return NULL;
}

static void give_slot_back(struct event_slot *slot)
{
	__sync_lock_test_and_set(&slot->taken, 0);
}

static __u32 used(const struct event *event)
{
	__u32 sum = 0;

	for (int i = 0; i < NR_PARTS; i++)
		sum += event->len[i];
	return sum;
}

/* The beginning of the next part. */
static char *free_part(struct event *event)
{
	__u32 start = used(event);

	/* For the verifier: there are no more parts. */
	if (start > (NR_PARTS - 1) * PART_LEN)
		start = (NR_PARTS - 1) * PART_LEN;
	return event->data + start;
}

struct cgroup_walk {
	struct event *event;
	struct cgroup **ancestors;
	__u32 len;
	__u32 first;	/* level */
};

static struct cgroup *ancestor_at(struct cgroup **ancestors, __u64 level)
{
	struct cgroup *ancestor;

	if (bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + level))
		return NULL;
	return ancestor;
}

static long add_component(__u64 index, void *ctx)
{
	struct cgroup_walk *walk = ctx;
	struct event *event = walk->event;
	__u32 len = walk->len;
	struct cgroup *ancestor;
	long got;

	ancestor = ancestor_at(walk->ancestors, walk->first + index);
	if (!ancestor)
		return 1;
	if (len > PART_LEN - COMPONENT_LEN - 1) {
		event->cut |= 1 << CGROUP;
		return 1;
	}
	event->data[len] = '/';
	got = bpf_probe_read_kernel_str(event->data + len + 1, COMPONENT_LEN,
					BPF_CORE_READ(ancestor, kn, name));
	if (got <= 0)
		return 1;
	walk->len = len + got;
	return 0;
}

/*
 * The name of a container is in the path of its cgroup. The task may be gone when
 * userspace reads /proc/PID/cgroup. If the path is too long, its end is cut, since
 * the outermost names decide. For an agent in a nested pid namespace, the path begins
 * at the root of the agent's cgroup namespace, unless the task is outside of that.
 */
static void read_cgroup(struct event *event, struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp), *root;
	__u32 level = BPF_CORE_READ(cgroup, level), start = 0, ns_level;
	struct cgroup_walk walk = {
		.event = event,
		.ancestors = __builtin_preserve_access_index(&cgroup->ancestors[0]),
	};

	if (level >= view.cgroup_level) {
		root = ancestor_at(walk.ancestors, view.cgroup_level);
		if (BPF_CORE_READ(root, kn, id) == view.cgroup)
			start = view.cgroup_level;
	}
	ns_level = BPF_CORE_READ(task, nsproxy, cgroup_ns, root_cset, dfl_cgrp, level);
	event->cgroup_ns_level = ns_level > start ? ns_level - start : 0;
	/* The root has no name. */
	walk.first = start + 1;
	bpf_loop(level - start, add_component, &walk, 0);
	event->len[CGROUP] = walk.len;
}

/* Reads the arguments, as far as they are in memory and there is room. */
static void read_argv(struct event *event, struct task_struct *task, bool current)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	unsigned long start, len;
	char *part = free_part(event);
	long err;

	if (!mm)
		return;
	start = BPF_CORE_READ(mm, arg_start);
	len = BPF_CORE_READ(mm, arg_end) - start;
	if (len > PART_LEN) {
		event->cut |= 1 << ARGV;
		len = PART_LEN;
	}
	barrier_var(len);
	if (len > PART_LEN || !len)
		return;
	if (current) {
		err = bpf_probe_read_user(part, len, (void *)start);
		if (err) {
			event->cut |= 1 << ARGV;
			len = PAGE_LEN - (start & (PAGE_LEN - 1));
			err = bpf_probe_read_user(part, len, (void *)start);
		}
	} else {
#ifdef SLEEPABLE
		err = bpf_copy_from_user_task(part, len, (void *)start, task, 0);
		if (err)
			event->cut |= 1 << ARGV;
#else
		err = 1;
#endif
	}
	if (!err)
		event->len[ARGV] = len;
}

/*
 * Returns tgid << 32 | pid in the pid namespace of the agent, or -ESRCH for a task
 * that its /proc does not show. Loaders that do not set the namespace are on the
 * host.
 */
static __s64 pid_tgid_of(const struct task_struct *task)
{
	struct bpf_ns_ident own = { ns_ident_own.dev, ns_ident_own.ino, ns_ident_own.id };

	if (!own.ino)
		return (__u64)task->tgid << 32 | task->pid;
	return bpf_task_pid_tgid_in(task, &own);
}

/* RCU protects the parent. A program that may sleep has to take the lock. */
static __u32 ppid_of(const struct task_struct *task)
{
	__s64 pid_tgid;

#ifdef SLEEPABLE
	if (ns_ident_has_kfuncs())
		bpf_rcu_read_lock();
#endif
	pid_tgid = pid_tgid_of(task->real_parent);
#ifdef SLEEPABLE
	if (ns_ident_has_kfuncs())
		bpf_rcu_read_unlock();
#endif
	return pid_tgid > 0 ? pid_tgid >> 32 : 0;
}

/* Fills the fields of any task. */
static void start_event(struct event *event, enum what what,
			struct task_struct *task, __s64 pid_tgid)
{
	__builtin_memset(event, 0, offsetof(struct event, data));
	event->what = what;
	event->boot_ns = bpf_ktime_get_boot_ns();
	event->pid_tgid = pid_tgid;
	event->ppid = ppid_of(task);
	event->uid = BPF_CORE_READ(task, cred, uid.val);
	event->level = BPF_CORE_READ(task, thread_pid, level) - view.level;
	BPF_CORE_READ_STR_INTO(&event->comm, task, comm);
	BPF_CORE_READ_STR_INTO(&event->hostname, task, nsproxy, uts_ns,
			       name.nodename);
	read_cgroup(event, task);
}

static __u32 event_size(const struct event *event)
{
	__u32 len = used(event);

	if (len > sizeof(event->data))
		len = sizeof(event->data);
	return offsetof(struct event, data) + len;
}

#endif /* EVENT_BPF_H */
