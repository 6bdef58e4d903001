// SPDX-License-Identifier: GPL-2.0
/*
 * The results of the kfuncs in the operations of a scheduler of sched_ext equal
 * those of stat(2), NS_GET_ID and /proc/PID/status for the same task.
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "task_scx.h"
#include "task_util.h"

#ifndef SCHED_EXT
#define SCHED_EXT 7
#endif

FIXTURE(task_scx)
{
	struct probe probe;
	struct asked *asked;
	__u32 *asks;
	struct ns_task task;
	struct ns_task child;
	struct bpf_ns_ident initial;
};

FIXTURE_SETUP(task_scx)
{
	struct bpf_map *map;
	size_t size;

	self->task.sock = -1;
	self->child.sock = -1;
	SKIP_WITHOUT("CONFIG_SCHED_CLASS_EXT");
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->initial));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, probe_load(&self->probe, "task_scx")) {
		TH_LOG("%s", probe_log);
	}
	ASSERT_EQ(0, task_find_asked(&self->probe, &self->asked));
	self->asked->initial = self->initial;
	map = bpf_object__find_map_by_name(self->probe.obj, ".data.scx_asks");
	self->asks = bpf_map__initial_value(map, &size);
	ASSERT_NE(NULL, self->asks);
	ASSERT_EQ(sizeof(*self->asks), size);
}

FIXTURE_TEARDOWN(task_scx)
{
	ns_stop(&self->child);
	ns_stop(&self->task);
	probe_close(&self->probe);
}

/* Chooses the operation that asks about the task, or about its next child. */
#define aim(ASKS)							\
	do {								\
		*self->asks = ASKS;					\
		task_aim(&self->probe, self->asked, self->task.pid);	\
	} while (0)

/* The scheduler stays until the link is closed. */
#define run_scheduler()							\
	do {								\
		struct bpf_map *map_;					\
									\
		map_ = bpf_object__find_map_by_name(self->probe.obj,	\
						    "scheduler");	\
		self->probe.link = bpf_map__attach_struct_ops(map_);	\
		ASSERT_NE(NULL, self->probe.link);			\
	} while (0)

static void expect_same(struct __test_metadata *_metadata,
			const struct task_answer *want,
			const struct task_answer *got)
{
	const char *text = task_differs(want, got);

	EXPECT_EQ(NULL, text) {
		TH_LOG("%s", text);
	}
}

/* The kernel calls init_task() for all existing tasks. */
TEST_F(task_scx, init_task)
{
	struct task_answer want;

	aim(SCX_INIT_TASK);
	run_scheduler();
	EXPECT_EQ(1, self->asked->calls);
	ASSERT_EQ(0, task_read(self->task.pid, &want));
	expect_same(_metadata, &want, &self->asked->answer);
}

/* The child still has the pid namespace of its parent. */
TEST_F(task_scx, init_child)
{
	struct task_answer parent, want;
	int i;

	run_scheduler();
	aim(SCX_INIT_CHILD);
	ASSERT_EQ(0, ns_start(&self->child, &self->task, NESTED_NS));
	EXPECT_EQ(1, self->asked->calls);
	ASSERT_EQ(0, task_read(self->task.pid, &parent));
	ASSERT_EQ(0, task_read(self->child.pid, &want));
	want.ident = parent.ident;
	want.own = -ESRCH;
	want.initial = -ESRCH;
	for (i = 0; i < NR_NS_TYPES; i++)
		if (ns_types[i].flag == CLONE_NEWPID)
			want.ns[i] = parent.ns[i];
	expect_same(_metadata, &want, &self->asked->answer);
}

TEST_F(task_scx, enqueue)
{
	const struct sched_param param = {};
	struct task_answer want;

	run_scheduler();
	ASSERT_EQ(0, sched_setscheduler(self->task.pid, SCHED_EXT, &param));
	aim(SCX_ENQUEUE);
	/* Wakes it up. */
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_LE(1, self->asked->calls);
	EXPECT_NE(self->task.pid, self->asked->answer.current_pid);
	ASSERT_EQ(0, task_read(self->task.pid, &want));
	if (is_preempt_rt())
		task_make_busy(&want);
	expect_same(_metadata, &want, &self->asked->answer);
}

NS_TEST_MAIN(MODULE)
