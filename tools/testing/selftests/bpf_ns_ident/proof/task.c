// SPDX-License-Identifier: GPL-2.0
/*
 * The results of bpf_task_pidns_ident(), bpf_task_ns_ident() and
 * bpf_task_pid_tgid_in() for another task than the current one equal those of
 * stat(2), NS_GET_ID and /proc/PID/status for the same task.
 */
#include <errno.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "task_util.h"

FIXTURE(task)
{
	struct probe probe;
	struct asked *asked;
	struct ns_task outer;	/* in a container */
	struct ns_task task;	/* in a container nested in that one */
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
	ASSERT_EQ(0, ns_start(&self->outer, NULL, ALL_NS));
}

FIXTURE_TEARDOWN(task)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	ns_stop(&self->outer);
	probe_close(&self->probe);
}

#define load_two(NAME, SECOND)						\
	do {								\
		ASSERT_EQ(0, task_load(&self->probe, NAME, SECOND,	\
				       &self->asked)) {			\
			TH_LOG("%s", probe_log);			\
		}							\
		self->asked->initial = self->initial;			\
	} while (0)

#define open_task(NAME)							\
	do {								\
		load_two(NAME, NULL);					\
		self->probe.link = bpf_program__attach(self->probe.prog); \
		ASSERT_NE(NULL, self->probe.link);			\
	} while (0)

/* Waits until the program has run. */
static bool wait_for_answer(struct asked *asked)
{
	for (int i = 0; i < 20000; i++) {
		if (__atomic_load_n(&asked->calls, __ATOMIC_ACQUIRE))
			return true;
		usleep(1000);
	}
	return false;
}

static void expect_same(struct __test_metadata *_metadata,
			const struct task_answer *want,
			const struct task_answer *got)
{
	const char *text = task_differs(want, got);

	EXPECT_EQ(NULL, text) {
		TH_LOG("%s", text);
	}
}

/* Compares the results for a task in a pid namespace of its own. */
static void expect_answer(struct __test_metadata *_metadata,
			  const struct asked *asked, pid_t pid)
{
	struct task_answer want;

	ASSERT_EQ(0, task_read(pid, &want));
	EXPECT_NE(want.own, want.initial);
	expect_same(_metadata, &want, &asked->answer);
}

/* The same, if the program cannot be preempted, or its task waits for a lock. */
static void expect_atomic(struct __test_metadata *_metadata,
			  const struct asked *asked, pid_t pid)
{
	struct task_answer want;

	ASSERT_EQ(0, task_read(pid, &want));
	EXPECT_NE(want.own, want.initial);
	if (is_preempt_rt())
		task_make_busy(&want);
	expect_same(_metadata, &want, &asked->answer);
}

/* The same, from a program that cannot get the lock. */
static void expect_busy(struct __test_metadata *_metadata,
			const struct asked *asked, pid_t pid)
{
	struct task_answer want;

	ASSERT_EQ(0, task_read(pid, &want));
	task_make_busy(&want);
	expect_same(_metadata, &want, &asked->answer);
}

/* A released task only has its user namespace. */
static void expect_released(struct __test_metadata *_metadata,
			    const struct asked *asked, pid_t tgid,
			    const struct task_answer *alive)
{
	struct task_answer want = {
		.tgid = tgid,
		.pid = asked->answer.pid,
		.err = -ENOENT,
		.own = -ESRCH,
		.initial = -ESRCH,
	};

	for (int i = 0; i < NR_NS_TYPES; i++) {
		if (ns_types[i].flag == CLONE_NEWUSER)
			want.ns[i] = alive->ns[i];
		else
			want.ns[i].err = -ENOENT;
	}
	expect_same(_metadata, &want, &asked->answer);
}

/* A child that its parent creates in new namespaces. */
#define TEST_CHILD(NAME, EXPECT)					\
	TEST_F(task, NAME)						\
	{								\
		open_task(#NAME);					\
		task_aim(&self->probe, self->asked, self->outer.pid);	\
		ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS)); \
		EXPECT_EQ(1, self->asked->calls);			\
		EXPECT_EQ(self->outer.pid,				\
			  self->asked->answer.current_pid);		\
		EXPECT(_metadata, self->asked, self->task.pid);		\
	}

TEST_CHILD(fork_child, expect_answer)
TEST_CHILD(newtask, expect_answer)
TEST_CHILD(wakeup_new, expect_atomic)

/* The new task still has the namespaces of its parent. */
TEST_F(task, alloc)
{
	SKIP_WITHOUT_BPF_LSM();
	open_task("alloc");
	task_aim(&self->probe, self->asked, self->outer.pid);
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, CLONE_NEWPID));
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->outer.pid);
}

