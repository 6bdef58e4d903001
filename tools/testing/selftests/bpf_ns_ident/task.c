// SPDX-License-Identifier: GPL-2.0
/*
 * What bpf_task_pidns_ident() and bpf_task_pid_tgid_in() say of a task that is
 * not the current one is what stat(2), NS_GET_ID and /proc/PID/status say of it.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "task.h"

#define PID_TGID(TGID, PID) ((__s64)(TGID) << 32 | (PID))

FIXTURE(task)
{
	struct probe probe;
	struct asked *asked;
	struct ns_task outer;	/* in a container */
	struct ns_task task;	/* of another one, nested in that */
	struct ns_task other;
	struct bpf_ns_ident initial;
};

FIXTURE_SETUP(task)
{
	self->outer.sock = -1;
	self->task.sock = -1;
	self->other.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->initial));
	ASSERT_EQ(0, ns_start(&self->outer, NULL, CLONE_NEWPID));
}

FIXTURE_TEARDOWN(task)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	ns_stop(&self->outer);
	probe_close(&self->probe);
}

/* Chooses one of the programs, or two. */
static int prepare_progs(struct probe *probe, const char *name,
			 const char *second)
{
	struct bpf_program *prog;
	int err;

	err = probe_prepare(probe, "task");
	if (err)
		return err;
	probe->prog = bpf_object__find_program_by_name(probe->obj, name);
	if (!probe->prog)
		return -ENOENT;
	bpf_program__set_autoload(probe->prog, true);
	if (second) {
		prog = bpf_object__find_program_by_name(probe->obj, second);
		if (!prog)
			return -ENOENT;
		bpf_program__set_autoload(prog, true);
	}
	return 0;
}

static int load_progs(struct probe *probe, const char *name, const char *second)
{
	return prepare_progs(probe, name, second) ?: probe_finish(probe);
}

#define load_two(NAME, SECOND)						\
	do {								\
		struct bpf_map *map;					\
		size_t size;						\
									\
		ASSERT_EQ(0, load_progs(&self->probe, NAME, SECOND)) {	\
			TH_LOG("%s", probe_log);			\
		}							\
		map = bpf_object__find_map_by_name(self->probe.obj,	\
						   ".data.asked");	\
		self->asked = bpf_map__initial_value(map, &size);	\
		ASSERT_EQ(sizeof(*self->asked), size);			\
		self->asked->initial = self->initial;			\
	} while (0)

#define open_task(NAME)							\
	do {								\
		load_two(NAME, NULL);					\
		self->probe.link = bpf_program__attach(self->probe.prog); \
		ASSERT_NE(NULL, self->probe.link);			\
	} while (0)

static void aim(struct probe *probe, struct asked *asked, pid_t pid)
{
	asked->answer = (struct task_answer){
		.ident = { POISON, POISON, POISON },
		.own = POISON,
		.initial = POISON,
		.err = POISON_ERR,
	};
	asked->calls = 0;
	probe_target(probe, pid);
}

/* Waits for what others do. */
static bool wait_for_answer(struct asked *asked)
{
	for (int i = 0; i < 20000; i++) {
		if (__atomic_load_n(&asked->calls, __ATOMIC_ACQUIRE))
			return true;
		usleep(1000);
	}
	return false;
}

/* What userspace says of a task, by its thread id. */
static int read_answer(pid_t pid, struct task_answer *answer)
{
	struct ns_ids ids;
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	err = ns_read_ids(path, &ids) ?: ns_ident(pid, "pid", &answer->ident);
	if (err)
		return err;
	answer->tgid = ids.tgid[0];
	answer->pid = ids.pid[0];
	answer->err = 0;
	answer->own = PID_TGID(ids.tgid[ids.nr - 1], ids.pid[ids.nr - 1]);
	answer->initial = PID_TGID(ids.tgid[0], ids.pid[0]);
	return 0;
}

static void expect_same(struct __test_metadata *_metadata,
			const struct task_answer *want,
			const struct task_answer *got)
{
	EXPECT_EQ(want->tgid, got->tgid);
	EXPECT_EQ(want->pid, got->pid);
	EXPECT_EQ(want->err, got->err);
	EXPECT_EQ(want->ident.dev, got->ident.dev);
	EXPECT_EQ(want->ident.ino, got->ident.ino);
	EXPECT_EQ(want->ident.id, got->ident.id);
	EXPECT_EQ(want->own, got->own);
	EXPECT_EQ(want->initial, got->initial);
}

