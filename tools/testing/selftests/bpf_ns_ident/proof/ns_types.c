// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_get_current_ns_ident() returns the values that stat(2) and NS_GET_ID return
 * for /proc/PID/ns of the task, for each namespace type.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

static const struct bpf_ns_ident none;

/* When a move to another namespace takes effect. */
enum when {
	AT_ONCE,
	FOR_CHILDREN,		/* only for later children */
	UNSHARE_FOR_CHILDREN,	/* at once by setns(), for children by unshare() */
};

struct type_info {
	const char *name;
	__u32 flag;
	enum when when;
	__u64 init_ino;
	__u64 init_id;
};

#define NS_TYPE(NAME, FLAG, WHEN, INIT)					\
	{								\
		.name = NAME,						\
		.flag = FLAG,						\
		.when = WHEN,						\
		.init_ino = INIT##_NS_INIT_INO,				\
		.init_id = INIT##_NS_INIT_ID,				\
	}

enum { CGROUP, IPC, MNT, NET, PID, TIME, USER, UTS, NR_TYPES };

static const struct type_info types[NR_TYPES] = {
	[CGROUP] = NS_TYPE("cgroup", CLONE_NEWCGROUP, AT_ONCE, CGROUP),
	[IPC] = NS_TYPE("ipc", CLONE_NEWIPC, AT_ONCE, IPC),
	[MNT] = NS_TYPE("mnt", CLONE_NEWNS, AT_ONCE, MNT),
	[NET] = NS_TYPE("net", CLONE_NEWNET, AT_ONCE, NET),
	[PID] = NS_TYPE("pid", CLONE_NEWPID, FOR_CHILDREN, PID),
	[TIME] = NS_TYPE("time", CLONE_NEWTIME, UNSHARE_FOR_CHILDREN, TIME),
	[USER] = NS_TYPE("user", CLONE_NEWUSER, AT_ONCE, USER),
	[UTS] = NS_TYPE("uts", CLONE_NEWUTS, AT_ONCE, UTS),
};

static bool is_same(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

static void expect_ident(struct __test_metadata *_metadata,
			 const struct type_info *type,
			 const struct bpf_ns_ident *want,
			 const struct bpf_ns_ident *got)
{
	EXPECT_TRUE(is_same(want, got)) {
		TH_LOG("%s: want dev %llu, ino %llu, id %llu", type->name,
		       want->dev, want->ino, want->id);
		TH_LOG("%s: got  dev %llu, ino %llu, id %llu", type->name,
		       got->dev, got->ino, got->id);
	}
}

/* Compares the results of a program and of userspace for a task. */
static void expect_task(struct __test_metadata *_metadata, struct probe *probe,
			const struct ns_task *task, const struct type_info *type,
			struct bpf_ns_ident *ident)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_ident(task->pid, type->name, &want));
	probe->report->ns_type = type->flag;
	probe_target(probe, task->pid);
	ASSERT_EQ(0, ns_call(task, ns_do_getpgid, NULL));
	ASSERT_EQ(1, probe->report->calls);
	EXPECT_EQ(task->pid, (pid_t)probe->report->pid_tgid);
	EXPECT_EQ(0, probe->report->err);
	expect_ident(_metadata, type, &want, &probe->report->ident);
	if (ident)
		*ident = want;
}

FIXTURE(ns_types)
{
	const struct type_info *type;
	struct probe probe;
	struct ns_task task;
	struct ns_task other;
	struct bpf_ns_ident initial[NR_TYPES];
	struct bpf_ns_ident *init;	/* initial namespace of the type */
	int fds[2];
};

FIXTURE_VARIANT(ns_types)
{
	int type;
};

FIXTURE_VARIANT_ADD(ns_types, cgroup) { .type = CGROUP, };
FIXTURE_VARIANT_ADD(ns_types, ipc) { .type = IPC, };
FIXTURE_VARIANT_ADD(ns_types, mnt) { .type = MNT, };
FIXTURE_VARIANT_ADD(ns_types, net) { .type = NET, };
FIXTURE_VARIANT_ADD(ns_types, pid) { .type = PID, };
FIXTURE_VARIANT_ADD(ns_types, time) { .type = TIME, };
FIXTURE_VARIANT_ADD(ns_types, user) { .type = USER, };
FIXTURE_VARIANT_ADD(ns_types, uts) { .type = UTS, };

