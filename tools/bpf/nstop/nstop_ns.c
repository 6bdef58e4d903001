// SPDX-License-Identifier: GPL-2.0
/* The namespaces of tasks, and their parents. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <unistd.h>

#include "nstop_tasks.h"

struct ns **namespaces;
size_t nr_namespaces;

/* The same namespaces in a tree, sorted by identity. */
static void *by_ident;

static int cmp_ident(const void *a, const void *b)
{
	/* The identity is the first member of the structure. */
	const struct bpf_ns_ident *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

struct ns *get_ns(const struct bpf_ns_ident *ident)
{
	struct ns **found = tfind(ident, &by_ident, cmp_ident), *ns;

	if (found)
		return *found;

	ns = calloc(1, sizeof(*ns));
	if (!ns)
		err(EXIT_ERROR, "out of memory");
	ns->ident = *ident;
	ns->rank = NO_RANK;
	if (!tsearch(ns, &by_ident, cmp_ident))
		err(EXIT_ERROR, "out of memory");
	namespaces = grow(namespaces, nr_namespaces, sizeof(*namespaces));
	namespaces[nr_namespaces++] = ns;
	return ns;
}

/*
 * Finds the ancestors one after the other, with no more than two files open at
 * a time.
 */
static void find_ancestors(int fd, struct ns *ns)
{
	struct bpf_ns_ident above;
	int from = fd, parent;

	while (!ns->parent_known) {
		parent = ns_ident_parent(from);
		/* EPERM: there is no parent, or it is outside of our namespace. */
		if (parent != -EPERM)
			check_ident(parent, "the parent of a namespace");
		if (from != fd)
			close(from);
		ns->parent_known = true;
		if (parent < 0)
			return;
		check_ident(ns_ident_of_fd(parent, &above), "the parent of a namespace");
		ns->parent = get_ns(&above);
		ns = ns->parent;
		from = parent;
	}
	if (from != fd)
		close(from);
}

struct ns *live_ns(int fd, const struct bpf_ns_ident *ident)
{
	struct ns *ns, *up;

	ns = get_ns(ident);
	if (opt.kind->has_parent)
		find_ancestors(fd, ns);
	for (up = ns; up && !up->live; up = up->parent)
		up->live = true;
	return ns;
}

void start_namespaces(void)
{
	struct ns *ns;
	size_t i;

	for (i = 0; i < nr_namespaces; i++) {
		ns = namespaces[i];
		ns->calls = 0;
		ns->live = false;
		ns->callers = false;
		ns->tasks = 0;
		ns->matches = 0;
		ns->mismatches = 0;
		ns->moved = 0;
		ns->denied = 0;
		ns->rank = NO_RANK;
	}
}

void forget_namespaces(void (*gone)(const struct ns *ns))
{
	size_t i, kept = 0;
	struct ns *ns, *up;

	for (i = 0; i < nr_namespaces; i++)
		if (namespaces[i]->calls || namespaces[i]->callers)
			for (up = namespaces[i]; up; up = up->parent)
				up->live = true;

	for (i = 0; i < nr_namespaces; i++) {
		ns = namespaces[i];
		if (ns->live) {
			namespaces[kept++] = ns;
			continue;
		}
		gone(ns);
		tdelete(ns, &by_ident, cmp_ident);
		free(ns);
	}
	nr_namespaces = kept;
}

static int cmp_namespaces(const void *a, const void *b)
{
	return cmp_ident(*(struct ns **)a, *(struct ns **)b);
}

void sort_namespaces(void)
{
	if (nr_namespaces)
		qsort(namespaces, nr_namespaces, sizeof(*namespaces), cmp_namespaces);
}