TEST_F(task, switch_prev)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("switch_prev");
	task_aim(&self->probe, self->asked, self->task.pid);
	/* The task waits for the next call. */
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_TRUE(wait_for_answer(self->asked));
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, switch_next)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("switch_next");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_NE(self->task.pid, self->asked->answer.current_pid);
	expect_atomic(_metadata, self->asked, self->task.pid);
}

/* A signal that is ignored. */
TEST_F(task, signal_target)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("signal_target");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGURG));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(getpid(), self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, kill_target)
{
	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("kill_target");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, 0));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(getpid(), self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, process_free)
{
	struct task_answer alive;
	pid_t pid;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	pid = self->task.pid;
	ASSERT_EQ(0, task_read(pid, &alive));
	open_task("process_free");
	task_aim(&self->probe, self->asked, pid);
	ns_stop(&self->task);
	ASSERT_TRUE(wait_for_answer(self->asked));
	EXPECT_EQ(pid, self->asked->answer.pid);
	expect_released(_metadata, self->asked, pid, &alive);
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

/* A thread is released without wait(2). Its process continues. */
TEST_F(task, process_free_of_a_thread)
{
	struct task_answer alive;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	open_task("process_free");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, do_exit_thread, NULL));
	ASSERT_TRUE(wait_for_answer(self->asked));
	EXPECT_NE(self->task.pid, self->asked->answer.pid);
	ASSERT_EQ(0, task_read(self->task.pid, &alive));
	expect_released(_metadata, self->asked, self->task.pid, &alive);
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
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	load_two("from_pid", NULL);
	task_aim(&self->probe, self->asked, self->task.pid);
	expect_run("from_pid");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

/* A zombie. */
TEST_F(task, from_pid_of_a_zombie)
{
	siginfo_t info;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	load_two("from_pid", NULL);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, waitid(P_PID, self->task.pid, &info, WEXITED | WNOWAIT));
	task_aim(&self->probe, self->asked, self->task.pid);
	expect_run("from_pid");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, open_coded_iterator)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	load_two("open_coded_iterator", NULL);
	task_aim(&self->probe, self->asked, self->task.pid);
	expect_run("open_coded_iterator");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->task.pid);
}

TEST_F(task, parent_under_rcu)
{
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	load_two("parent_under_rcu", NULL);
	task_aim(&self->probe, self->asked, self->task.pid);
	expect_run("parent_under_rcu");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, self->outer.pid);
}

/* A program gets a reference to a task before the release of the task. */
TEST_F(task, in_a_map)
{
	struct task_answer alive;
	pid_t pid;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	pid = self->task.pid;
	load_two("hold", "ask_held");
	task_aim(&self->probe, self->asked, pid);
	expect_run("hold");
	expect_run("ask_held");
	EXPECT_EQ(1, self->asked->calls);
	expect_answer(_metadata, self->asked, pid);
	ASSERT_EQ(0, task_read(pid, &alive));

	ns_stop(&self->task);
	task_aim(&self->probe, self->asked, pid);
	expect_run("ask_held");
	EXPECT_EQ(1, self->asked->calls);
	expect_released(_metadata, self->asked, pid, &alive);
}

#define TEST_PARENT(NAME, OPTION, EXPECT)				\
	TEST_F(task, NAME)						\
	{								\
		SKIP_WITHOUT(OPTION);					\
		ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS)); \
		open_task(#NAME);					\
		task_aim(&self->probe, self->asked, self->task.pid);		\
		ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL)); \
		EXPECT_EQ(1, self->asked->calls);			\
		EXPECT_EQ(self->task.pid,				\
			  self->asked->answer.current_pid);		\
		EXPECT(_metadata, self->asked, self->outer.pid);	\
	}

TEST_PARENT(parent_in_kprobe, "CONFIG_KPROBE_EVENTS", expect_atomic)
TEST_PARENT(parent_in_tp, "CONFIG_FTRACE_SYSCALLS", expect_answer)
TEST_PARENT(parent_in_raw_tp, "CONFIG_TRACEPOINTS", expect_answer)

static unsigned int pi_futex;

static long use_futex(int op)
{
	return syscall(SYS_futex, &pi_futex, op | FUTEX_PRIVATE_FLAG, 0, NULL);
}

