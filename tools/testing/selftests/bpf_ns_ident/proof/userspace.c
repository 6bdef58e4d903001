// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of ns_ident.h return the same identity as stat(2) and
 * NS_GET_ID. They find the namespace of an identity, its tasks, its owner and
 * its parent. For all kernels since 5.10.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "ns_ident.h"
#include "ns_util.h"

/* Since 6.18 and 6.19. */
static bool has_ids(void)
{
	struct bpf_ns_ident ident;

	return !ns_ident(getpid(), "pid", &ident) && ident.id;
}

static bool has_listns(void)
{
	return syscall(__NS_IDENT_NR_LISTNS, NULL, NULL, 0, 0) == 0 || errno != ENOSYS;
}

FIXTURE(userspace)
{
	struct ns_task task;
	struct ns_task other;
	struct bpf_ns_ident ident;
	int fd;
};

FIXTURE_SETUP(userspace)
{
	self->task.sock = -1;
	self->other.sock = -1;
	self->fd = -1;
}

FIXTURE_TEARDOWN(userspace)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	if (self->fd >= 0)
		close(self->fd);
}

#define expect_same(WANT, GOT)						\
	do {								\
		EXPECT_EQ((WANT)->dev, (GOT)->dev);			\
		EXPECT_EQ((WANT)->ino, (GOT)->ino);			\
		EXPECT_EQ((WANT)->id, (GOT)->id);			\
	} while (0)

/* Expects an errno, and a reason with these words. */
#define expect_error(ERR, WORDS, CALL)					\
	do {								\
		EXPECT_EQ(-(ERR), CALL);				\
		EXPECT_NE(NULL, strstr(ns_ident_error(), WORDS)) {	\
			TH_LOG("%s", ns_ident_error());			\
		}							\
	} while (0)

/* Opens a namespace, and checks that it is the right one. */
#define expect_open(IDENT, TYPE)					\
	do {								\
		struct bpf_ns_ident opened;				\
									\
		self->fd = ns_ident_open(IDENT, TYPE);			\
		ASSERT_LE(0, self->fd) {				\
			TH_LOG("%s", ns_ident_error());			\
		}							\
		ASSERT_EQ(0, ns_ident_fd(self->fd, &opened));		\
		EXPECT_EQ((IDENT)->ino, opened.ino);			\
		EXPECT_TRUE(!(IDENT)->id || (IDENT)->id == opened.id);	\
	} while (0)

TEST_F(userspace, identity_of_a_task)
{
	struct bpf_ns_ident want;
	char path[64];

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	for (size_t i = 0; i < __NS_IDENT_NR_TYPES; i++) {
		__u32 type = __ns_ident_types[i].flag;
		const char *name = ns_ident_type_name(type);

		ASSERT_EQ(0, ns_ident(self->task.pid, name, &want));
		ASSERT_EQ(0, ns_ident_of_task(self->task.pid, type, &self->ident));
		expect_same(&want, &self->ident);
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", self->task.pid, name);
		ASSERT_EQ(0, ns_ident_of_file(path, &self->ident));
		expect_same(&want, &self->ident);
		ASSERT_EQ(0, ns_ident(getpid(), name, &want));
		ASSERT_EQ(0, ns_ident_of_task(0, type, &self->ident));
		expect_same(&want, &self->ident);
	}
}

TEST_F(userspace, device)
{
	struct stat st;
	__u64 dev;

	ASSERT_EQ(0, stat("/proc/self/ns/pid", &st));
	ASSERT_EQ(0, ns_ident_get_dev(&dev));
	EXPECT_EQ(st.st_dev, dev);
	EXPECT_EQ(has_ids(), ns_ident_has_ids());
}

TEST_F(userspace, no_namespace)
{
	const struct bpf_ns_ident none = {};

	self->ident.ino = 1;
	expect_error(EINVAL, "/dev/null is not the file of a namespace",
		     ns_ident_of_file("/dev/null", &self->ident));
	expect_same(&none, &self->ident);
	expect_error(ENOENT, "/proc/0/ns/pid: ",
		     ns_ident_of_file("/proc/0/ns/pid", &self->ident));
	expect_error(EINVAL, "0x60000000 is not one CLONE_NEW* flag",
		     ns_ident_of_task(0, CLONE_NEWPID | CLONE_NEWNET, &self->ident));
	expect_error(EINVAL, "0x0 is not one CLONE_NEW* flag",
		     ns_ident_open(&self->ident, 0));
	expect_error(EBADF, "descriptor -1: ", ns_ident_of_fd(-1, &self->ident));
	expect_error(EINVAL, "0x1 are not CLONE_NEW* flags",
		     ns_ident_list(1, NULL, NULL));
}