/* Of a task in a pid namespace of its own, so that it is not that of another. */
static void expect_answer(struct __test_metadata *_metadata,
			  const struct asked *asked, pid_t pid)
{
	struct task_answer want;

	ASSERT_EQ(0, read_answer(pid, &want));
	EXPECT_NE(want.own, want.initial);
	expect_same(_metadata, &want, &asked->answer);
}

/* A task that has been released is nowhere. */
static void expect_released(struct __test_metadata *_metadata,
			    const struct asked *asked, pid_t tgid)
{
	const struct task_answer want = {
		.tgid = tgid,
		.pid = asked->answer.pid,
		.err = -ENOENT,
		.own = -ESRCH,
		.initial = -ESRCH,
	};

	expect_same(_metadata, &want, &asked->answer);
}

/* A child that its parent makes in a pid namespace that is new, too. */
#define TEST_CHILD(NAME)						\
	TEST_F(task, NAME)						\
	{								\
		open_task(#NAME);					\
		aim(&self->probe, self->asked, self->outer.pid);	\
		ASSERT_EQ(0, ns_start(&self->task, &self->outer,	\
				      CLONE_NEWPID));			\
		EXPECT_EQ(1, self->asked->calls);			\
		EXPECT_EQ(self->outer.pid,				\
			  self->asked->answer.current_pid);		\
		expect_answer(_metadata, self->asked, self->task.pid);	\
	}

TEST_CHILD(fork_child)
TEST_CHILD(newtask)
TEST_CHILD(wakeup_new)

/* What the new task has from its parent by then is all that there is. */
TEST_F(task, alloc)
{
	SKIP_WITHOUT_BPF_LSM();
	open_task("alloc");
	aim(&self->probe, self->asked, self->outer.pid);
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->outer.pid);
}

TEST_F(task, switch_prev)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	open_task("switch_prev");
	aim(&self->probe, self->asked, self->task.pid);
	/* It waits for the next call. */
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_TRUE(wait_for_answer(self->asked));
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, switch_next)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	open_task("switch_next");
	aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_NE(self->task.pid, self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

/* A signal that is ignored. */
TEST_F(task, signal_target)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	open_task("signal_target");
	aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGURG));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(getpid(), self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, kill_target)
{
	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	open_task("kill_target");
	aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, 0));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(getpid(), self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, process_free)
{
	pid_t pid;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	pid = self->task.pid;
	open_task("process_free");
	aim(&self->probe, self->asked, pid);
	ns_stop(&self->task);
	ASSERT_TRUE(wait_for_answer(self->asked));
	EXPECT_EQ(pid, self->asked->answer.pid);
	expect_released(_metadata, self->asked, pid);
}

static void *nothing(void *unused)
{
	return NULL;
}

static int do_exit_thread(void *unused)
{
	pthread_t id;

	return -pthread_create(&id, NULL, nothing, NULL) ?:
	       -pthread_join(id, NULL);
}

/* Nobody waits for a thread. Its process goes on. */
TEST_F(task, process_free_of_a_thread)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	open_task("process_free");
	aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, do_exit_thread, NULL));
	ASSERT_TRUE(wait_for_answer(self->asked));
	EXPECT_NE(self->task.pid, self->asked->answer.pid);
	expect_released(_metadata, self->asked, self->task.pid);
}

static int run(struct probe *probe, const char *name)
{
	struct bpf_program *prog;

	prog = bpf_object__find_program_by_name(probe->obj, name);
	return run_syscall_prog(bpf_program__fd(prog), NULL, 0);
}

#define expect_run(NAME) EXPECT_EQ(0, run(&self->probe, NAME))

TEST_F(task, from_pid)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	load_two("from_pid", NULL);
	aim(&self->probe, self->asked, self->task.pid);
	expect_run("from_pid");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

/* Dead, but not yet waited for. */
TEST_F(task, from_pid_of_a_zombie)
{
	siginfo_t info;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	load_two("from_pid", NULL);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, self->task.pid, &info, WEXITED | WNOWAIT));
	aim(&self->probe, self->asked, self->task.pid);
	expect_run("from_pid");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, open_coded_iterator)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	load_two("open_coded_iterator", NULL);
	aim(&self->probe, self->asked, self->task.pid);
	expect_run("open_coded_iterator");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, parent_under_rcu)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	load_two("parent_under_rcu", NULL);
	aim(&self->probe, self->asked, self->task.pid);
	expect_run("parent_under_rcu");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->outer.pid);
}