/* Keeps the lock until somebody waits, and a while longer. */
static void *hold_futex(void *owns)
{
	int result = use_futex(FUTEX_LOCK_PI) ? -errno : 1;

	__atomic_store_n((int *)owns, result, __ATOMIC_RELEASE);
	if (result < 0)
		return NULL;
	while (!(__atomic_load_n(&pi_futex, __ATOMIC_RELAXED) & FUTEX_WAITERS))
		usleep(1000);
	usleep(50000);
	use_futex(FUTEX_UNLOCK_PI);
	return NULL;
}

static int do_wait_for_lock(void *unused)
{
	int err, result, owns = 0;
	pthread_t id;

	err = -pthread_create(&id, NULL, hold_futex, &owns);
	if (err)
		return err;
	while (!(result = __atomic_load_n(&owns, __ATOMIC_ACQUIRE)))
		usleep(1000);
	if (result > 0 && (use_futex(FUTEX_LOCK_PI) || use_futex(FUTEX_UNLOCK_PI)))
		result = -errno;
	err = -pthread_join(id, NULL);
	return result < 0 ? result : err;
}

/* A task that waits for a lock that inherits priorities, as all do with PREEMPT_RT. */
TEST_F(task, parent_while_blocked)
{
	SKIP_WITHOUT("CONFIG_FUTEX_PI");
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("parent_while_blocked");
	task_aim(&self->probe, self->asked, self->task.pid);
	/* The lock may be free again before the task would sleep. */
	for (int i = 0; i < 100 && !self->asked->calls; i++)
		ASSERT_EQ(0, ns_call(&self->task, do_wait_for_lock, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_EQ(self->task.pid, self->asked->answer.current_pid);
	expect_atomic(_metadata, self->asked, self->outer.pid);
}

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

	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	load_two("parent_in_perf_event", NULL);
	task_aim(&self->probe, self->asked, self->task.pid);
	fd = syscall(SYS_perf_event_open, &attr, self->task.pid, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	ASSERT_LE(0, fd);
	self->probe.link = bpf_program__attach_perf_event(self->probe.prog, fd);
	ASSERT_NE(NULL, self->probe.link);
	ASSERT_EQ(0, ns_call(&self->task, do_spin, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_EQ(self->task.pid, self->asked->answer.current_pid);
	expect_atomic(_metadata, self->asked, self->outer.pid);
}

/* prlimit(2) calls the hook task_setrlimit with the lock of the task held. */
static int do_set_limit(void *unused)
{
	struct rlimit limit;

	return prlimit(0, RLIMIT_CORE, NULL, &limit) ||
	       prlimit(0, RLIMIT_CORE, &limit, NULL) ? -errno : 0;
}

TEST_F(task, lock_is_held_by_current)
{
	struct rlimit limit;

	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	ASSERT_EQ(0, prlimit(self->task.pid, RLIMIT_CORE, NULL, &limit));
	open_task("lock_holder");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, prlimit(self->task.pid, RLIMIT_CORE, &limit, NULL));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(getpid(), self->asked->answer.current_pid);
	if (locks_have_state())
		expect_busy(_metadata, self->asked, self->task.pid);
	else
		expect_answer(_metadata, self->asked, self->task.pid);
}

/* The current task needs no lock. */
TEST_F(task, lock_of_current_is_held)
{
	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	open_task("lock_holder");
	task_aim(&self->probe, self->asked, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, do_set_limit, NULL));
	EXPECT_EQ(1, self->asked->calls);
	EXPECT_EQ(self->task.pid, self->asked->answer.current_pid);
	expect_answer(_metadata, self->asked, self->task.pid);
}

#ifdef __x86_64__
#define KPROBES_OPTIMIZATION "/proc/sys/debug/kprobes-optimization"

/* After the call of ftrace, with and without the instruction for IBT. */
static struct bpf_link *attach_breakpoint(struct bpf_program *prog)
{
	static const size_t offsets[] = { 9, 5 };
	struct bpf_link *link = NULL;

	for (size_t i = 0; i < 2 && !link; i++) {
		LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset = offsets[i]);

		link = bpf_program__attach_kprobe_opts(prog, "__x64_sys_getpgid",
						       &opts);
	}
	return link;
}

TEST_F(task, parent_in_nmi)
{
	SKIP_WITHOUT("CONFIG_KPROBE_EVENTS");
	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	load_two("parent_in_nmi", NULL);
	/* Otherwise the kernel may replace the breakpoint by a jump. */
	write_file(KPROBES_OPTIMIZATION, "0");
	self->probe.link = attach_breakpoint(self->probe.prog);
	ASSERT_NE(NULL, self->probe.link);
	task_aim(&self->probe, self->asked, self->task.pid);
	EXPECT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	write_file(KPROBES_OPTIMIZATION, "1");
	EXPECT_EQ(1, self->asked->calls);
	expect_busy(_metadata, self->asked, self->outer.pid);
}
#endif

/*
 * Values that are not exactly one type, for another task and for the current
 * one.
 */
TEST_F(task, not_a_type)
{
	static const __u32 flags[NR_NS_TYPES] = {
		0, CLONE_NEWPID | CLONE_NEWNET, ~0, CLONE_VM, CLONE_NEWUSER + 1,
		1U << 31, CLONE_NEWTIME >> 1, ALL_NS,
	};
	pid_t pids[2];

	ASSERT_EQ(0, ns_start(&self->task, &self->outer, NESTED_NS));
	pids[0] = self->task.pid;
	pids[1] = getpid();
	load_two("from_pid", NULL);
	for (int i = 0; i < 2; i++) {
		struct task_answer want;

		memcpy(self->asked->ns_types, flags, sizeof(flags));
		task_aim(&self->probe, self->asked, pids[i]);
		expect_run("from_pid");
		ASSERT_EQ(0, task_read(pids[i], &want));
		for (int j = 0; j < NR_NS_TYPES; j++)
			want.ns[j] = (struct ns_answer){ .err = -EINVAL };
		expect_same(_metadata, &want, &self->asked->answer);
	}
}

/* A task moves back and forth between the namespaces of two others. */
static struct setns_loop {
	bool stop;
	int fds[2][NR_NS_TYPES];
} *setns_loop;

static int do_move(void *unused)
{
	stay_on_cpu(false);
	for (int i = 0; !__atomic_load_n(&setns_loop->stop, __ATOMIC_RELAXED); i ^= 1)
		for (int j = 0; j < NR_NS_TYPES; j++)
			if (ns_types[j].in_proxy &&
			    setns(setns_loop->fds[i][j], ns_types[j].flag))
				return -errno;
	return 0;
}

static bool is_ident(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b)
{
	return !memcmp(a, b, sizeof(*a));
}

#define NR_LOOKS 5000

TEST_F_TIMEOUT(task, in_the_middle_of_setns, 120)
{
	struct task_answer before, ends[2];
	int i, j, nr_busy = 0, nr_at[2] = {};

	ASSERT_EQ(0, ns_start(&self->other, NULL, ALL_NS));
	setns_loop = ns_alloc(sizeof(*setns_loop));
	ASSERT_NE(NULL, setns_loop);
	for (j = 0; j < NR_NS_TYPES; j++) {
		setns_loop->fds[0][j] = ns_open(self->outer.pid, ns_types[j].name);
		setns_loop->fds[1][j] = ns_open(self->other.pid, ns_types[j].name);
	}
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, task_read(self->task.pid, &before));
	ASSERT_EQ(0, task_read(self->outer.pid, &ends[0]));
	ASSERT_EQ(0, task_read(self->other.pid, &ends[1]));

	load_two("from_pid", NULL);
	stay_on_cpu(true);
	ASSERT_EQ(0, ns_call_begin(&self->task, -1, do_move, NULL));
	for (i = 0; i < NR_LOOKS; i++) {
		task_aim(&self->probe, self->asked, self->task.pid);
		expect_run("from_pid");
		for (j = 0; j < NR_NS_TYPES; j++) {
			const struct ns_answer *ns = &self->asked->answer.ns[j];

			if (ns_types[j].in_proxy && ns->err == -EBUSY) {
				nr_busy++;
				continue;
			}
			ASSERT_EQ(0, ns->err);
			if (is_ident(&ns->ident, &before.ns[j].ident))
				continue;
			if (is_ident(&ns->ident, &ends[0].ns[j].ident))
				nr_at[0]++;
			else if (is_ident(&ns->ident, &ends[1].ns[j].ident))
				nr_at[1]++;
			else
				ASSERT_TRUE(false) {
					TH_LOG("%s: %llu %llu %llu is neither",
					       ns_types[j].name, ns->ident.dev,
					       ns->ident.ino, ns->ident.id);
				}
		}
	}
	__atomic_store_n(&setns_loop->stop, true, __ATOMIC_RELAXED);
	EXPECT_EQ(0, ns_call_end(&self->task));
	EXPECT_LT(0, nr_at[0]);
	EXPECT_LT(0, nr_at[1]);
	TH_LOG("%d here, %d there, %d times -EBUSY", nr_at[0], nr_at[1], nr_busy);
}

