// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_get_current_pid_tgid_in() returns the values of /proc and of the ioctls of
 * nsfs, for each pid namespace in which the task is visible, and -ESRCH for any
 * other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define NEWPID ((void *)CLONE_NEWPID)

#define PID_TGID(TGID, PID) ((__s64)(TGID) << 32 | (PID))

static int read_task_ids(pid_t pid, struct ns_ids *ids)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	return ns_read_ids(path, ids);
}

FIXTURE(pid_in)
{
	struct probe probe;
	struct pid_in *answer;
	struct ns_task task;
	struct ns_task other;
	struct bpf_ns_ident initial;
};

/* Loads one of the programs, and finds the memory that it shares. */
#define open_probe(NAME)						\
	do {								\
		struct bpf_map *map;					\
		size_t size;						\
									\
		ASSERT_EQ(0, probe_open(&self->probe, NAME));		\
		map = bpf_object__find_map_by_name(self->probe.obj,	\
						   ".data.pid_in");	\
		self->answer = bpf_map__initial_value(map, &size);	\
		ASSERT_EQ(sizeof(*self->answer), size);			\
	} while (0)

FIXTURE_SETUP(pid_in)
{
	self->task.sock = -1;
	self->other.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->initial));
}

FIXTURE_TEARDOWN(pid_in)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	probe_close(&self->probe);
}

static void aim(struct probe *probe, struct pid_in *answer, pid_t pid,
		const struct bpf_ns_ident *pidns)
{
	*answer = (struct pid_in){
		.pidns = *pidns,
		.pid_tgid = POISON,
		.plain_err = POISON,
	};
	probe_target(probe, pid);
}

/* Returns the result of the kfunc for the task in @pidns. */
static __s64 ask(struct __test_metadata *_metadata, struct probe *probe,
		 struct pid_in *answer, const struct ns_task *task,
		 const struct bpf_ns_ident *pidns)
{
	aim(probe, answer, task->pid, pidns);
	EXPECT_EQ(0, ns_call(task, ns_do_getpgid, NULL));
	EXPECT_EQ(1, probe->report->calls);
	EXPECT_EQ(task->pid, (pid_t)probe->report->pid_tgid);
	return answer->pid_tgid;
}

#define expect_answer(WANT, TASK, PIDNS)				\
	EXPECT_EQ(WANT, ask(_metadata, &self->probe, self->answer, TASK, PIDNS))

TEST_F(pid_in, initial)
{
	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_answer(PID_TGID(self->task.pid, self->task.pid), &self->task,
		      &self->initial);
}

/* Each task of a chain of pid namespaces, seen from each namespace. */
TEST_F(pid_in, every_ancestor_of_every_level)
{
	struct bpf_ns_ident idents[NR_LEVELS] = { self->initial };
	struct ns_task tasks[NR_LEVELS];
	int fds[NR_LEVELS];
	struct ns_ids ids;
	int i, level;

	open_probe("pid_in");
	for (i = 0; i < NR_LEVELS; i++) {
		ASSERT_EQ(0, ns_start(&tasks[i], i ? &tasks[i - 1] : NULL,
				      i ? CLONE_NEWPID : 0));
		fds[i] = ns_open(tasks[i].pid, "pid");
		ASSERT_LE(0, fds[i]);
		ASSERT_EQ(0, ns_ident_fd(fds[i], &idents[i]));
	}

	for (i = 0; i < NR_LEVELS; i++) {
		ASSERT_EQ(0, read_task_ids(tasks[i].pid, &ids));
		/* Is the task at the intended level? */
		ASSERT_EQ(i + 1, ids.nr);
		for (level = 0; level <= i; level++) {
			pid_t pid = ids.pid[level], tgid = ids.tgid[level];

			expect_answer(PID_TGID(tgid, pid), &tasks[i],
				      &idents[level]);
			EXPECT_EQ(tasks[i].pid,
				  ioctl(fds[level], NS_GET_PID_FROM_PIDNS, pid));
			EXPECT_EQ(tasks[i].pid,
				  ioctl(fds[level], NS_GET_TGID_FROM_PIDNS,
					tgid));
			EXPECT_EQ(pid, ioctl(fds[level], NS_GET_PID_IN_PIDNS,
					     tasks[i].pid));
		}
		for (; level < NR_LEVELS; level++)
			expect_answer(-ESRCH, &tasks[i], &idents[level]);
	}

	for (i = NR_LEVELS; i--;) {
		close(fds[i]);
		ns_stop(&tasks[i]);
	}
}

