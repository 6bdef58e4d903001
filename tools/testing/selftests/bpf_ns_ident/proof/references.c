// SPDX-License-Identifier: GPL-2.0
/*
 * Programs hold references to pid namespaces, by the kfuncs of
 * samples/rust/rust_kfunc_ref.rs, for a while or in a map. The verifier checks
 * that programs release each reference once. Programs also iterate over the pid
 * namespaces of a task, and over the namespaces of the current task.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "references.h"
#include "task_util.h"

#include "references.skel.h"

#define run(PROG)							\
	({								\
		self->skel->bss->ino = 0;				\
		run_syscall_prog(bpf_program__fd(self->skel->progs.PROG), \
				 NULL, 0);				\
	})

FIXTURE(references)
{
	struct references *skel;
	struct ns_task task;
};

FIXTURE_SETUP(references)
{
	self->task.sock = -1;
	ASSERT_EQ(0, module_load(REFERENCES_MODULE, NULL));
	self->skel = references__open_and_load();
	ASSERT_NE(NULL, self->skel);
}

FIXTURE_TEARDOWN(references)
{
	ns_stop(&self->task);
	references__destroy(self->skel);
}

TEST_F(references, of_current)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_ident(getpid(), "pid", &ident));
	ASSERT_EQ(0, run(of_current));
	EXPECT_EQ(ident.ino, self->skel->bss->ino);
}

TEST_F(references, of_task)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	self->skel->bss->pid = self->task.pid;
	ASSERT_EQ(0, run(of_task));
	EXPECT_EQ(ident.ino, self->skel->bss->ino);
}

TEST_F(references, taken_from_a_map_once)
{
	struct bpf_ns_ident ident;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &ident));
	self->skel->bss->pid = self->task.pid;
	ASSERT_EQ(0, run(keep));
	EXPECT_EQ(ident.ino, self->skel->bss->ino);
	ns_stop(&self->task);

	/* The namespace has no tasks. */
	ASSERT_EQ(0, run(take));
	EXPECT_EQ(ident.ino, self->skel->bss->ino);
	ASSERT_EQ(0, run(take));
	EXPECT_EQ(0, self->skel->bss->ino);
}

/* Sets a limit in a new user namespace, which has no pid namespaces. */
static int do_limit(void *unused)
{
	return write_file("/proc/sys/user/max_pid_namespaces", "1");
}

/*
 * Waits until a namespace is freed: only then, the limit permits another one.
 * The kernel frees a namespace a grace period after the last reference.
 */
static int wait_for_room(const struct ns_task *user)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	struct ns_task task = { .sock = -1 };
	int err = -ENOSPC;

	for (int i = 0; i < 200 && err == -ENOSPC; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = ns_start(&task, user, CLONE_NEWPID);
	}
	ns_stop(&task);
	return err;
}

/* Only the map has a reference to the namespace. */
FIXTURE(kept)
{
	struct references *skel;
	struct ns_task user;	/* with a limit of one pid namespace */
};

FIXTURE_VARIANT(kept)
{
	bool dtor_is_in_vmlinux;	/* vmlinux has a function of that name */
};

FIXTURE_VARIANT_ADD(kept, sample) {};

FIXTURE_VARIANT_ADD(kept, name_of_vmlinux)
{
	.dtor_is_in_vmlinux = true,
};

#define DTOR_MODULE "bpf_ns_test_dtor"

/* The module has the kfuncs of the sample, and is in the test directory. */
static int load_dtor_module(void)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/" DTOR_MODULE ".ko", test_dir());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = module_load_fd(fd, NULL);
	close(fd);
	return err;
}

/* Loads only the programs that call kfuncs of both modules. */
static struct references *load_keep_and_take(void)
{
	struct references *skel = references__open();
	struct bpf_program *prog;

	if (!skel)
		return NULL;
	bpf_object__for_each_program(prog, skel->obj) {
		bool is_needed = prog == skel->progs.keep || prog == skel->progs.take;

		bpf_program__set_autoload(prog, is_needed);
	}
	if (references__load(skel)) {
		references__destroy(skel);
		return NULL;
	}
	return skel;
}

FIXTURE_SETUP(kept)
{
	struct ns_task task = { .sock = -1 };

	self->user.sock = -1;
	if (variant->dtor_is_in_vmlinux) {
		int err;

		SKIP_WITHOUT_LOADABLE_MODULE(REFERENCES_MODULE);
		ASSERT_EQ(0, module_unload(REFERENCES_MODULE));
		err = load_dtor_module();
		if (err == -ENOENT)
			SKIP(return, "there is no " DTOR_MODULE ".ko for this kernel");
		ASSERT_EQ(0, err);
	} else {
		ASSERT_EQ(0, module_load(REFERENCES_MODULE, NULL));
	}
	/* Start the task before the map exists, or it would inherit the map. */
	ASSERT_EQ(0, ns_start(&self->user, NULL, CLONE_NEWUSER));
	ASSERT_EQ(0, ns_call(&self->user, do_limit, NULL));
	self->skel = load_keep_and_take();
	ASSERT_NE(NULL, self->skel);
	ASSERT_EQ(0, ns_start(&task, &self->user, CLONE_NEWPID));
	self->skel->bss->pid = task.pid;
	ASSERT_EQ(0, run(keep));
	ASSERT_NE(0, self->skel->bss->ino);
	ns_stop(&task);
	/* Without the reference, the namespace would be freed by now. */
	sleep(1);
	ASSERT_EQ(-ENOSPC, ns_start(&task, &self->user, CLONE_NEWPID));
}

