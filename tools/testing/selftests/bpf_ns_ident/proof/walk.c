// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of ns_ident.bpf.h returns the same as a kfunc in the same event. While
 * another task ends or moves, only the kfunc never returns a namespace of a third
 * task. The test prints how often the walk does.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "walk.h"
#include "walk.skel.h"

#define MAX_WORKERS 16
#define NR_ASKERS 4

/* Comparisons, at least. */
#define ENOUGH (is_torture() ? 2000000 : 20000)
#define ROUNDS (is_torture() ? 100 : 2)

/* On a slow machine. */
#define TIMEOUT 3600

FIXTURE(walk)
{
	struct walk *skel;
	struct walk_shared *shared;
	struct ns_task task;
	struct ns_task other;
	pid_t workers[MAX_WORKERS];
	int nr_workers;
};

FIXTURE_SETUP(walk)
{
	struct bpf_ns_ident initial;

	self->task.sock = -1;
	self->other.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &initial));
	self->skel = walk__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->ns_ident_dev = initial.dev;
	self->skel->data_walk->walk.initial = initial;
}

static void end_workers(FIXTURE_DATA(walk) *self)
{
	while (self->nr_workers) {
		pid_t pid = self->workers[--self->nr_workers];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

FIXTURE_TEARDOWN(walk)
{
	end_workers(self);
	ns_stop(&self->other);
	ns_stop(&self->task);
	walk__destroy(self->skel);
}

/* Starts a process that calls @fn again and again, until it is killed. */
static int start_worker(FIXTURE_DATA(walk) *self, void (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;)
			fn(arg);
	}
	self->workers[self->nr_workers++] = pid;
	return 0;
}

/* Children that nobody waits for, in namespaces of their own, with children. */
static void fork_and_unshare(void *unused)
{
	static const int flags[] = {
		0, CLONE_NEWPID, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNS,
		CLONE_NEWCGROUP, CLONE_NEWUSER, CLONE_NEWTIME,
		CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWUSER,
	};
	static int next;
	pid_t pid = fork();

	if (pid) {
		usleep(100);
		return;
	}
	srand(getpid() + next);
	for (int i = 0; i < 4; i++) {
		unshare(flags[rand() % ARRAY_SIZE(flags)]);
		if (rand() % 2 && fork() < 0)
			break;
	}
	_exit(0);
}

static const char *const names[NR_WALK] = {
	[WALK_PIDNS] = "bpf_get_current_pidns_ident",
	[WALK_NS] = "bpf_get_current_ns_ident",
	[WALK_PID_IN] = "bpf_get_current_pid_tgid_in",
	[WALK_TASK_PIDNS] = "bpf_task_pidns_ident",
	[WALK_TASK_NS] = "bpf_task_ns_ident",
	[WALK_TASK_PID_IN] = "bpf_task_pid_tgid_in",
};

static void print_first(struct __test_metadata *_metadata, const struct walk_shared *shared)
{
	const struct walk_answers *first = &shared->first;

	TH_LOG("%s(), type 0x%x", names[first->question], first->ns_type);
	TH_LOG("kfunc: %lld, dev %llu, ino %llu, id %llu", first->by_kfunc,
	       first->of_kfunc.dev, first->of_kfunc.ino, first->of_kfunc.id);
	TH_LOG("walk:  %lld, dev %llu, ino %llu, id %llu", first->by_walk,
	       first->of_walk.dev, first->of_walk.ino, first->of_walk.id);
}

static __u64 least(const struct walk_shared *shared)
{
	__u64 nr = -1ULL;

	for (int i = 0; i < NR_WALK; i++)
		if (shared->asked[i] < nr)
			nr = shared->asked[i];
	return nr;
}

TEST_F_TIMEOUT(walk, same_result_as_the_kfunc, TIMEOUT)
{
	bpf_program__set_autoload(self->skel->progs.on_syscall, true);
	bpf_program__set_autoload(self->skel->progs.on_exit, true);
	bpf_program__set_autoload(self->skel->progs.on_switch, true);
	bpf_program__set_autoload(self->skel->progs.on_fork, true);
	ASSERT_EQ(0, walk__load(self->skel));
	ASSERT_EQ(0, walk__attach(self->skel));
	self->shared = &self->skel->data_walk->walk;

	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, start_worker(self, fork_and_unshare, NULL));
	/* A fork compares the kfuncs about another task. Other events are more frequent. */
	while (self->shared->asked[WALK_NS] < ENOUGH ||
	       least(self->shared) < ENOUGH / 100)
		usleep(100000);
	end_workers(self);
	EXPECT_EQ(0, self->shared->differ) {
		print_first(_metadata, self->shared);
	}
	for (int i = 0; i < NR_WALK; i++)
		printf("# %s(): compared %llu times, %llu errors\n", names[i],
		       self->shared->asked[i], self->shared->none[i]);
}

