// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_get_current_ns_ident() reports the identity of each namespace of a task
 * as /proc/PID/ns shows it, and bpf_get_current_pid_tgid_in() the ids of a task
 * that NSpid in /proc/PID/status shows. bpf_task_pidns_ident(),
 * bpf_task_ns_ident() and bpf_task_pid_tgid_in() report the same of another task.
 */
#define _GNU_SOURCE
#include <stdint.h>

#include "kselftest_harness.h"

#include "clone_util.h"
#include "task_idents.skel.h"

#define PID_TGID(PID) ((__s64)(PID) << 32 | (PID))

/* Reads the pids of a task, the one of the outermost pid namespace first. */
static int read_nspid(pid_t pid, int *pids, int max)
{
	char path[64], line[256];
	FILE *file;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		char *at = line, *end;

		if (strncmp(line, "NSpid:", 6))
			continue;
		for (at += 6; n < max; at = end) {
			pids[n] = strtol(at, &end, 10);
			if (at == end)
				break;
			n++;
		}
	}
	if (file)
		fclose(file);
	return n;
}

FIXTURE(task)
{
	struct task_idents *skel;
	struct asker asker;
};

FIXTURE_SETUP(task)
{
	self->skel = task_idents__open_and_load();
	ASSERT_NE(NULL, self->skel);
	ASSERT_EQ(0, task_idents__attach(self->skel));
}

FIXTURE_TEARDOWN(task)
{
	task_idents__destroy(self->skel);
}

static const struct {
	const char *name;
	__u32 flag;
} types[] = {
	{ "cgroup", CLONE_NEWCGROUP }, { "ipc", CLONE_NEWIPC }, { "mnt", CLONE_NEWNS },
	{ "net", CLONE_NEWNET }, { "pid", CLONE_NEWPID }, { "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER }, { "uts", CLONE_NEWUTS },
};

/*
 * In new namespaces of all types but one, each result is the one of the
 * requested type.
 */
TEST_F(task, ns_ident_is_as_in_proc)
{
	const struct answer *answer = &self->skel->bss->answer;
	struct bpf_ns_ident want, initial;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_EQ(0, asker_start(&self->asker,
					 (NO_USER_NS | CLONE_NEWUSER) & ~types[i].flag, 1, 0));
		for (size_t j = 0; j < ARRAY_SIZE(types); j++) {
			self->skel->bss->ns_type = types[j].flag;
			ASSERT_EQ(0, asker_again(&self->asker));
			EXPECT_EQ(0, answer->err);
			ASSERT_EQ(0, read_ident(answer->pid, types[j].name, &want));
			ASSERT_EQ(0, read_ident(getpid(), types[j].name, &initial));
			expect_ident(&want, &answer->ident);
			EXPECT_EQ(i == j, initial.id == want.id);
		}
		EXPECT_EQ(0, asker_stop(&self->asker));
	}
}

TEST_F(task, ns_ident_of_no_type)
{
	const __u32 wrong[] = { 0, CLONE_NEWPID | CLONE_NEWNET, CLONE_VM };
	const struct answer *answer = &self->skel->bss->answer;
	const struct bpf_ns_ident none = {};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		self->skel->bss->ns_type = wrong[i];
		ASSERT_EQ(0, asker_start(&self->asker, 0, 0, 0));
		EXPECT_EQ(-EINVAL, answer->err);
		expect_ident(&none, &answer->ident);
		EXPECT_EQ(0, asker_stop(&self->asker));
	}
}

/* A task two levels down has an id in its own pid namespace and in both above. */
TEST_F(task, pid_tgid_in_is_nspid)
{
	const struct answer *answer = &self->skel->bss->answer;
	struct bpf_ns_ident initial, own;
	int pids[4];

	ASSERT_EQ(0, asker_start(&self->asker, CLONE_NEWPID, 2, 0));
	ASSERT_EQ(3, read_nspid(answer->pid, pids, ARRAY_SIZE(pids)));
	ASSERT_EQ(0, read_ident(getpid(), "pid", &initial));
	ASSERT_EQ(0, read_ident(answer->pid, "pid", &own));

	self->skel->bss->pidns = initial;
	ASSERT_EQ(0, asker_again(&self->asker));
	EXPECT_EQ(PID_TGID(pids[0]), self->skel->bss->pid_tgid);
	self->skel->bss->pidns = own;
	ASSERT_EQ(0, asker_again(&self->asker));
	EXPECT_EQ(PID_TGID(pids[2]), self->skel->bss->pid_tgid);
	/* The id of an earlier namespace with the same inode number. */
	self->skel->bss->pidns.id--;
	ASSERT_EQ(0, asker_again(&self->asker));
	EXPECT_EQ(-ESRCH, self->skel->bss->pid_tgid);
	EXPECT_EQ(0, asker_stop(&self->asker));
}

/* The current task is in no namespace below its own. */
TEST_F(task, pid_tgid_in_a_child)
{
	struct asker child;

	ASSERT_EQ(0, asker_start(&child, CLONE_NEWPID, 1, 0));
	ASSERT_EQ(0, read_ident(self->skel->bss->answer.pid, "pid", &self->skel->bss->pidns));
	ASSERT_EQ(0, asker_start(&self->asker, 0, 0, 0));
	EXPECT_EQ(-ESRCH, self->skel->bss->pid_tgid);
	EXPECT_EQ(0, asker_stop(&self->asker));
	EXPECT_EQ(0, asker_stop(&child));
}

/* Before the child runs for the first time. */
TEST_F(task, child_is_as_in_proc)
{
	const struct answer *answer = &self->skel->bss->answer_of_child;
	struct bpf_ns_ident want;
	int status, pipes[2];
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, read_ident(getpid(), "pid", &self->skel->bss->pidns));
	self->skel->bss->parent = getpid();
	pid = clone_into(CLONE_NEWPID | CLONE_NEWNET);
	ASSERT_LE(0, pid);
	if (!pid) {
		close(pipes[1]);
		_exit(read(pipes[0], &c, 1));
	}
	self->skel->bss->parent = 0;
	EXPECT_EQ(1, answer->calls);
	EXPECT_EQ(pid, answer->pid);
	EXPECT_EQ(0, answer->err);
	ASSERT_EQ(0, read_ident(pid, "pid", &want));
	expect_ident(&want, &answer->ident);
	EXPECT_EQ(0, self->skel->bss->net_of_child.err);
	ASSERT_EQ(0, read_ident(pid, "net", &want));
	expect_ident(&want, &self->skel->bss->net_of_child.ident);
	EXPECT_EQ(PID_TGID(pid), self->skel->bss->pid_tgid_of_child);
	close(pipes[1]);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
}

IDENT_TEST_MAIN
