// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps a record of all namespaces that are created while the programs are
 * attached. Calls no kfunc. Two programs record each event, since the kernel
 * skips programs on a CPU where a task was preempted: an fentry program while
 * the task runs the same program, a kprobe program while the task is in a
 * system call that changes a map.
 */
#include "stress.bpf.h"

#define EEXIST	17

static __always_inline int made(struct ns_common *ns, __u32 by)
{
	struct stress_space *known, space = {
		.ino = BPF_CORE_READ(ns, inum),
		.type = BPF_CORE_READ(ns, ns_type),
		.made = by,
	};
	struct stress *all = get_stress();
	__u64 id = BPF_CORE_READ(ns, ns_id);
	long err;

	if (!all)
		return 0;
	err = bpf_map_update_elem(&spaces, &id, &space, BPF_NOEXIST);
	if (err == -EEXIST) {
		known = bpf_map_lookup_elem(&spaces, &id);
		if (known && !(__sync_fetch_and_or(&known->made, by) & by))
			return 0;
	}
	/* The record has the id already, which is an error. */
	if (err)
		__sync_fetch_and_add(&all->not_recorded, 1);
	__sync_fetch_and_add(&all->made, 1);
	__sync_fetch_and_or(&all->made_types, space.type);
	return 0;
}

static __always_inline int gone(struct ns_common *ns)
{
	struct stress *all = get_stress();
	struct stress_space *space;
	__u64 id = BPF_CORE_READ(ns, ns_id);

	space = bpf_map_lookup_elem(&spaces, &id);
	if (!all || !space || __sync_lock_test_and_set(&space->is_gone, 1))
		return 0;
	space->gone_as = __sync_fetch_and_add(&all->gone, 1) + 1;
	return 0;
}

SEC("kprobe/__ns_tree_add_raw")
int BPF_KPROBE(kprobe_made, struct ns_common *ns)
{
	return made(ns, BY_KPROBE);
}

SEC("fentry/__ns_tree_add_raw")
int BPF_PROG(fentry_made, struct ns_common *ns)
{
	return made(ns, BY_FENTRY);
}

SEC("kprobe/__ns_tree_remove")
int BPF_KPROBE(kprobe_gone, struct ns_common *ns)
{
	return gone(ns);
}

SEC("fentry/__ns_tree_remove")
int BPF_PROG(fentry_gone, struct ns_common *ns)
{
	return gone(ns);
}