FIXTURE_SETUP(ns_types)
{
	int i;

	self->task.sock = -1;
	self->other.sock = -1;
	self->fds[0] = -1;
	self->fds[1] = -1;
	self->type = &types[variant->type];
	self->init = &self->initial[variant->type];
	ASSERT_EQ(0, module_load(MODULE, NULL));
	for (i = 0; i < NR_TYPES; i++)
		ASSERT_EQ(0, ns_ident(getpid(), types[i].name,
				      &self->initial[i]));
}

FIXTURE_TEARDOWN(ns_types)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	probe_close(&self->probe);
	if (self->fds[0] >= 0)
		close(self->fds[0]);
	if (self->fds[1] >= 0)
		close(self->fds[1]);
}

TEST_F(ns_types, initial)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_task(_metadata, &self->probe, &self->task, self->type, &ident);
	expect_ident(_metadata, self->type, self->init, &ident);
	EXPECT_EQ(self->type->init_ino, ident.ino);
	EXPECT_EQ(self->type->init_id, ident.id);
}

TEST_F(ns_types, only_that_one_is_new)
{
	struct bpf_ns_ident ident;
	int i;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, self->type->flag));
	for (i = 0; i < NR_TYPES; i++) {
		expect_task(_metadata, &self->probe, &self->task, &types[i],
			    &ident);
		EXPECT_EQ(&types[i] != self->type,
			  is_same(&self->initial[i], &ident)) {
			TH_LOG("that is the %s namespace", types[i].name);
		}
	}
}

TEST_F(ns_types, container)
{
	struct bpf_ns_ident ident, second;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	expect_task(_metadata, &self->probe, &self->task, self->type, &ident);
	EXPECT_FALSE(is_same(self->init, &ident));

	ASSERT_EQ(0, ns_start(&self->other, NULL, ALL_NS));
	expect_task(_metadata, &self->probe, &self->other, self->type, &second);
	EXPECT_NE(ident.ino, second.ino);
	EXPECT_NE(ident.id, second.id);
}

/* Checks pid_for_children or time_for_children, for types that have it. */
static void expect_for_children(struct __test_metadata *_metadata,
				const struct ns_task *task,
				const struct type_info *type,
				const struct bpf_ns_ident *want)
{
	struct bpf_ns_ident future;
	char name[32];

	snprintf(name, sizeof(name), "%s_for_children", type->name);
	ASSERT_EQ(0, ns_ident(task->pid, name, &future));
	expect_ident(_metadata, type, want, &future);
}

TEST_F(ns_types, unshare)
{
	struct bpf_ns_ident before, after, child;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_task(_metadata, &self->probe, &self->task, self->type, &before);
	expect_ident(_metadata, self->type, self->init, &before);

	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare,
			     (void *)(uintptr_t)self->type->flag));
	expect_task(_metadata, &self->probe, &self->task, self->type, &after);
	EXPECT_EQ(self->type->when != AT_ONCE, is_same(&before, &after));

	/* A child is in the new namespace, for all types. */
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	expect_task(_metadata, &self->probe, &self->other, self->type, &child);
	EXPECT_FALSE(is_same(&before, &child));
	if (self->type->when == AT_ONCE)
		expect_ident(_metadata, self->type, &after, &child);
	else
		expect_for_children(_metadata, &self->task, self->type, &child);
}

TEST_F(ns_types, setns)
{
	struct bpf_ns_ident target, ident;
	void *flag = (void *)(uintptr_t)self->type->flag;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->other, NULL, self->type->flag));
	self->fds[0] = ns_open(getpid(), self->type->name);
	self->fds[1] = ns_open(self->other.pid, self->type->name);
	ASSERT_LE(0, self->fds[0]);
	ASSERT_LE(0, self->fds[1]);
	ASSERT_EQ(0, ns_ident_fd(self->fds[1], &target));

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_task(_metadata, &self->probe, &self->task, self->type, &ident);
	expect_ident(_metadata, self->type, self->init, &ident);

	ASSERT_EQ(0, ns_call_fd(&self->task, self->fds[1], ns_do_setns, flag));
	expect_task(_metadata, &self->probe, &self->task, self->type, &ident);
	if (self->type->when == FOR_CHILDREN) {
		expect_ident(_metadata, self->type, self->init, &ident);
		expect_for_children(_metadata, &self->task, self->type, &target);
	} else {
		expect_ident(_metadata, self->type, &target, &ident);
	}

	/* A task cannot return to an outer user namespace. */
	if (self->type->flag == CLONE_NEWUSER)
		return;
	ASSERT_EQ(0, ns_call_fd(&self->task, self->fds[0], ns_do_setns, flag));
	expect_task(_metadata, &self->probe, &self->task, self->type, &ident);
	expect_ident(_metadata, self->type, self->init, &ident);
}