TEST_F(userspace, open_each_type)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	for (size_t i = 0; i < __NS_IDENT_NR_TYPES; i++) {
		__u32 type = __ns_ident_types[i].flag;

		ASSERT_EQ(0, ns_ident(self->task.pid, __ns_ident_types[i].name,
				      &self->ident));
		expect_open(&self->ident, type);
		EXPECT_EQ(type, ns_ident_type(self->fd));
		close(self->fd);
		/* By dev and ino, without the id. */
		self->ident.id = 0;
		expect_open(&self->ident, type);
		close(self->fd);
		self->fd = -1;
	}
}

TEST_F(userspace, open_and_enter)
{
	struct bpf_ns_ident now;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_start(&self->other, NULL, 0));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &self->ident));
	expect_open(&self->ident, CLONE_NEWUTS);
	ASSERT_EQ(0, ns_call_fd(&self->other, self->fd, ns_do_setns, (void *)CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->other.pid, "uts", &now));
	expect_same(&self->ident, &now);
}

TEST_F(userspace, open_what_has_gone)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &self->ident));
	ns_stop(&self->task);
	expect_error(ENOENT, "no", ns_ident_open(&self->ident, CLONE_NEWUTS));
	self->ident.id = 0;
	expect_error(ENOENT, "no task in /proc is in the uts namespace",
		     ns_ident_open(&self->ident, CLONE_NEWUTS));
}

/* The number is the one of a namespace of another type. */
TEST_F(userspace, open_as_another_type)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &self->ident));
	EXPECT_EQ(-ENOENT, ns_ident_open(&self->ident, CLONE_NEWIPC));
	self->ident.id = 0;
	EXPECT_EQ(-ENOENT, ns_ident_open(&self->ident, CLONE_NEWIPC));
}

TEST_F(userspace, open_on_another_device)
{
	ASSERT_EQ(0, ns_ident(getpid(), "uts", &self->ident));
	self->ident.dev++;
	EXPECT_EQ(-ENOENT, ns_ident_open(&self->ident, CLONE_NEWUTS));
	self->ident.id = 0;
	EXPECT_EQ(-ENOENT, ns_ident_open(&self->ident, CLONE_NEWUTS));
}

TEST_F(userspace, open_with_a_recycled_number)
{
	struct bpf_ns_ident first;

	if (!has_ids())
		SKIP(return, "before 6.18, there are no ids");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &first));
	ASSERT_EQ(0, ns_reuse_number(&self->task, CLONE_NEWUTS, "uts", first.ino));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &self->ident));
	ASSERT_NE(first.id, self->ident.id);
	expect_error(ENOENT, "no task in /proc is in the uts namespace",
		     ns_ident_open(&first, CLONE_NEWUTS));
	EXPECT_EQ(-ENOENT, ns_ident_tasks(&first, CLONE_NEWUTS, NULL, NULL));
	expect_open(&self->ident, CLONE_NEWUTS);
}

TEST_F(userspace, owner_and_parent)
{
	struct bpf_ns_ident want;
	int fd;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, CLONE_NEWPID));

	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &self->ident));
	expect_open(&self->ident, CLONE_NEWUTS);
	fd = ns_ident_owner(self->fd);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_ident(self->task.pid, "user", &want));
	ASSERT_EQ(0, ns_ident_of_fd(fd, &self->ident));
	expect_same(&want, &self->ident);
	close(fd);
	expect_error(EINVAL, "only pid and user namespaces have a parent",
		     ns_ident_parent(self->fd));
	close(self->fd);

	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &self->ident));
	expect_open(&self->ident, CLONE_NEWPID);
	fd = ns_ident_parent(self->fd);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	ASSERT_EQ(0, ns_ident_of_fd(fd, &self->ident));
	expect_same(&want, &self->ident);
	close(fd);
	close(self->fd);

	self->fd = ns_open(getpid(), "pid");
	ASSERT_LE(0, self->fd);
	expect_error(EPERM, "the parent is outside", ns_ident_parent(self->fd));
}

#define MAX_TIDS 16

struct tids {
	int nr;
	pid_t tids[MAX_TIDS];
};

static int take_tid(pid_t tid, void *ctx)
{
	struct tids *found = ctx;

	if (found->nr < MAX_TIDS)
		found->tids[found->nr++] = tid;
	return 0;
}

static int stop_at_once(pid_t tid, void *ctx)
{
	return 42;
}