static void *read_and_call(void *ids)
{
	struct ns_ids *own = ids;

	/* A negative number is an errno. */
	own->nr = ns_read_ids("/proc/thread-self/status", own) ?:
		  ns_do_getpgid(NULL) ?: own->nr;
	return NULL;
}

static int do_read_and_call_in_thread(void *ids)
{
	pthread_t id;

	return -pthread_create(&id, NULL, read_and_call, ids) ?:
	       -pthread_join(id, NULL);
}

TEST_F(pid_in, thread_that_is_not_the_leader)
{
	struct bpf_ns_ident idents[3] = { self->initial };
	struct ns_ids *ids = ns_alloc(sizeof(*ids));
	int level;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &idents[1]));
	ASSERT_EQ(0, ns_start(&self->task, &self->other, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &idents[2]));

	for (level = 0; level < 3; level++) {
		aim(&self->probe, self->answer, self->task.pid, &idents[level]);
		ASSERT_EQ(0, ns_call(&self->task, do_read_and_call_in_thread,
				     ids));
		ASSERT_EQ(1, self->probe.report->calls);
		ASSERT_EQ(3, ids->nr);
		EXPECT_NE(ids->tgid[level], ids->pid[level]);
		EXPECT_EQ(PID_TGID(ids->tgid[level], ids->pid[level]),
			  self->answer->pid_tgid);
	}
}

TEST_F(pid_in, sibling)
{
	struct bpf_ns_ident sibling;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &sibling));
	expect_answer(-ESRCH, &self->task, &sibling);
}

TEST_F(pid_in, child)
{
	struct bpf_ns_ident child;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &child));
	expect_answer(-ESRCH, &self->task, &child);
}

/* pid_for_children is not the pid namespace of the task. */
TEST_F(pid_in, unshare)
{
	struct bpf_ns_ident future;
	struct ns_ids ids;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid_for_children", &future));

	expect_answer(-ESRCH, &self->task, &future);
	ASSERT_EQ(0, read_task_ids(self->other.pid, &ids));
	ASSERT_EQ(2, ids.nr);
	expect_answer(PID_TGID(ids.tgid[1], ids.pid[1]), &self->other, &future);
}

/* A task with a parent outside of the namespace, like a child of nsenter(1). */
TEST_F(pid_in, setns)
{
	struct bpf_ns_ident target;
	struct ns_task entered;
	struct ns_ids ids;
	int fd;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &target));
	fd = ns_open(self->other.pid, "pid");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call_fd(&self->task, fd, ns_do_setns, NEWPID));
	close(fd);
	ASSERT_EQ(0, ns_start(&entered, &self->task, 0));

	ASSERT_EQ(0, read_task_ids(entered.pid, &ids));
	ASSERT_EQ(2, ids.nr);
	EXPECT_NE(1, ids.pid[1]);
	expect_answer(PID_TGID(ids.tgid[1], ids.pid[1]), &entered, &target);
	expect_answer(PID_TGID(ids.tgid[0], ids.pid[0]), &entered,
		      &self->initial);
	ns_stop(&entered);
}

/* Each part of an identity has to match. */
FIXTURE(pid_in_wrong)
{
	struct probe probe;
	struct pid_in *answer;
	struct ns_task task;
	struct bpf_ns_ident ident;
	__s64 pid_tgid;
};

FIXTURE_SETUP(pid_in_wrong)
{
	struct ns_ids ids;

	self->task.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &self->ident));
	ASSERT_EQ(0, read_task_ids(self->task.pid, &ids));
	ASSERT_EQ(2, ids.nr);
	self->pid_tgid = PID_TGID(ids.tgid[1], ids.pid[1]);
}

FIXTURE_TEARDOWN(pid_in_wrong)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
}

/* Tries values that differ from the right one. */
static void expect_part_counts(struct __test_metadata *_metadata,
			       FIXTURE_DATA(pid_in_wrong) *self, __u64 *part)
{
	const __u64 right = *part;
	const __u64 wrong[] = {
		right + 1, right - 1, right << 32, right | 1ULL << 32,
		right | 1ULL << 63, ~right, ~0ULL,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		*part = wrong[i];
		expect_answer(-ESRCH, &self->task, &self->ident);
	}
	*part = right;
	expect_answer(self->pid_tgid, &self->task, &self->ident);
}

TEST_F(pid_in_wrong, dev)
{
	expect_part_counts(_metadata, self, &self->ident.dev);
	self->ident.dev = 0;
	expect_answer(-ESRCH, &self->task, &self->ident);
}

