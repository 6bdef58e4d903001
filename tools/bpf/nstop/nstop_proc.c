// SPDX-License-Identifier: GPL-2.0
/* Reads the tasks in /proc. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nstop_user.h"

/*
 * The start time in /proc/PID/stat is in clock ticks, and in the terms of the
 * time namespace of the reader, which need not be the initial one.
 */
__u64 start_in_ticks(__u64 start)
{
	static long long offset;
	static long hz;
	long long sec, nsec;
	FILE *f;

	if (!hz) {
		hz = sysconf(_SC_CLK_TCK);
		f = fopen("/proc/self/timens_offsets", "re");
		if (f) {
			if (fscanf(f, "%*s %*d %*d boottime %lld %lld",
				   &sec, &nsec) == 2)
				offset = sec * (long long)NSEC_PER_SEC + nsec;
			fclose(f);
		}
	}
	return (start + offset) / (NSEC_PER_SEC / hz);
}

int read_stat(struct proc_task *task)
{
	char buf[1024], *comm, *rest;
	ssize_t len;
	int fd;

	fd = openat(task->dir, "stat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (len <= 0) {
		errno = ESRCH;
		return -1;
	}
	buf[len] = '\0';

	/* The command may have anything in it, parentheses too. */
	comm = strchr(buf, '(');
	rest = strrchr(buf, ')');
	if (!comm || !rest)
		errx(EXIT_ERROR, "/proc/%d/stat has an unknown format",
		     task->pid);
	snprintf(task->comm, sizeof(task->comm), "%.*s", (int)(rest - comm - 1), comm + 1);

	/* Fields 3 to 22, of which 20 and 22 matter: see proc_pid_stat(5). */
	if (sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u %*d %llu",
		   &task->threads, &task->start) != 2)
		errx(EXIT_ERROR, "/proc/%d/stat has an unknown format",
		     task->pid);
	return 0;
}

/* Calls @look_at for each task with a directory in the given one. */
static int read_tasks(int at, const char *path, void (*look_at)(struct proc_task *task))
{
	struct proc_task task;
	struct dirent *de;
	char *end;
	DIR *dir;
	int fd;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir)
		err(EXIT_ERROR, "%s", path);

	for (;;) {
		errno = 0;
		de = readdir(dir);
		if (!de)
			break;
		task.pid = strtol(de->d_name, &end, 10);
		if (task.pid <= 0 || *end)
			continue;
		/* An open directory refers to the same task even if its pid is reused. */
		task.dir = openat(fd, de->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (task.dir < 0)
			continue;
		look_at(&task);
		close(task.dir);
	}
	at = errno ? -1 : 0;
	closedir(dir);
	return at;
}

static void (*look_at_thread)(struct proc_task *task);

static void look_at_threads(struct proc_task *process)
{
	/* An error means that the process is gone. */
	read_tasks(process->dir, "task", look_at_thread);
}

void read_proc(bool threads, void (*look_at)(struct proc_task *task))
{
	look_at_thread = look_at;
	if (read_tasks(AT_FDCWD, "/proc", threads ? look_at_threads : look_at))
		err(EXIT_ERROR, "/proc");
}

void check_proc(void)
{
	char self[16];
	ssize_t len;

	len = readlink("/proc/self", self, sizeof(self) - 1);
	if (len < 0)
		err(EXIT_ERROR, "/proc/self");
	self[len] = '\0';
	if (atoi(self) != getpid())
		errx(EXIT_ERROR, "/proc belongs to another pid namespace than this process");
}
