/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The terms of the agent, which are those of its /proc. All zero in the initial pid
 * namespace, for those of the host.
 */
#ifndef VIEW_H
#define VIEW_H

struct view {
	__u64 cgroup;		/* id of the root of its cgroup namespace */
	__u32 cgroup_level;	/* number of cgroups above that root */
	__u32 level;		/* number of pid namespaces above its own */
};

#endif /* VIEW_H */
