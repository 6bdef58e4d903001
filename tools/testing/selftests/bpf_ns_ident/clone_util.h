/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks in new namespaces that trigger the BPF programs of a test, and the
 * identity of namespaces from /proc. Functions return 0 or -errno.
 */
#ifndef _CLONE_UTIL_H
#define _CLONE_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ident.h"

#define MAX_PID_NS_LEVEL 32
#define NO_USER_NS (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNS | CLONE_NEWNET | \
		    CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWUTS)

/* Returns 0 in the child, like fork(2). */
static inline pid_t clone_into(__u64 flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &args, sizeof(args));
}

/*
 * Clones with @flags @levels times, and calls @run in the innermost child.
 * Returns the result of @run, or 255.
 */
static inline int run_in(__u64 flags, int levels, int (*run)(void *), void *arg)
{
	int status;
	pid_t pid;

	if (!levels)
		return run(arg);
	pid = clone_into(flags);
	if (!pid)
		_exit(run_in(flags, levels - 1, run, arg));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 255;
	return WEXITSTATUS(status);
}

/* A task that calls getpgid(MAGIC_PID), at once and as often as the test says. */
struct asker {
	int asked[2];		/* The task writes: it has called. */
	int again[2];		/* The test writes: call again. Closed: exit. */
	int unshare;
	pid_t pid;		/* of the child of the test */
};

static inline int ask(void *arg)
{
	struct asker *asker = arg;
	char c = 0;

	if (asker->unshare && unshare(asker->unshare))
		return 1;
	do {
		syscall(SYS_getpgid, MAGIC_PID);
	} while (write(asker->asked[1], &c, 1) == 1 && read(asker->again[0], &c, 1) == 1);
	return 0;
}

/* Waits until the task has called. */
static inline int asker_wait(struct asker *asker)
{
	char c;

	return read(asker->asked[0], &c, 1) == 1 ? 0 : -EPIPE;
}

static inline int asker_again(struct asker *asker)
{
	return write(asker->again[1], "", 1) == 1 ? asker_wait(asker) : -errno;
}

/*
 * Starts a task in the innermost of @levels new sets of namespaces @flags. The
 * task calls @run, which calls ask().
 */
static inline int asker_run(struct asker *asker, __u64 flags, int levels,
			    int (*run)(void *), void *arg)
{
	if (pipe(asker->asked) || pipe(asker->again))
		return -errno;
	asker->pid = fork();
	if (asker->pid < 0)
		return -errno;
	if (!asker->pid) {
		close(asker->asked[0]);
		close(asker->again[1]);
		_exit(run_in(flags, levels, run, arg));
	}
	close(asker->asked[1]);
	close(asker->again[0]);
	return asker_wait(asker);
}

static inline int asker_start(struct asker *asker, __u64 flags, int levels, int unshare)
{
	asker->unshare = unshare;
	return asker_run(asker, flags, levels, ask, asker);
}

/* Returns the exit status of the task. */
static inline int asker_stop(struct asker *asker)
{
	int status;

	close(asker->again[1]);
	close(asker->asked[0]);
	return waitpid(asker->pid, &status, 0) == asker->pid ? status : -errno;
}

static inline int read_ident(pid_t pid, const char *type, struct bpf_ns_ident *ident)
{
	char path[64];
	struct stat st;
	__u64 id;
	int fd, err = 0;

	*ident = (struct bpf_ns_ident){};
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, type);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || ioctl(fd, NS_GET_ID, &id))
		err = -errno;
	close(fd);
	if (!err)
		*ident = (struct bpf_ns_ident){ st.st_dev, st.st_ino, id };
	return err;
}

#define expect_ident(WANT, GOT)						\
	do {								\
		EXPECT_EQ((WANT)->dev, (GOT)->dev);			\
		EXPECT_EQ((WANT)->ino, (GOT)->ino);			\
		EXPECT_EQ((WANT)->id, (GOT)->id);			\
	} while (0)

#define expect_ident(WANT, GOT)						\
	do {								\
		EXPECT_EQ((WANT)->dev, (GOT)->dev);			\
		EXPECT_EQ((WANT)->ino, (GOT)->ino);			\
		EXPECT_EQ((WANT)->id, (GOT)->id);			\
	} while (0)

/* Replaces TEST_HARNESS_MAIN. Loads the module if necessary. */
#define IDENT_TEST_MAIN							\
	int main(int argc, char **argv)					\
	{								\
		if (access("/sys/module/bpf_ns_ident", F_OK) &&	\
		    system("modprobe bpf_ns_ident")) {			\
			printf("1..0 # SKIP cannot load the module bpf_ns_ident\n"); \
			return KSFT_SKIP;				\
		}							\
		libbpf_set_print(NULL);					\
		return test_harness_run(argc, argv);			\
	}

#endif /* _CLONE_UTIL_H */