/* A zombie has released its nsproxy, but not its pid and its credentials. */
TEST_F(ns_types, zombie)
{
	bool is_there = self->type->flag & (CLONE_NEWPID | CLONE_NEWUSER);
	struct bpf_ns_ident want;
	struct report event;
	siginfo_t info;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type_dead"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, ns_ident(self->task.pid, self->type->name, &want));
	self->probe.report->ns_type = self->type->flag;
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	ASSERT_EQ(0, waitid(P_PID, self->task.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(is_there ? 0 : -ENOENT, event.err);
	expect_ident(_metadata, self->type, is_there ? &want : &none,
		     &event.ident);
}

/* SIGCHLD is ignored, so release_task() runs before the last switch. */
TEST_F(ns_types, released)
{
	bool is_there = self->type->flag == CLONE_NEWUSER;
	struct bpf_ns_ident want;
	struct report event;

	signal(SIGCHLD, SIG_IGN);
	ASSERT_EQ(0, probe_open(&self->probe, "ns_type_dead"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, ns_ident(self->task.pid, self->type->name, &want));
	self->probe.report->ns_type = self->type->flag;
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, kill(self->task.pid, SIGKILL));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	EXPECT_EQ(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(is_there ? 0 : -ENOENT, event.err);
	expect_ident(_metadata, self->type, is_there ? &want : &none,
		     &event.ident);
}

/* Only the root directory of a kernel thread is another one, since Linux 7.3. */
TEST_F(ns_types, kernel_thread)
{
	struct report event;

	ASSERT_EQ(0, probe_open(&self->probe, "kthread_type"));
	self->probe.report->ns_type = self->type->flag;
	probe_target(&self->probe, 1);
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	EXPECT_EQ(0, event.err);
	EXPECT_EQ(self->type->init_ino, event.ident.ino);
	expect_ident(_metadata, self->type, self->init, &event.ident);
}

/* Interrupts in the middle of moves, before and after the switch of nsproxy. */
#define ENOUGH_IN_MOVES 400
#define ENOUGH_EACH 10
#define MOVE_SECS 15

/* A task that moves back and forth, and shares its current move with the program. */
static struct {
	struct moves *moves;
	__u32 flag;
	int fds[2];
} walk;

static bool is_enough(const struct moves *moves)
{
	bool is_one = moves->ns[0].id == moves->ns[1].id;
	__u64 seen, sum = 0;
	int place, ns;

	for (place = TO_FIRST; place <= TO_SECOND; place++) {
		for (ns = 0; ns < 2; ns++) {
			seen = __atomic_load_n(&moves->seen[place][ns],
					       __ATOMIC_RELAXED);
			if (seen < ENOUGH_EACH && !(is_one && ns))
				return false;
			sum += seen;
		}
	}
	return sum >= ENOUGH_IN_MOVES;
}

/* A task cannot return to a user namespace, but can replace its credentials. */
static int move(int to)
{
	if (walk.flag == CLONE_NEWUSER)
		return setresgid(-1, to, -1);
	return setns(walk.fds[to], walk.flag);
}

static void set_place(enum place place)
{
	__atomic_store_n(&walk.moves->place, place, __ATOMIC_SEQ_CST);
}

static int do_walk(void *unused)
{
	time_t end = time(NULL) + MOVE_SECS;

	for (;;) {
		set_place(TO_SECOND);
		if (move(1))
			return -errno;
		set_place(IN_SECOND);
		set_place(TO_FIRST);
		if (move(0))
			return -errno;
		set_place(IN_FIRST);

		if (is_enough(walk.moves) ||
		    __atomic_load_n(&walk.moves->wrong, __ATOMIC_RELAXED))
			return 0;
		if (time(NULL) > end)
			return -ETIMEDOUT;
	}
}

/* A timer of the task itself, which interrupts the task at any point. */
static int open_cpu_clock(pid_t pid)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 100000,
	};

	return syscall(SYS_perf_event_open, &attr, pid, -1, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

TEST_F(ns_types, interrupt_in_the_middle_of_a_move)
{
	struct moves *moves;
	struct bpf_map *map;
	size_t size;
	int fd;

	ASSERT_EQ(0, ns_start(&self->other, NULL, self->type->flag));
	ASSERT_EQ(0, probe_load(&self->probe, "ns_type_moves"));
	map = bpf_object__find_map_by_name(self->probe.obj, ".data.moves");
	moves = bpf_map__initial_value(map, &size);
	ASSERT_EQ(sizeof(*moves), size);

	self->fds[0] = ns_open(getpid(), self->type->name);
	self->fds[1] = ns_open(self->other.pid, self->type->name);
	ASSERT_LE(0, self->fds[0]);
	ASSERT_LE(0, self->fds[1]);
	/* Both are the same if the task does not move at once. */
	moves->ns[0] = *self->init;
	moves->ns[1] = *self->init;
	if (!(self->type->flag & (CLONE_NEWPID | CLONE_NEWUSER)))
		ASSERT_EQ(0, ns_ident_fd(self->fds[1], &moves->ns[1]));
	moves->place = IN_FIRST;

	walk.moves = moves;
	walk.flag = self->type->flag;
	walk.fds[0] = self->fds[0];
	walk.fds[1] = self->fds[1];
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));

	fd = open_cpu_clock(self->task.pid);
	ASSERT_LE(0, fd);
	self->probe.link = bpf_program__attach_perf_event(self->probe.prog, fd);
	ASSERT_NE(NULL, self->probe.link);
	self->probe.report->ns_type = self->type->flag;
	probe_target(&self->probe, self->task.pid);
	EXPECT_EQ(0, ns_call(&self->task, do_walk, NULL));
	/* Stop the interrupts, so that a wrong result is the last one. */
	ns_stop(&self->task);

	EXPECT_EQ(0, moves->wrong) {
		TH_LOG("err %d, dev %llu, ino %llu, id %llu in place %u",
		       self->probe.report->err, self->probe.report->ident.dev,
		       self->probe.report->ident.ino,
		       self->probe.report->ident.id, moves->place);
	}
	TH_LOG("to first: %llu %llu, to second: %llu %llu, else: %llu %llu",
	       moves->seen[TO_FIRST][0], moves->seen[TO_FIRST][1],
	       moves->seen[TO_SECOND][0], moves->seen[TO_SECOND][1],
	       moves->seen[IN_FIRST][0], moves->seen[IN_SECOND][1]);
}

/* Tests that are not for one type. */
FIXTURE(ns_type)
{
	struct probe probe;
	struct ns_task task;
};

FIXTURE_SETUP(ns_type)
{
	self->task.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(ns_type)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
}

static void expect_einval(struct __test_metadata *_metadata,
			  struct probe *probe, const struct ns_task *task,
			  __u32 ns_type)
{
	probe->report->ns_type = ns_type;
	probe_target(probe, task->pid);
	ASSERT_EQ(0, ns_call(task, ns_do_getpgid, NULL));
	ASSERT_EQ(1, probe->report->calls);
	EXPECT_EQ(-EINVAL, probe->report->err) {
		TH_LOG("for %#x", ns_type);
	}
	EXPECT_TRUE(is_same(&none, &probe->report->ident)) {
		TH_LOG("for %#x", ns_type);
	}
}

TEST_F(ns_type, none)
{
	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_einval(_metadata, &self->probe, &self->task, 0);
}

TEST_F(ns_type, two_at_once)
{
	int i, j;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	for (i = 0; i < NR_TYPES; i++)
		for (j = 0; j < i; j++)
			expect_einval(_metadata, &self->probe, &self->task,
				      types[i].flag | types[j].flag);
	expect_einval(_metadata, &self->probe, &self->task, ALL_NS);
}

TEST_F(ns_type, unknown)
{
	int bit;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	for (bit = 0; bit < 32; bit++) {
		if (ALL_NS & (1U << bit))
			continue;
		expect_einval(_metadata, &self->probe, &self->task, 1U << bit);
		expect_einval(_metadata, &self->probe, &self->task,
			      1U << bit | CLONE_NEWUTS);
	}
	expect_einval(_metadata, &self->probe, &self->task, ~0U);
}

static const int thread_types[] = { CGROUP, IPC, MNT, NET, UTS };

struct thread_ns {
	int err;
	int type;
	struct bpf_ns_ident ident;
};

static void *own_ns(void *arg)
{
	struct thread_ns *own = arg;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/thread-self/ns/%s",
		 types[own->type].name);
	if (unshare(types[own->type].flag)) {
		own->err = -errno;
		return NULL;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		own->err = -errno;
		return NULL;
	}
	own->err = ns_ident_fd(fd, &own->ident) ?: ns_do_getpgid(NULL);
	close(fd);
	return NULL;
}