/* A program has a reference to a task that lives, and that is released then. */
TEST_F(task, in_a_map)
{
	pid_t pid;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	pid = self->task.pid;
	load_two("hold", "ask_held");
	aim(&self->probe, self->asked, pid);
	expect_run("hold");
	expect_run("ask_held");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, pid);

	ns_stop(&self->task);
	aim(&self->probe, self->asked, pid);
	expect_run("ask_held");
	EXPECT_EQ(1, self->asked->calls);
	expect_released(_metadata, self->asked, pid);
}

#define TEST_PARENT(NAME, OPTION)					\
	TEST_F(task, NAME)						\
	{								\
		SKIP_WITHOUT(OPTION);					\
		ASSERT_EQ(0, ns_start(&self->task, &self->outer,	\
				      CLONE_NEWPID));			\
		open_task(#NAME);					\
		aim(&self->probe, self->asked, self->task.pid);		\
		ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL)); \
		EXPECT_EQ(1, self->asked->calls);			\
		EXPECT_EQ(self->task.pid,				\
			  self->asked->answer.current_pid);		\
		expect_answer(_metadata, self->asked, self->outer.pid);	\
	}

TEST_PARENT(parent_in_kprobe, "CONFIG_KPROBE_EVENTS")
TEST_PARENT(parent_in_tp, "CONFIG_FTRACE_SYSCALLS")
TEST_PARENT(parent_in_raw_tp, "CONFIG_TRACEPOINTS")

/* Long enough for some interrupts. */
static int do_spin(void *unused)
{
	clock_t end = clock() + CLOCKS_PER_SEC / 5;

	while (clock() < end)
		;
	return 0;
}

