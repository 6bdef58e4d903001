// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of a loader in a nested pid namespace: the visible tasks, and their
 * ids.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "nested.h"
#include "nested_own.skel.h"
#include "ns_ident.h"
#include "ns_util.h"

#define ROOT_CONTAINER (ALL_NS & ~CLONE_NEWUSER)

/* A program that an agent has loaded and attached, until the agent ends. */
struct agent {
	char name[16];			/* in */
	__u32 map_id;
};

/* Returns 0 and errno on an error. */
static __u32 id_of_map(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_map_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static int do_load_and_attach(void *arg)
{
	struct agent *agent = arg;
	struct probe probe;
	int err;

	err = probe_open(&probe, agent->name);
	if (err)
		return err;
	agent->map_id = id_of_map(bpf_object__find_map_fd_by_name(probe.obj, ".data.nested"));
	return agent->map_id ? 0 : -errno;
}

/* With the variables of ns_ident.bpf.h, as an agent sets them. */
static int do_load_own(void *arg)
{
	struct nested_own *skel = nested_own__open();
	struct bpf_ns_ident own = {};
	struct agent *agent = arg;

	if (!skel || ns_ident_of_task(0, CLONE_NEWPID, &own))
		return -errno;
	skel->rodata->ns_ident_dev = own.dev;
	skel->rodata->ns_ident_own = own;
	if (nested_own__load(skel) || nested_own__attach(skel))
		return -errno;
	agent->map_id = id_of_map(bpf_map__fd(skel->maps.data_nested));
	return agent->map_id ? 0 : -errno;
}

FIXTURE(nested)
{
	struct agent *agent;
	/* Tasks in the pid namespace of the loader, and in each other one. */
	struct ns_task loader, same, inner, sibling, host;
	struct nested asked;
	int map;
};

FIXTURE_SETUP(nested)
{
	self->map = -1;
	self->loader.sock = -1;
	self->same.sock = -1;
	self->inner.sock = -1;
	self->sibling.sock = -1;
	self->host.sock = -1;
	self->agent = ns_alloc(sizeof(*self->agent));
	ASSERT_NE(NULL, self->agent);
	ASSERT_EQ(0, module_reload(MODULE, "loader_ns=user"));
	ASSERT_EQ(0, ns_start(&self->host, NULL, 0));
	ASSERT_EQ(0, ns_start(&self->sibling, NULL, ROOT_CONTAINER));
	ASSERT_EQ(0, ns_start(&self->loader, NULL, ROOT_CONTAINER));
	ASSERT_EQ(0, ns_start(&self->same, &self->loader, 0));
	ASSERT_EQ(0, ns_start(&self->inner, &self->loader, ROOT_CONTAINER));

	ASSERT_EQ(0, ns_ident(self->loader.pid, "pid", &self->asked.named[OWN]));
	ASSERT_EQ(0, ns_ident(self->inner.pid, "pid", &self->asked.named[BELOW]));
	ASSERT_EQ(0, ns_ident(self->sibling.pid, "pid",
			      &self->asked.named[BESIDE]));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->asked.named[INITIAL]));
}

