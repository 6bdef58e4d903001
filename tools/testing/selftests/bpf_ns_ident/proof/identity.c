// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_get_current_pidns_ident() returns the values that stat(2) and NS_GET_ID
 * return for /proc/PID/ns/pid of the task.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define NEWPID ((void *)CLONE_NEWPID)

/* enum init_ns_ino and enum init_ns_id of the UAPI. */
#define INIT_PID_NS_INO 0xEFFFFFFCU
#define INIT_PID_NS_ID 4

FIXTURE(identity)
{
	struct probe probe;
	struct ns_task task;
	struct ns_task other;
	struct bpf_ns_ident initial;
};

FIXTURE_SETUP(identity)
{
	self->task.sock = -1;
	self->other.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->initial));
	ASSERT_EQ(0, probe_open(&self->probe, "raw_tp"));
}

FIXTURE_TEARDOWN(identity)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	probe_close(&self->probe);
}

static void expect_ident(struct __test_metadata *_metadata,
			 const struct bpf_ns_ident *want,
			 const struct bpf_ns_ident *got)
{
	EXPECT_EQ(want->dev, got->dev);
	EXPECT_EQ(want->ino, got->ino);
	EXPECT_EQ(want->id, got->id);
}

static bool is_same(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

/* Compares the results of a program and of userspace for a task. */
static void expect_task(struct __test_metadata *_metadata, struct probe *probe,
			const struct ns_task *task, struct bpf_ns_ident *ident)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_ident(task->pid, "pid", &want));
	probe_target(probe, task->pid);
	ASSERT_EQ(0, ns_call(task, ns_do_getpgid, NULL));
	ASSERT_EQ(1, probe->report->calls);
	EXPECT_EQ(task->pid, (pid_t)probe->report->pid_tgid);
	EXPECT_EQ(0, probe->report->err);
	expect_ident(_metadata, &want, &probe->report->ident);
	if (ident)
		*ident = want;
}

TEST_F(identity, initial)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_task(_metadata, &self->probe, &self->task, &ident);
	EXPECT_EQ(INIT_PID_NS_INO, ident.ino);
	EXPECT_EQ(INIT_PID_NS_ID, ident.id);
	expect_ident(_metadata, &self->initial, &ident);
}

TEST_F(identity, child)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->task, &ident);
	EXPECT_FALSE(is_same(&self->initial, &ident));
}

TEST_F(identity, nested)
{
	struct bpf_ns_ident outer, inner;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->other, &inner);
	expect_task(_metadata, &self->probe, &self->task, &outer);
	EXPECT_NE(outer.ino, inner.ino);
	EXPECT_NE(outer.id, inner.id);
}

TEST_F(identity, siblings)
{
	struct bpf_ns_ident first, second;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->task, &first);
	expect_task(_metadata, &self->probe, &self->other, &second);
	EXPECT_NE(first.ino, second.ino);
	EXPECT_NE(first.id, second.id);
}

TEST_F(identity, second_task_of_a_namespace)
{
	struct bpf_ns_ident init, ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	expect_task(_metadata, &self->probe, &self->task, &init);
	expect_task(_metadata, &self->probe, &self->other, &ident);
	expect_ident(_metadata, &init, &ident);
}

TEST_F(identity, deepest)
{
	struct ns_task tasks[MAX_PID_NS_LEVEL + 1], none;
	struct bpf_ns_ident ident, last = self->initial;
	int i;

	for (i = 0; i < MAX_PID_NS_LEVEL; i++) {
		ASSERT_EQ(0, ns_start(&tasks[i], i ? &tasks[i - 1] : NULL,
				      CLONE_NEWPID));
		expect_task(_metadata, &self->probe, &tasks[i], &ident);
		EXPECT_NE(last.ino, ident.ino);
		last = ident;
	}
	/* Was that the deepest level? */
	EXPECT_EQ(-ENOSPC, ns_start(&none, &tasks[i - 1], CLONE_NEWPID));
	while (i--)
		ns_stop(&tasks[i]);
}

TEST_F(identity, statx)
{
	struct statx stx;
	char path[64];

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->task, NULL);

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", self->task.pid);
	ASSERT_EQ(0, statx(AT_FDCWD, path, 0, STATX_INO, &stx));
	EXPECT_EQ(stx.stx_ino, self->probe.report->ident.ino);
	EXPECT_EQ(stx.stx_dev_major, major(self->probe.report->ident.dev));
	EXPECT_EQ(stx.stx_dev_minor, minor(self->probe.report->ident.dev));
	EXPECT_EQ(makedev(stx.stx_dev_major, stx.stx_dev_minor),
		  self->probe.report->ident.dev);
}