/* In an interrupt, on top of the task. */
TEST_F(task, parent_in_perf_event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};
	int fd;

	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	load_two("parent_in_perf_event", NULL);
	aim(&self->probe, self->asked, self->task.pid);
	fd = syscall(SYS_perf_event_open, &attr, self->task.pid, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	ASSERT_LE(0, fd);
	self->probe.link = bpf_program__attach_perf_event(self->probe.prog, fd);
	ASSERT_NE(NULL, self->probe.link);
	ASSERT_EQ(0, ns_call(&self->task, do_spin, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_EQ(self->task.pid, self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->outer.pid);
}

/* A snapshot of all tasks, as an agent begins with. */
#define NR_CONTAINERS 10
#define NR_TASKS 4		/* in each of them */
#define MAX_TASKS 4096

static int compare_pids(const void *a, const void *b)
{
	return *(const pid_t *)a - *(const pid_t *)b;
}

/* All threads that /proc has. */
static int scan_tasks(pid_t pids[MAX_TASKS])
{
	struct dirent *process, *thread;
	DIR *processes, *threads;
	char path[300];
	int nr = 0;

	processes = opendir("/proc");
	if (!processes)
		return -errno;
	while ((process = readdir(processes))) {
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		threads = atoi(process->d_name) ? opendir(path) : NULL;
		while (threads && (thread = readdir(threads)))
			if (atoi(thread->d_name) && nr < MAX_TASKS)
				pids[nr++] = atoi(thread->d_name);
		if (threads)
			closedir(threads);
	}
	closedir(processes);
	qsort(pids, nr, sizeof(*pids), compare_pids);
	return nr;
}

static int iterate(struct probe *probe, struct task_answer rows[MAX_TASKS])
{
	const size_t max = MAX_TASKS * sizeof(*rows);
	int fd = bpf_iter_create(bpf_link__fd(probe->link));
	size_t size = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	do {
		got = read(fd, (char *)rows + size, max - size);
		size += got > 0 ? got : 0;
	} while (got > 0 && size < max);
	close(fd);
	if (got < 0)
		return -errno;
	return size % sizeof(*rows) ? -EPROTO : size / sizeof(*rows);
}

static void *wait_forever(void *unused)
{
	pause();
	return NULL;
}

static int do_add_thread(void *unused)
{
	pthread_t id;

	return -pthread_create(&id, NULL, wait_forever, NULL);
}

TEST_F(task, all_tasks)
{
	struct task_answer *rows = calloc(MAX_TASKS, sizeof(*rows));
	struct ns_task tasks[NR_CONTAINERS][NR_TASKS];
	pid_t *pids = calloc(MAX_TASKS, sizeof(*pids));
	int nr_rows, nr_pids, row, i, j, nr_foreign = 0;
	struct task_answer want;

	ASSERT_NE(NULL, rows);
	ASSERT_NE(NULL, pids);
	for (i = 0; i < NR_CONTAINERS; i++) {
		for (j = 0; j < NR_TASKS; j++)
			ASSERT_EQ(0, ns_start(&tasks[i][j],
					      j ? &tasks[i][0] : NULL,
					      j ? 0 : CLONE_NEWPID));
		ASSERT_EQ(0, ns_call(&tasks[i][1], do_add_thread, NULL));
	}

	open_task("all_tasks");
	nr_pids = scan_tasks(pids);
	ASSERT_LT(NR_CONTAINERS * NR_TASKS, nr_pids);
	ASSERT_GT(MAX_TASKS, nr_pids);
	nr_rows = iterate(&self->probe, rows);
	ASSERT_LT(NR_CONTAINERS * NR_TASKS, nr_rows);
	ASSERT_GT(MAX_TASKS, nr_rows);

	/* Others may come and go, the kernel's among them. */
	for (row = 0; row < nr_rows; row++) {
		if (read_answer(rows[row].pid, &want))
			continue;
		expect_same(_metadata, &want, &rows[row]);
		nr_foreign += want.own != want.initial;
	}
	/* Each of the containers' tasks, one thread more, and the fixture's. */
	EXPECT_EQ(NR_CONTAINERS * (NR_TASKS + 1) + 1, nr_foreign);

	for (i = 0, row = 0; i < nr_pids; i++) {
		for (row = 0; row < nr_rows; row++)
			if (rows[row].pid == pids[i])
				break;
		if (row == nr_rows)
			EXPECT_NE(0, read_answer(pids[i], &want)) {
				TH_LOG("no row for the task %d", pids[i]);
			}
	}

	for (i = 0; i < NR_CONTAINERS; i++)
		for (j = NR_TASKS; j--;)
			ns_stop(&tasks[i][j]);
	free(pids);
	free(rows);
}

/* Programs that are refused. */
FIXTURE(refused)
{
	struct probe probe;
};

FIXTURE_VARIANT(refused)
{
	const char *name;
	int err;
	const char *message;
	bool is_lsm;
};

FIXTURE_SETUP(refused)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(refused)
{
	probe_close(&self->probe);
}

#define REFUSED(NAME, ERR, MESSAGE, ...)				\
	FIXTURE_VARIANT_ADD(refused, NAME)				\
	{								\
		.name = #NAME,						\
		.err = ERR,						\
		.message = MESSAGE,					\
		__VA_ARGS__						\
	}

REFUSED(null, -EACCES, "Possibly NULL pointer passed");
REFUSED(unchecked, -EACCES, "Possibly NULL pointer passed");
REFUSED(walked_outside_rcu, -EINVAL, "R1 must be a rcu pointer");
REFUSED(beyond_rcu, -EINVAL, "R1 must be a rcu pointer");
REFUSED(not_kept_by_rcu, -EINVAL, "R1 must be a rcu pointer");
REFUSED(released, -EINVAL, "R1 is scalar expected STRUCT task_struct");
REFUSED(another_structure, -EINVAL, "expected pointer to STRUCT task_struct");
REFUSED(argument_of_fentry, -EINVAL, "R1 must be a rcu pointer");
REFUSED(task_free, -EINVAL, "R1 must be a rcu pointer", .is_lsm = true);
REFUSED(in_tc, -EACCES, " is not allowed");
REFUSED(in_xdp, -EACCES, " is not allowed");

static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(refused) *self,
			   const FIXTURE_VARIANT(refused) *variant,
			   bool by_ident)
{
	struct bpf_map *map;
	size_t size;
	bool *choice;

	if (variant->is_lsm)
		SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, prepare_progs(&self->probe, variant->name, NULL));
	map = bpf_object__find_map_by_name(self->probe.obj, ".rodata");
	choice = bpf_map__initial_value(map, &size);
	ASSERT_EQ(sizeof(*choice), size);
	*choice = by_ident;
	EXPECT_EQ(variant->err, probe_finish(&self->probe));
	EXPECT_NE(NULL, strstr(probe_log, variant->message)) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_NE(NULL, strstr(probe_log, by_ident ? "bpf_task_pidns_ident" :
						     "bpf_task_pid_tgid_in"));
}

TEST_F(refused, by_ident)
{
	expect_refused(_metadata, self, variant, true);
}

TEST_F(refused, by_pid_tgid)
{
	expect_refused(_metadata, self, variant, false);
}

NS_TEST_MAIN(MODULE)