static void *sleep_on(void *unused)
{
	pause();
	return NULL;
}

static int do_start_thread(void *unused)
{
	pthread_t id;

	return -pthread_create(&id, NULL, sleep_on, NULL);
}

TEST_F(userspace, tasks)
{
	struct tids found = {};

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	ASSERT_EQ(0, ns_call(&self->other, do_start_thread, NULL));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &self->ident));
	ASSERT_EQ(0, ns_ident_tasks(&self->ident, CLONE_NEWPID, take_tid, &found));
	ASSERT_EQ(3, found.nr);
	for (int i = 0; i < found.nr; i++) {
		struct bpf_ns_ident ident;

		ASSERT_EQ(0, ns_ident(found.tids[i], "pid", &ident));
		expect_same(&self->ident, &ident);
	}
	EXPECT_EQ(42, ns_ident_tasks(&self->ident, CLONE_NEWPID, stop_at_once, NULL));
	self->ident.id = 0;
	found.nr = 0;
	ASSERT_EQ(0, ns_ident_tasks(&self->ident, CLONE_NEWPID, take_tid, &found));
	EXPECT_EQ(3, found.nr);
}

struct wanted {
	struct bpf_ns_ident ident;
	__u32 type;
	int met;
	int others;		/* of other types */
	bool mismatch;
};

static int take_ns(int fd, __u32 ns_type, const struct bpf_ns_ident *ident, void *ctx)
{
	struct wanted *wanted = ctx;
	struct bpf_ns_ident behind;

	if (ns_type != wanted->type)
		wanted->others++;
	if (ns_ident_fd(fd, &behind) || memcmp(&behind, ident, sizeof(behind)))
		wanted->mismatch = true;
	if (!memcmp(&wanted->ident, ident, sizeof(*ident)))
		wanted->met++;
	return 0;
}

TEST_F(userspace, list)
{
	struct wanted wanted = { .type = CLONE_NEWUTS };

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &wanted.ident));
	ASSERT_EQ(0, ns_ident_list(CLONE_NEWUTS, take_ns, &wanted)) {
		TH_LOG("%s", ns_ident_error());
	}
	EXPECT_EQ(1, wanted.met);
	EXPECT_EQ(0, wanted.others);
	EXPECT_FALSE(wanted.mismatch);

	wanted.met = 0;
	ASSERT_EQ(0, ns_ident_list(NS_IDENT_ALL_TYPES, take_ns, &wanted));
	EXPECT_EQ(1, wanted.met);
	/* The initial namespaces, and those of the task. */
	EXPECT_LE(14, wanted.others);
	EXPECT_FALSE(wanted.mismatch);
}

static int do_list(void *arg)
{
	struct wanted *wanted = arg;
	int fd;

	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return -errno;
	fd = ns_ident_open(&wanted->ident, CLONE_NEWUTS);
	if (fd < 0)
		return fd;
	close(fd);
	return ns_ident_list(CLONE_NEWUTS, take_ns, wanted);
}

/* A nested caller may neither list nor open other namespaces by their ids. */
TEST_F(userspace, nested_caller_finds_those_of_its_tasks)
{
	struct wanted *wanted = ns_alloc(sizeof(*wanted));

	ASSERT_NE(NULL, wanted);
	wanted->type = CLONE_NEWUTS;
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->other.pid, "uts", &wanted->ident));
	ASSERT_EQ(0, ns_call(&self->task, do_list, wanted));
	EXPECT_EQ(1, wanted->met);
	EXPECT_FALSE(wanted->mismatch);

	/* Another one, which no task in its /proc is in. */
	ASSERT_EQ(0, ns_ident(getpid(), "uts", &wanted->ident));
	EXPECT_EQ(-ENOENT, ns_call(&self->task, do_list, wanted));
}

/* Without a task, a namespace is only found by listns(2). */
TEST_F(userspace, list_what_a_file_keeps)
{
	struct wanted wanted = { .type = CLONE_NEWUTS };

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "uts", &wanted.ident));
	self->fd = ns_open(self->task.pid, "uts");
	ASSERT_LE(0, self->fd);
	ns_stop(&self->task);
	ASSERT_EQ(0, ns_ident_list(CLONE_NEWUTS, take_ns, &wanted));
	EXPECT_EQ(has_listns(), wanted.met);
	if (has_ids()) {
		close(self->fd);
		self->fd = ns_open(getpid(), "uts");
		EXPECT_EQ(-ENOENT, ns_ident_open(&wanted.ident, CLONE_NEWUTS));
	}
}

TEST_HARNESS_MAIN