TEST_F(pid_in_wrong, ino)
{
	expect_part_counts(_metadata, self, &self->ident.ino);
	self->ident.ino = 0;
	expect_answer(-ESRCH, &self->task, &self->ident);
}

TEST_F(pid_in_wrong, id)
{
	expect_part_counts(_metadata, self, &self->ident.id);
}

TEST_F(pid_in_wrong, nothing)
{
	struct bpf_ns_ident nothing = {};

	expect_answer(-ESRCH, &self->task, &nothing);
}

TEST_F(pid_in_wrong, namespace_of_another_type)
{
	struct bpf_ns_ident user;

	ASSERT_EQ(0, ns_ident(self->task.pid, "user", &user));
	expect_answer(-ESRCH, &self->task, &user);
	user.id = 0;
	expect_answer(-ESRCH, &self->task, &user);
}

TEST_F(pid_in_wrong, but_id_zero_stands_for_any)
{
	struct bpf_ns_ident ident = self->ident;

	ident.id = 0;
	expect_answer(self->pid_tgid, &self->task, &ident);
	/* Any id matches, but dev and ino have to match. */
	ident.dev++;
	expect_answer(-ESRCH, &self->task, &ident);
	ident.dev--;
	ident.ino++;
	expect_answer(-ESRCH, &self->task, &ident);
}

/* The old identity must not match a new namespace with the same number. */
TEST_F(pid_in_wrong, recycled_inode_number)
{
	struct bpf_ns_ident old = self->ident, ident;
	struct ns_ids ids;

	ASSERT_EQ(0, ns_reuse_number(&self->task, CLONE_NEWPID, "pid", old.ino));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	ASSERT_EQ(old.dev, ident.dev);
	ASSERT_EQ(0, read_task_ids(self->task.pid, &ids));

	expect_answer(-ESRCH, &self->task, &old);
	expect_answer(PID_TGID(ids.tgid[1], ids.pid[1]), &self->task, &ident);
	old.id = 0;
	expect_answer(PID_TGID(ids.tgid[1], ids.pid[1]), &self->task, &old);
}

/* Tasks that exit. */
TEST_F(pid_in, zombie)
{
	struct bpf_ns_ident ident;
	struct report event;
	struct ns_ids ids;
	siginfo_t info;

	open_probe("pid_in_dead");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	ASSERT_EQ(0, read_task_ids(self->task.pid, &ids));
	aim(&self->probe, self->answer, self->task.pid, &ident);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	ASSERT_EQ(0, waitid(P_PID, self->task.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(PID_TGID(ids.tgid[1], ids.pid[1]), self->answer->pid_tgid);
}

/* SIGCHLD is ignored, so release_task() runs before the last switch. */
TEST_F(pid_in, released)
{
	struct bpf_ns_ident ident;
	struct report event;

	signal(SIGCHLD, SIG_IGN);
	open_probe("pid_in_dead");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	aim(&self->probe, self->answer, self->task.pid, &ident);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	EXPECT_EQ(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(-ESRCH, self->answer->pid_tgid);
}

/* A thread is released without wait(2), while its process continues. */
TEST_F(pid_in, released_thread)
{
	struct ns_ids *ids = ns_alloc(sizeof(*ids));
	struct bpf_ns_ident ident;
	struct report event;

	open_probe("pid_in_dead");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	aim(&self->probe, self->answer, self->task.pid, &ident);
	ASSERT_EQ(0, ns_call(&self->task, do_read_and_call_in_thread, ids));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	EXPECT_EQ(self->task.pid, (pid_t)(event.pid_tgid >> 32));
	EXPECT_NE(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(-ESRCH, self->answer->pid_tgid);
}

/* The existing helper works for the innermost namespace only. */
TEST_F(pid_in, agrees_with_bpf_get_ns_current_pid_tgid)
{
	struct bpf_ns_ident outer, inner;
	__s64 pid_tgid;

	open_probe("pid_in");
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->other.pid, "pid", &outer));
	ASSERT_EQ(0, ns_start(&self->task, &self->other, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &inner));

	pid_tgid = ask(_metadata, &self->probe, self->answer, &self->task,
		       &inner);
	EXPECT_EQ(0, self->answer->plain_err);
	EXPECT_EQ(PID_TGID(self->answer->plain_tgid, self->answer->plain_pid),
		  pid_tgid);

	pid_tgid = ask(_metadata, &self->probe, self->answer, &self->other,
		       &outer);
	EXPECT_EQ(0, self->answer->plain_err);
	EXPECT_EQ(PID_TGID(self->answer->plain_tgid, self->answer->plain_pid),
		  pid_tgid);
}

NS_TEST_MAIN(MODULE)