static int do_stat_own_proc(void *arg)
{
	struct bpf_ns_ident *ident = arg;

	if (mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("proc", "/proc", "proc", 0, NULL))
		return -errno;
	return ns_ident(getpid(), "pid", ident);
}

/* The pair is the same from inside and from outside. */
TEST_F(identity, stat_from_inside)
{
	struct bpf_ns_ident *inside = ns_alloc(sizeof(*inside));

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID | CLONE_NEWNS));
	ASSERT_EQ(0, ns_call(&self->task, do_stat_own_proc, inside));
	expect_task(_metadata, &self->probe, &self->task, NULL);
	expect_ident(_metadata, inside, &self->probe.report->ident);
}

TEST_F(identity, container)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	expect_task(_metadata, &self->probe, &self->task, &ident);
	EXPECT_FALSE(is_same(&self->initial, &ident));
}

TEST_F(identity, only_other_namespaces_are_new)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS & ~CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->task, &ident);
	expect_ident(_metadata, &self->initial, &ident);
}

/* The task stays in its pid namespace. Only its children get the new one. */
TEST_F(identity, unshare_without_fork)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWPID));
	expect_task(_metadata, &self->probe, &self->task, &ident);
	expect_ident(_metadata, &self->initial, &ident);
}

TEST_F(identity, unshare_and_fork)
{
	struct bpf_ns_ident ident, future;

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	expect_task(_metadata, &self->probe, &self->other, &ident);
	EXPECT_FALSE(is_same(&self->initial, &ident));

	ASSERT_EQ(0, ns_ident(self->task.pid, "pid_for_children", &future));
	expect_ident(_metadata, &future, &ident);
	expect_task(_metadata, &self->probe, &self->task, &ident);
	expect_ident(_metadata, &self->initial, &ident);
}

TEST_F(identity, setns_for_children)
{
	struct bpf_ns_ident ident, target, future;
	struct ns_task child;
	int fd;

	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &target));
	fd = ns_open(self->other.pid, "pid");
	ASSERT_LE(0, fd);

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call_fd(&self->task, fd, ns_do_setns, NEWPID));
	close(fd);
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid_for_children", &future));
	expect_ident(_metadata, &target, &future);

	expect_task(_metadata, &self->probe, &self->task, &ident);
	expect_ident(_metadata, &self->initial, &ident);

	ASSERT_EQ(0, ns_start(&child, &self->task, 0));
	expect_task(_metadata, &self->probe, &child, &ident);
	expect_ident(_metadata, &target, &ident);
	ns_stop(&child);
}

static void *thread(void *ret)
{
	*(int *)ret = ns_do_getpgid(NULL);
	return NULL;
}

static int do_in_thread(void *unused)
{
	pthread_t id;
	int ret;

	if (pthread_create(&id, NULL, thread, &ret) || pthread_join(id, NULL))
		return -EAGAIN;
	return ret;
}

TEST_F(identity, thread_that_is_not_the_leader)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, do_in_thread, NULL));

	ASSERT_EQ(1, self->probe.report->calls);
	EXPECT_EQ(self->task.pid, (pid_t)(self->probe.report->pid_tgid >> 32));
	EXPECT_NE(self->task.pid, (pid_t)self->probe.report->pid_tgid);
	EXPECT_EQ(0, self->probe.report->err);
	expect_ident(_metadata, &want, &self->probe.report->ident);
}

/* nsfs reuses the number, and never the id. */
TEST_F(identity, recycled_inode_number)
{
	struct bpf_ns_ident first, ident = {};
	int i, held[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	expect_task(_metadata, &self->probe, &self->task, &first);
	for (i = 0; i < (int)ARRAY_SIZE(held) && ident.ino != first.ino; i++) {
		ns_stop(&self->task);
		ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
		expect_task(_metadata, &self->probe, &self->task, &ident);
		ASSERT_NE(first.id, ident.id);
		/* As in ns_reuse_number(). */
		held[i] = ns_open(self->task.pid, "pid");
		ASSERT_LE(0, held[i]);
	}
	while (i > 0)
		close(held[--i]);
	ASSERT_EQ(first.ino, ident.ino);
	EXPECT_EQ(first.dev, ident.dev);
}

/* Tasks that exit, idle tasks, and kernel threads. */
FIXTURE(moments)
{
	struct probe probe;
	struct ring_buffer *ring;
	struct ns_task task;
	struct bpf_ns_ident initial;
	struct report event;
};

FIXTURE_SETUP(moments)
{
	self->task.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->initial));
}