/* A task creates namespaces all the time, and records their identities. */
#define NR_UNSHARES 100

static struct unshares {
	int nr;
	struct bpf_ns_ident ns[NR_UNSHARES][NR_NS_TYPES];
} *unshares;

static int do_unshare_often(void *unused)
{
	const int often = CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET |
			  CLONE_NEWNS | CLONE_NEWUTS;
	/* The ids stay unmapped, and pid and time apply to children. */
	const int once = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME;
	int i, j, err;

	stay_on_cpu(false);
	for (i = 0; i < NR_UNSHARES; i++) {
		if (unshare(i ? often : often | once))
			return -errno;
		for (j = 0; j < NR_NS_TYPES; j++) {
			err = ns_ident(getpid(), ns_types[j].name,
				       &unshares->ns[i][j]);
			if (err)
				return err;
		}
		__atomic_store_n(&unshares->nr, i + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

TEST_F_TIMEOUT(task, in_the_middle_of_unshare, 120)
{
	int i, j, nr = 0, nr_busy = 0, nr_new = 0;
	struct task_answer *looks, before;

	looks = calloc(NR_LOOKS, sizeof(*looks));
	ASSERT_NE(NULL, looks);
	unshares = ns_alloc(sizeof(*unshares));
	ASSERT_NE(NULL, unshares);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, task_read(self->task.pid, &before));

	load_two("from_pid", NULL);
	stay_on_cpu(true);
	ASSERT_EQ(0, ns_call_begin(&self->task, -1, do_unshare_often, NULL));
	while (nr < NR_LOOKS &&
	       __atomic_load_n(&unshares->nr, __ATOMIC_ACQUIRE) < NR_UNSHARES) {
		task_aim(&self->probe, self->asked, self->task.pid);
		expect_run("from_pid");
		looks[nr++] = self->asked->answer;
	}
	ASSERT_EQ(0, ns_call_end(&self->task));

	while (nr--) {
		for (j = 0; j < NR_NS_TYPES; j++) {
			const struct ns_answer *ns = &looks[nr].ns[j];

			if (ns_types[j].in_proxy && ns->err == -EBUSY) {
				nr_busy++;
				continue;
			}
			ASSERT_EQ(0, ns->err);
			if (is_ident(&ns->ident, &before.ns[j].ident))
				continue;
			for (i = 0; i < NR_UNSHARES; i++)
				if (is_ident(&ns->ident, &unshares->ns[i][j]))
					break;
			ASSERT_GT(NR_UNSHARES, i) {
				TH_LOG("%s: %llu %llu %llu is none of its own",
				       ns_types[j].name, ns->ident.dev,
				       ns->ident.ino, ns->ident.id);
			}
			nr_new++;
		}
	}
	EXPECT_LT(0, nr_new);
	TH_LOG("%d new ones, %d times -EBUSY", nr_new, nr_busy);
	free(looks);
}

/* Programs that are rejected. */
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
/* The rest of the message differs from Linux 7.2. */
REFUSED(released, -EINVAL, "STRUCT task_struct");
REFUSED(another_structure, -EINVAL, "expected pointer to STRUCT task_struct");
REFUSED(argument_of_fentry, -EINVAL, "R1 must be a rcu pointer");
REFUSED(task_free, -EINVAL, "R1 must be a rcu pointer", .is_lsm = true);
REFUSED(in_tc, -EACCES, " is not allowed");
REFUSED(in_xdp, -EACCES, " is not allowed");

static void expect_refused(struct __test_metadata *_metadata,
			   FIXTURE_DATA(refused) *self,
			   const FIXTURE_VARIANT(refused) *variant,
			   enum task_kfunc kfunc, const char *name)
{
	struct bpf_map *map;
	size_t size;
	__u32 *choice;

	if (variant->is_lsm)
		SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, task_prepare(&self->probe, variant->name, NULL));
	map = bpf_object__find_map_by_name(self->probe.obj, ".rodata");
	choice = bpf_map__initial_value(map, &size);
	ASSERT_EQ(sizeof(*choice), size);
	*choice = kfunc;
	EXPECT_EQ(variant->err, probe_finish(&self->probe));
	EXPECT_NE(NULL, strstr(probe_log, variant->message)) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_NE(NULL, strstr(probe_log, name));
}

TEST_F(refused, by_pidns)
{
	expect_refused(_metadata, self, variant, TRY_PIDNS_IDENT,
		       "bpf_task_pidns_ident");
}

TEST_F(refused, by_ns)
{
	expect_refused(_metadata, self, variant, TRY_NS_IDENT,
		       "bpf_task_ns_ident");
}

TEST_F(refused, by_pid_tgid)
{
	expect_refused(_metadata, self, variant, TRY_PID_TGID_IN,
		       "bpf_task_pid_tgid_in");
}

NS_TEST_MAIN(MODULE)
