// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_get_current_pidns_ident() reports the pair that stat(2), and the id that
 * NS_GET_ID, report for /proc/PID/ns/pid. Only programs that were loaded from
 * the initial namespaces may call the kfunc.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>

#include "kselftest_harness.h"

#include "clone_util.h"
#include "pidns_ident.skel.h"

FIXTURE(task)
{
	struct pidns_ident *skel;
	struct bpf_ns_ident initial;
};

FIXTURE_SETUP(task)
{
	self->skel = pidns_ident__open_and_load();
	ASSERT_NE(NULL, self->skel);
	ASSERT_EQ(0, pidns_ident__attach(self->skel));
	ASSERT_EQ(0, read_ident(getpid(), "pid", &self->initial));
}

FIXTURE_TEARDOWN(task)
{
	pidns_ident__destroy(self->skel);
}

FIXTURE_VARIANT(task)
{
	__u64 clone;
	int levels;
	int unshare;
	bool initial;		/* Is the result the initial pid namespace? */
};

/* The task stays in its pid namespace, its next child does not. */
FIXTURE_VARIANT_ADD(task, unshared) { .unshare = CLONE_NEWPID, .initial = true };
FIXTURE_VARIANT_ADD(task, in_the_initial) { .initial = true };
FIXTURE_VARIANT_ADD(task, in_a_child) { .clone = CLONE_NEWPID, .levels = 1 };
FIXTURE_VARIANT_ADD(task, in_a_nested) { .clone = CLONE_NEWPID, .levels = 2 };
FIXTURE_VARIANT_ADD(task, in_the_deepest) { .clone = CLONE_NEWPID, .levels = MAX_PID_NS_LEVEL };
FIXTURE_VARIANT_ADD(task, in_a_container) { .clone = NO_USER_NS | CLONE_NEWUSER, .levels = 1 };
FIXTURE_VARIANT_ADD(task, in_other_namespaces)
{
	.clone = (NO_USER_NS | CLONE_NEWUSER) & ~CLONE_NEWPID, .levels = 1, .initial = true
};

TEST_F(task, is_as_in_proc)
{
	const struct answer *answer = &self->skel->bss->answer;
	struct bpf_ns_ident want = {};
	struct asker asker;

	ASSERT_EQ(0, asker_start(&asker, variant->clone, variant->levels, variant->unshare));
	EXPECT_EQ(1, answer->calls);
	EXPECT_EQ(0, answer->err);
	EXPECT_EQ(0, read_ident(answer->pid, "pid", &want));
	expect_ident(&want, &answer->ident);
	EXPECT_EQ(variant->initial, want.id == self->initial.id);
	EXPECT_EQ(variant->initial, want.ino == self->initial.ino);
	EXPECT_EQ(0, asker_stop(&asker));
}

static void *exit_at_once(void *unused)
{
	return NULL;
}

static int run_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, exit_at_once, NULL) || pthread_join(thread, NULL);
}

/* A thread may run after release_task(), without a pid namespace. */
TEST(released_thread)
{
	struct pidns_ident *skel = pidns_ident__open_and_load();
	const struct bpf_ns_ident none = {};
	volatile struct answer *answer;
	int i;

	ASSERT_NE(NULL, skel);
	ASSERT_EQ(0, pidns_ident__attach(skel));
	answer = &skel->bss->answer_at_exit;
	skel->bss->tgid_of_thread = getpid();
	ASSERT_EQ(0, run_thread());
	for (i = 0; i < 1000 && !answer->calls; i++)
		usleep(10000);
	ASSERT_EQ(1, answer->calls);
	EXPECT_EQ(-ENOENT, answer->err);
	expect_ident(&none, &answer->ident);
	pidns_ident__destroy(skel);
}

/* Returns the errno of the load. */
static int load(void *prog)
{
	struct pidns_ident *skel = pidns_ident__open();
	struct bpf_program *p;
	int err;

	if (!skel)
		return errno;
	bpf_object__for_each_program(p, skel->obj)
		bpf_program__set_autoload(p, !strcmp(bpf_program__name(p), prog));
	err = -pidns_ident__load(skel);
	pidns_ident__destroy(skel);
	return err;
}

static int unshare_and_load(void *prog)
{
	return unshare(CLONE_NEWPID) ? errno : load(prog);
}

FIXTURE(loader) {};
FIXTURE_SETUP(loader) {}
FIXTURE_TEARDOWN(loader) {}

FIXTURE_VARIANT(loader)
{
	__u64 clone;
};

FIXTURE_VARIANT_ADD(loader, in_new_cgroup) { CLONE_NEWCGROUP };
FIXTURE_VARIANT_ADD(loader, in_new_ipc) { CLONE_NEWIPC };
FIXTURE_VARIANT_ADD(loader, in_new_mnt) { CLONE_NEWNS };
FIXTURE_VARIANT_ADD(loader, in_new_net) { CLONE_NEWNET };
FIXTURE_VARIANT_ADD(loader, in_new_pid) { CLONE_NEWPID };
FIXTURE_VARIANT_ADD(loader, in_new_time) { CLONE_NEWTIME };
FIXTURE_VARIANT_ADD(loader, in_new_uts) { CLONE_NEWUTS };
FIXTURE_VARIANT_ADD(loader, in_a_container) { NO_USER_NS };

TEST_F(loader, is_rejected)
{
	EXPECT_EQ(EACCES, run_in(variant->clone, 1, load, "on_getpgid"));
}

/* Programs that call no kfunc of the module are loaded as before. */
TEST_F(loader, may_load_other_programs)
{
	EXPECT_EQ(0, run_in(variant->clone, 1, load, "plain"));
}

TEST(initial_loader)
{
	EXPECT_EQ(0, load("on_getpgid"));
	/* The task that loads stays in the initial pid namespace. */
	EXPECT_EQ(0, run_in(0, 1, unshare_and_load, "on_getpgid"));
}

/* bpf(2) needs capabilities in the initial user namespace. */
TEST(loader_in_new_user)
{
	EXPECT_EQ(EPERM, run_in(CLONE_NEWUSER, 1, load, "on_getpgid"));
}

TEST(type_without_a_current_task)
{
	EXPECT_EQ(EACCES, load("on_packet"));
}

IDENT_TEST_MAIN