static void run_prog(void *fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	/* 1: the task has been released. */
	if (bpf_prog_test_run_opts((intptr_t)fd, &opts) || opts.retval)
		usleep(1000);
}

/* Uses up numbers of processes, and their memory. */
static int do_fork_many(void *unused)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return -errno;
		if (!pid)
			_exit(0);
	}
	return 0;
}

#define load_race(PROG, TURNS)						\
	do {								\
		bpf_program__set_autoload(self->skel->progs.PROG, true); \
		ASSERT_EQ(0, walk__load(self->skel));		\
		self->shared = &self->skel->data_walk->walk;		\
		self->shared->turns = TURNS;				\
	} while (0)

/* Several on a CPU, so that each is preempted between two reads of a walk. */
#define start_askers(PROG, RUN)						\
	do {								\
		long fd_ = bpf_program__fd(self->skel->progs.PROG);	\
									\
		for (int i_ = 0; i_ < NR_ASKERS; i_++)			\
			ASSERT_EQ(0, start_worker(self, RUN,		\
						  (void *)fd_));	\
	} while (0)

static void print_race(const struct walk_shared *shared)
{
	static const char *const by[2] = { "kfunc", "walk" };

	for (int i = 0; i < 2; i++)
		printf("# %s: %llu results, %llu of a third task, %llu -ENOENT\n", by[i],
		       shared->races[i], shared->lost[i], shared->gone[i]);
	printf("# kfunc: %llu -EBUSY, walk: %llu -EFAULT\n", shared->busy, shared->faults);
}

/*
 * A task ends, and others start, while programs that may sleep read its pid
 * namespace. The kfunc returns that namespace, or -ENOENT.
 */
TEST_F_TIMEOUT(walk, a_task_that_ends, TIMEOUT)
{
	struct bpf_ns_ident ident;

	SKIP_WITHOUT("CONFIG_PID_NS");
	load_race(race_end, 1 << 16);
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	for (int i = 0; i < ROUNDS; i++) {
		ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
		ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
		self->shared->inos[0] = ident.ino;
		self->shared->victim = self->task.pid;
		start_askers(race_end, run_prog);
		usleep(50000);
		ns_stop(&self->task);
		ASSERT_EQ(0, ns_call(&self->other, do_fork_many, NULL));
		end_workers(self);
	}
	print_race(self->shared);
	EXPECT_NE(0, self->shared->races[0]);
	EXPECT_EQ(0, self->shared->lost[0]);
}

static int make_uts(int *fd, struct bpf_ns_ident *ident)
{
	struct ns_task task;
	int err = ns_start(&task, NULL, CLONE_NEWUTS);

	if (err)
		return err;
	*fd = ns_open(task.pid, "uts");
	err = *fd < 0 ? *fd : ns_ident_fd(*fd, ident);
	ns_stop(&task);
	return err;
}

/* Changes between two namespaces. */
static void move_between(void *arg)
{
	const int *fds = arg;

	for (int i = 0; i < 1000; i++)
		setns(fds[i % 2], CLONE_NEWUTS);
}

static void move_on_first_cpu(void *arg)
{
	stay_on_cpu(false);
	move_between(arg);
}

static void run_on_last_cpu(void *fd)
{
	stay_on_cpu(true);
	run_prog(fd);
}

/*
 * A task changes its namespace, while programs read it. Another task on the same
 * CPU gets the memory of a freed nsproxy.
 */
TEST_F_TIMEOUT(walk, a_task_that_moves, TIMEOUT)
{
	struct bpf_ns_ident ident[4], now;
	int fds[4];

	SKIP_WITHOUT("CONFIG_UTS_NS");
	load_race(race_move, 1 << 16);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, make_uts(&fds[i], &ident[i]));
	self->shared->inos[0] = ident[0].ino;
	self->shared->inos[1] = ident[1].ino;
	ASSERT_EQ(0, start_worker(self, move_on_first_cpu, fds));
	ASSERT_EQ(0, start_worker(self, move_on_first_cpu, fds + 2));
	/* It starts in the namespace of this process. */
	do {
		ASSERT_EQ(0, ns_ident(self->workers[0], "uts", &now));
	} while (now.ino != ident[0].ino && now.ino != ident[1].ino);
	self->shared->victim = self->workers[0];
	start_askers(race_move, run_on_last_cpu);
	sleep(is_torture() ? 30 : 1);
	end_workers(self);
	print_race(self->shared);
	EXPECT_NE(0, self->shared->races[0]);
	EXPECT_EQ(0, self->shared->lost[0]);
}

NS_TEST_MAIN(MODULE)
