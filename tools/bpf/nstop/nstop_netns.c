// SPDX-License-Identifier: GPL-2.0
/*
 * Finds all net namespaces: by ns_ident_list(), and by the files of ip-netns(8), container runtimes
 * and CNI plugins.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/sched.h>

#include "nstop_net.h"

/* Names of the first directory are shown alone, the others with their path. */
static const char *const directories[] = {
	"/run/netns",
	"/run/docker/netns",
	"/run/user/*/netns",
};

static const struct finder *finder;

static int look_at_one(int fd, __u32 type, const struct bpf_ns_ident *ident, void *unused)
{
	finder->found(fd, NULL);
	return 0;
}

/*
 * Opens the file of a net namespace. Returns -1 for other files, which are not
 * opened: a FIFO would block, and a device may have side effects.
 */
static int open_named(int dir, const char *name)
{
	struct statfs fs;
	char path[64];
	int fd, found;

	found = openat(dir, name, O_PATH | O_CLOEXEC);
	if (found < 0)
		return -1;
	if (fstatfs(found, &fs) || fs.f_type != NSFS_MAGIC) {
		close(found);
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", found);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(found);
	if (fd >= 0 && ns_ident_type(fd) != CLONE_NEWNET) {
		close(fd);
		return -1;
	}
	return fd;
}

static void look_at_name(int dir, const char *path, const char *name, bool alone)
{
	struct stat st;
	char *whole;
	int fd;

	if (asprintf(&whole, "%s/%s", path, name) < 0)
		err(EXIT_ERROR, "out of memory");
	fd = open_named(dir, name);
	if (fd >= 0) {
		finder->found(fd, alone ? name : whole);
		close(fd);
	} else if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		/* The file still exists. ip-netns(8) mounts the namespace on a regular file. */
		finder->none(whole);
	}
	free(whole);
}

static void look_at_directory(const char *path, bool alone)
{
	struct dirent *de;
	DIR *dir;

	dir = opendir(path);
	if (!dir) {
		if (errno != ENOENT)
			finder->none(path);
		return;
	}
	while ((de = readdir(dir)))
		if (de->d_name[0] != '.')
			look_at_name(dirfd(dir), path, de->d_name, alone);
	closedir(dir);
}

void find_netns(const struct finder *with)
{
	glob_t list;
	size_t i, j;

	finder = with;
	for (i = 0; i < ARRAY_SIZE(directories); i++) {
		if (glob(directories[i], 0, NULL, &list))
			continue;
		for (j = 0; j < list.gl_pathc; j++)
			look_at_directory(list.gl_pathv[j], i == 0);
		globfree(&list);
	}
	check_ident(ns_ident_list(CLONE_NEWNET, look_at_one, NULL), "the net namespaces");
}