FIXTURE_TEARDOWN(nested)
{
	if (self->map >= 0)
		close(self->map);
	ns_stop(&self->inner);
	ns_stop(&self->same);
	ns_stop(&self->loader);
	ns_stop(&self->sibling);
	ns_stop(&self->host);
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

#define load_from(TASK, LOAD, NAME)					\
	do {								\
		strcpy(self->agent->name, NAME);			\
		ASSERT_EQ(0, ns_call(TASK, LOAD, self->agent));		\
		self->map = bpf_map_get_fd_by_id(self->agent->map_id);	\
		ASSERT_LE(0, self->map);				\
	} while (0)

static void ask_about(struct __test_metadata *_metadata,
		      FIXTURE_DATA(nested) * self, const struct ns_task *task)
{
	struct nested *asked = &self->asked;
	__u32 key = 0;

	asked->target = task->pid;
	asked->calls = 0;
	for (int i = 0; i < NR_NAMED; i++) {
		asked->current_in[i] = POISON;
		asked->task_in[i] = POISON;
	}
	ASSERT_EQ(0, bpf_map_update_elem(self->map, &key, asked, 0));
	ASSERT_EQ(0, ns_call(task, ns_do_getpgid, NULL));
	ASSERT_EQ(0, bpf_map_lookup_elem(self->map, &key, asked));
	ASSERT_EQ(1, asked->calls);
}

/* Returns the ids of the task from /proc, in the pid namespace of a level. */
static __s64 pid_tgid_at(const struct ns_task *task, int level)
{
	struct ns_ids ids = {};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", task->pid);
	if (ns_read_ids(path, &ids) || ids.nr <= level)
		return 0;
	return (__s64)ids.tgid[level] << 32 | ids.pid[level];
}

#define expect_in(NAMED, WANT)						\
	do {								\
		EXPECT_EQ(WANT, self->asked.current_in[NAMED]);		\
		EXPECT_EQ(WANT, self->asked.task_in[NAMED]);		\
	} while (0)

/* A loader in a container does not know the identity of the initial one. */
TEST_F(nested, loader_in_a_container)
{
	load_from(&self->loader, do_load_and_attach, "nested_in");

	ask_about(_metadata, self, &self->loader);
	expect_in(OWN, pid_tgid_at(&self->loader, 1));
	expect_in(BELOW, -ESRCH);
	expect_in(BESIDE, -ESRCH);

	ask_about(_metadata, self, &self->same);
	expect_in(OWN, pid_tgid_at(&self->same, 1));
	expect_in(BELOW, -ESRCH);
	expect_in(BESIDE, -ESRCH);

	ask_about(_metadata, self, &self->inner);
	expect_in(OWN, pid_tgid_at(&self->inner, 1));
	expect_in(BELOW, pid_tgid_at(&self->inner, 2));
	expect_in(BESIDE, -ESRCH);

	ask_about(_metadata, self, &self->sibling);
	expect_in(OWN, -ESRCH);
	expect_in(BELOW, -ESRCH);

	ask_about(_metadata, self, &self->host);
	expect_in(OWN, -ESRCH);
	expect_in(BELOW, -ESRCH);
	expect_in(BESIDE, -ESRCH);
}

/* A container in a container. */
TEST_F(nested, loader_in_an_inner_container)
{
	load_from(&self->inner, do_load_and_attach, "nested_in");

	ask_about(_metadata, self, &self->inner);
	expect_in(BELOW, pid_tgid_at(&self->inner, 2));
	expect_in(BESIDE, -ESRCH);

	ask_about(_metadata, self, &self->loader);
	expect_in(BELOW, -ESRCH);
	expect_in(BESIDE, -ESRCH);

	ask_about(_metadata, self, &self->host);
	expect_in(BELOW, -ESRCH);
}

TEST_F(nested, loader_on_the_host)
{
	const struct ns_task *const tasks[] = {
		&self->loader, &self->same, &self->inner, &self->sibling,
		&self->host,
	};

	load_from(&self->host, do_load_and_attach, "nested_in");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		ask_about(_metadata, self, tasks[i]);
		expect_in(INITIAL, pid_tgid_at(tasks[i], 0));
	}
	ask_about(_metadata, self, &self->inner);
	expect_in(OWN, pid_tgid_at(&self->inner, 1));
	expect_in(BELOW, pid_tgid_at(&self->inner, 2));
	ask_about(_metadata, self, &self->sibling);
	expect_in(BESIDE, pid_tgid_at(&self->sibling, 1));
	expect_in(OWN, -ESRCH);
}

/*
 * One program works on the host and in a container. If the kernel does not record
 * the origin of programs, ns_ident.bpf.h names the pid namespace of the loader.
 */
TEST_F(nested, own_ids_by_the_header)
{
	const struct {
		const struct ns_task *task;
		int level;	/* of the loader, or less: not visible */
	} tasks[] = {
		{ &self->loader, 1 }, { &self->same, 1 }, { &self->inner, 1 },
		{ &self->sibling, 0 }, { &self->host, 0 },
	};
	const struct ns_task *const loaders[] = { &self->host, &self->loader };

	for (int level = 0; level < (int)ARRAY_SIZE(loaders); level++) {
		load_from(loaders[level], do_load_own, "");
		for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
			ask_about(_metadata, self, tasks[i].task);
			EXPECT_EQ(tasks[i].level < level ? -ESRCH :
				  pid_tgid_at(tasks[i].task, level), self->asked.own);
		}
		close(self->map);
		self->map = -1;
	}
}

NS_TEST_MAIN_LOADABLE(MODULE)