static int do_own_ns_in_thread(void *own)
{
	pthread_t id;

	return -pthread_create(&id, NULL, own_ns, own) ?:
	       -pthread_join(id, NULL) ?: ((struct thread_ns *)own)->err;
}

/* The threads of a process can have different namespaces. */
TEST_F(ns_type, thread_with_its_own)
{
	struct thread_ns *own = ns_alloc(sizeof(*own));
	struct bpf_ns_ident leader;
	size_t i;

	ASSERT_EQ(0, probe_open(&self->probe, "ns_type"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	for (i = 0; i < ARRAY_SIZE(thread_types); i++) {
		const struct type_info *type = &types[thread_types[i]];

		own->type = thread_types[i];
		self->probe.report->ns_type = type->flag;
		probe_target(&self->probe, self->task.pid);
		ASSERT_EQ(0, ns_call(&self->task, do_own_ns_in_thread, own));
		ASSERT_EQ(1, self->probe.report->calls);
		EXPECT_NE(self->task.pid, (pid_t)self->probe.report->pid_tgid);
		EXPECT_EQ(0, self->probe.report->err);
		expect_ident(_metadata, type, &own->ident,
			     &self->probe.report->ident);

		expect_task(_metadata, &self->probe, &self->task, type, &leader);
		EXPECT_FALSE(is_same(&own->ident, &leader));
	}
}

/* An overlay accesses its layers with the credentials of the mounting task. */
static int do_mount_overlay(void *unused)
{
	int fd;

	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) ||
	    mkdir("/tmp/lower", 0755) || mkdir("/tmp/upper", 0755) ||
	    mkdir("/tmp/work", 0755) || mkdir("/tmp/merged", 0755))
		return -errno;
	fd = open("/tmp/lower/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	if (mount("overlay", "/tmp/merged", "overlay", 0,
		  "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"))
		return -errno;
	return 0;
}

