/* SPDX-License-Identifier: GPL-2.0 */
/* The names of containers, as runtimes and the kubelet have them. */
#ifndef NSTOP_CONTAINERS_H
#define NSTOP_CONTAINERS_H

#include <stdbool.h>
#include <stddef.h>

#define CONTAINER_ID_LEN	256
#define CONTAINER_TEXT_LEN	1280	/* of all that container_text() writes */

/* A string is empty if it is not known. */
struct container {
	const char *runtime;		/* "?" if it is not known */
	char id[CONTAINER_ID_LEN];	/* a name, for some runtimes */
	char name[CONTAINER_ID_LEN];
	char pod[CONTAINER_ID_LEN];	/* of Kubernetes */
	char namespace[CONTAINER_ID_LEN];	/* of that pod */
	char inside[CONTAINER_ID_LEN];	/* a container in this one, by its own claim */
	bool guess;			/* others can make that name, too */
};

/*
 * Finds the container with the cgroup @path, which is relative to the root of
 * cgroup v2. If the task is @nested in another container, the innermost
 * component is its name there. Files of runtimes are looked up
 * below the directory @root, which is "" for those of this machine.
 *
 * Returns false, and leaves @container empty, if that is no container.
 */
bool container_of_path(const char *root, const char *path, bool nested,
		       struct container *container);

/*
 * The same for the process with the directory @proc in /proc. If its cgroup is
 * that of no container, the name is a guess by its $HOSTNAME.
 */
bool container_of_proc(int proc, bool nested, struct container *container);

/*
 * Writes RUNTIME:NAME, where NAME is the id if there is no name, and is
 * POD_NAMESPACE_NAME in Kubernetes. Behind a guess there is a ?, and behind a
 * slash the container inside. Writes - if there is no id.
 */
void container_text(const struct container *container, char *text, size_t size);

#endif /* NSTOP_CONTAINERS_H */
