// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps the record of all namespaces that are made while it is attached. Does not
 * ask the module.
 */
#include "stress.bpf.h"

SEC("fexit/__ns_tree_add_raw")
int BPF_PROG(on_made, struct ns_common *ns)
{
	struct stress_space space = { .ino = ns->inum, .type = ns->ns_type };
	struct stress *all = get_stress();
	__u64 id = ns->ns_id;

	if (!all)
		return 0;
	if (bpf_map_update_elem(&spaces, &id, &space, BPF_NOEXIST))
		__sync_fetch_and_add(&all->not_recorded, 1);
	__sync_fetch_and_add(&all->made, 1);
	return 0;
}

SEC("fentry/__ns_tree_remove")
int BPF_PROG(on_gone, struct ns_common *ns)
{
	struct stress *all = get_stress();
	struct stress_space *space;
	__u64 id = ns->ns_id;

	space = bpf_map_lookup_elem(&spaces, &id);
	if (!all || !space)
		return 0;
	space->is_gone = 1;
	__sync_fetch_and_add(&all->gone, 1);
	return 0;
}