static int do_open(void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

TEST_F(ns_type, user_is_of_the_objective_credentials)
{
	char *path = ns_alloc(64);
	struct bpf_ns_ident initial, other;
	struct ns_task task;

	ASSERT_EQ(0, ns_ident(getpid(), "user", &initial));
	ASSERT_EQ(0, probe_open(&self->probe, "ns_type_override"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUSER | CLONE_NEWNS));
	ASSERT_EQ(0, ns_call(&self->task, do_mount_overlay, NULL));
	ASSERT_EQ(0, ns_ident(self->task.pid, "user", &other));
	ASSERT_FALSE(is_same(&initial, &other));

	snprintf(path, 64, "/proc/%d/root/tmp/merged/file", self->task.pid);
	ASSERT_EQ(0, ns_start(&task, NULL, 0));
	self->probe.report->ns_type = CLONE_NEWUSER;
	probe_target(&self->probe, task.pid);
	EXPECT_EQ(0, ns_call(&task, do_open, path));
	ns_stop(&task);
	/* Some calls were made under the credentials of the other namespace. */
	ASSERT_LE(1, self->probe.report->calls);
	EXPECT_EQ(0, self->probe.report->err);
	expect_ident(_metadata, &types[USER], &initial,
		     &self->probe.report->ident);
}

NS_TEST_MAIN(MODULE)