FIXTURE_TEARDOWN(kept)
{
	ns_stop(&self->user);
	references__destroy(self->skel);
	EXPECT_EQ(0, module_unload(DTOR_MODULE));
}

TEST_F(kept, until_it_is_taken)
{
	ASSERT_EQ(0, run(take));
	EXPECT_EQ(0, wait_for_room(&self->user));
}

/* The destructor of the map releases the reference. */
TEST_F(kept, until_the_map_is_gone)
{
	references__destroy(self->skel);
	self->skel = NULL;
	EXPECT_EQ(0, wait_for_room(&self->user));
}

/* A module stays as long as its destructor may be called. */
TEST_F(references, module_stays)
{
	int fd;

	SKIP_WITHOUT_LOADABLE_MODULE(REFERENCES_MODULE);
	fd = dup(bpf_map__fd(self->skel->maps.kept));
	ASSERT_LE(0, fd);
	references__destroy(self->skel);
	self->skel = NULL;
	EXPECT_EQ(-EAGAIN, module_unload_now(REFERENCES_MODULE));
	close(fd);
	EXPECT_EQ(0, module_unload(REFERENCES_MODULE));
}

TEST_F(references, iterator)
{
	struct ns_task inner = { .sock = -1 };
	struct bpf_ns_ident ident;
	int i;
	const pid_t *pids[] = { &inner.pid, &self->task.pid };

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&inner, &self->task, CLONE_NEWPID));
	self->skel->bss->pid = inner.pid;
	ASSERT_EQ(0, run(go_up));
	ASSERT_EQ(3, self->skel->bss->nr_inos);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, ns_ident(*pids[i], "pid", &ident));
		EXPECT_EQ(ident.ino, self->skel->bss->inos[i]);
	}
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &ident));
	EXPECT_EQ(ident.ino, self->skel->bss->inos[2]);
	ns_stop(&inner);
}

static int do_all_types(void *skel)
{
	struct references *references = skel;

	return run_syscall_prog(bpf_program__fd(references->progs.all_types),
				NULL, 0);
}

/* Each type once, in the order of the names. */
TEST_F(references, all_types)
{
	struct bpf_ns_ident ident;
	int i;

	ASSERT_EQ(0, ns_start(&self->task, NULL, NESTED_NS));
	ASSERT_EQ(0, ns_call(&self->task, do_all_types, self->skel));
	ASSERT_EQ(NR_NS_TYPES, self->skel->bss->nr_type_inos);
	for (i = 0; i < NR_NS_TYPES; i++) {
		ASSERT_EQ(0, ns_ident(self->task.pid, ns_types[i].name, &ident));
		EXPECT_EQ((__u64)ns_types[i].flag << 32 | ident.ino,
			  self->skel->bss->type_inos[i]);
	}
}

FIXTURE(rejected)
{
	struct references *skel;
};

FIXTURE_VARIANT(rejected)
{
	const char *prog;
	const char *message;
};

#define rejected(NAME, MESSAGE)						\
	FIXTURE_VARIANT_ADD(rejected, NAME)				\
	{								\
		.prog = #NAME,						\
		.message = MESSAGE,					\
	}

rejected(not_given_back, "Unreleased reference");
rejected(not_checked, "Possibly NULL pointer passed to trusted");
rejected(null, "Possibly NULL pointer passed to trusted");
rejected(given_back_twice, "expects referenced PTR_TO_BTF_ID");
/* The rest of the message differs from Linux 7.2. */
rejected(used_after_that, "STRUCT bpf_pid_ns");
rejected(memory, "STRUCT bpf_pid_ns");
rejected(not_taken, "must be a rcu pointer");
rejected(not_taken_under_rcu, "must be a rcu pointer");
rejected(another_structure, "expected pointer to STRUCT bpf_pid_ns");
rejected(iterator_outside_rcu, "requires RCU critical section protection");
rejected(iterator_not_ended, "Unreleased reference");
rejected(iterator_overwritten, "expected an initialized iter_pid_ns");
rejected(item_beyond_rcu, "must be a rcu pointer");
rejected(task_ns_outside_rcu, "requires RCU critical section protection");
rejected(task_ns_beyond_rcu, "must be a rcu pointer");
rejected(item_of_task_ns, "expected pointer to STRUCT bpf_pid_ns");
rejected(item_given_back, "expects referenced PTR_TO_BTF_ID");
rejected(in_tracing, "bpf_rust_sample_ns_get is not allowed");

FIXTURE_SETUP(rejected)
{
	ASSERT_EQ(0, module_load(REFERENCES_MODULE, NULL));
}

FIXTURE_TEARDOWN(rejected)
{
	references__destroy(self->skel);
}

TEST_F(rejected, load)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = probe_log,
		    .kernel_log_size = sizeof(probe_log));
	struct bpf_program *prog;
	bool is_wanted;

	libbpf_set_print(NULL);
	probe_log[0] = 0;
	self->skel = references__open_opts(&opts);
	ASSERT_NE(NULL, self->skel);
	bpf_object__for_each_program(prog, self->skel->obj) {
		is_wanted = !strcmp(bpf_program__name(prog), variant->prog);
		bpf_program__set_autoload(prog, is_wanted);
	}
	EXPECT_GT(0, references__load(self->skel));
	EXPECT_NE(NULL, strstr(probe_log, variant->message)) {
		TH_LOG("%s", probe_log);
	}
}

NS_TEST_MAIN(REFERENCES_MODULE)
