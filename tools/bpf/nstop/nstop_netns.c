// SPDX-License-Identifier: GPL-2.0
/*
 * Finds all net namespaces: by listns(2), or by /proc/PID/task/TID/ns/net if the kernel has no such
 * system call, and by the files of ip-netns(8), container runtimes and CNI plugins.
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
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/sched.h>

#include "nstop_compat.h"
#include "nstop_net.h"

#define LIST_SIZE	256	/* ids at a time */

/* Names of the first directory are shown alone, the others with their path. */
static const char *const directories[] = {
	"/run/netns",
	"/run/docker/netns",
	"/run/user/*/netns",
};

static const struct finder *finder;

static int open_by_id(__u64 id)
{
	struct nsfs_handle ns = { .id = id };
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + sizeof(ns)];
	} file = {};

	file.handle.handle_bytes = sizeof(ns);
	file.handle.handle_type = HANDLE_TYPE_NSFS;
	memcpy(file.handle.f_handle, &ns, sizeof(ns));
	return open_by_handle_at(FD_NSFS_ROOT, &file.handle, O_RDONLY | O_CLOEXEC);
}

/* Returns false if the kernel has no listns(2), or rejects the call. */
static bool list_all(void)
{
	struct listns_request request = { .size = sizeof(request), .type = CLONE_NEWNET };
	__u64 ids[LIST_SIZE];
	long i, nr;
	int fd;

	do {
		nr = syscall(SYS_listns, &request, ids, LIST_SIZE, 0);
		/* ENOENT after an id: it was the last one. */
		if (nr < 0)
			return errno == ENOENT && request.last_id;
		for (i = 0; i < nr; i++) {
			fd = open_by_id(ids[i]);
			/* The namespace may be gone. */
			if (fd < 0)
				continue;
			finder->found(fd, NULL);
			close(fd);
		}
		if (nr)
			request.last_id = ids[nr - 1];
	} while (nr == LIST_SIZE);
	return true;
}

static void look_at_thread(struct proc_task *task)
{
	int fd;

	fd = openat(task->dir, "ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	finder->found(fd, NULL);
	close(fd);
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
	if (fd >= 0 && ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
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
	static bool cannot_list;
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
	cannot_list = cannot_list || !list_all();
	if (cannot_list)
		read_proc(true, look_at_thread);
}