FIXTURE_TEARDOWN(moments)
{
	ns_stop(&self->task);
	ring_buffer__free(self->ring);
	probe_close(&self->probe);
}

static int take_event(void *ctx, void *data, size_t size)
{
	memcpy(ctx, data, sizeof(struct report));
	/* Leave further events for the next call. */
	return -ECANCELED;
}

#define open_moment(NAME)						\
	do {								\
		ASSERT_EQ(0, probe_open(&self->probe, NAME));		\
		self->ring = ring_buffer__new(				\
			bpf_object__find_map_fd_by_name(self->probe.obj, \
							"events"),	\
			take_event, &self->event, NULL);		\
		ASSERT_NE(NULL, self->ring);				\
	} while (0)

#define wait_for_moment()						\
	ASSERT_EQ(-ECANCELED, ring_buffer__poll(self->ring, 10000))

/* Creates entries of the thread in /proc, which have to go with the thread. */
static void *look_up_itself(void *ret)
{
	*(int *)ret = access("/proc/thread-self/stat", F_OK) ? -errno : 0;
	return NULL;
}

static int do_exit_thread(void *unused)
{
	pthread_t id;
	int ret;

	return -pthread_create(&id, NULL, look_up_itself, &ret) ?:
	       -pthread_join(id, NULL) ?: ret;
}

/*
 * The idle tasks have no visible pid, but have the struct pid number 0, which is
 * in the initial namespace.
 */
TEST_F(moments, idle_task_is_in_the_initial_namespace)
{
	cpu_set_t online, one;
	int cpu;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(online), &online));
	open_moment("idle");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &online))
			continue;
		/* The event wakes this task, which ends the idle period. */
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
		probe_target(&self->probe, cpu + 1);
		wait_for_moment();
		EXPECT_EQ(0, self->event.pid_tgid);
		EXPECT_EQ(0, self->event.err);
		expect_ident(_metadata, &self->initial, &self->event.ident);
	}
	sched_setaffinity(0, sizeof(online), &online);
}

TEST_F(moments, kernel_thread_is_in_the_initial_namespace)
{
	open_moment("kthread");
	/* Some kernel threads always run. */
	probe_target(&self->probe, 1);
	wait_for_moment();
	EXPECT_NE(0, self->event.pid_tgid);
	EXPECT_EQ(0, self->event.err);
	expect_ident(_metadata, &self->initial, &self->event.ident);
}

/* A zombie still has its pid namespace, and /proc/PID. */
TEST_F(moments, zombie_has_its_namespace)
{
	struct bpf_ns_ident want;
	siginfo_t info;

	open_moment("dead");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	wait_for_moment();
	ASSERT_EQ(0, waitid(P_PID, self->task.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(self->task.pid, (pid_t)self->event.pid_tgid);
	EXPECT_EQ(0, self->event.err);
	expect_ident(_metadata, &want, &self->event.ident);
}

/* SIGCHLD is ignored, so release_task() runs before the last switch. */
TEST_F(moments, released_task_has_none)
{
	const struct bpf_ns_ident none = {};

	signal(SIGCHLD, SIG_IGN);
	open_moment("dead");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	wait_for_moment();
	EXPECT_EQ(self->task.pid, (pid_t)self->event.pid_tgid);
	EXPECT_EQ(-ENOENT, self->event.err);
	expect_ident(_metadata, &none, &self->event.ident);
}

/* A thread is released without wait(2). */
static void expect_none_for_thread(struct __test_metadata *_metadata,
				   FIXTURE_DATA(moments) *self, const char *prog)
{
	const struct bpf_ns_ident none = {};

	open_moment(prog);
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, do_exit_thread, NULL));
	wait_for_moment();
	EXPECT_EQ(self->task.pid, (pid_t)(self->event.pid_tgid >> 32));
	EXPECT_NE(self->task.pid, (pid_t)self->event.pid_tgid);
	EXPECT_EQ(-ENOENT, self->event.err);
	expect_ident(_metadata, &none, &self->event.ident);
}

TEST_F(moments, released_thread_has_none)
{
	expect_none_for_thread(_metadata, self, "dead");
}

/* The same in a sleepable program. */
TEST_F(moments, released_thread_has_none_for_sleepable)
{
	expect_none_for_thread(_metadata, self, "exit_s");
}

NS_TEST_MAIN(MODULE)
