/* SPDX-License-Identifier: GPL-2.0 */
/* The search for net namespaces. */
#ifndef NSTOP_NET_H
#define NSTOP_NET_H

#include "nstop_user.h"

struct finder {
	/* Called for each net namespace, also several times. @name is NULL if there is no file. */
	void (*found)(int fd, const char *name);
	/* Called for a file in a directory of names that is not a net namespace. */
	void (*none)(const char *path);
};

/* Namespaces with a name are first. */
void find_netns(const struct finder *finder);

#endif /* NSTOP_NET_H */
