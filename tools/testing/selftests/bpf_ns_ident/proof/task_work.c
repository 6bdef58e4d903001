// SPDX-License-Identifier: GPL-2.0
/*
 * The loader of a program is the task that calls bpf(2), also in a callback of
 * bpf_task_work_schedule_signal() that another task has scheduled.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#include "task_work_load.skel.h"

#define REFUSED "] refused, "
#define ROOT_CONTAINER (ALL_NS & ~CLONE_NEWUSER)

FIXTURE(task_work)
{
	struct kfunc kfunc;
	struct ns_task from;	/* schedules the callback */
	struct ns_task to;	/* runs it */
	struct request *request;	/* shared with the tasks */
	int klog;
};

/* Arguments for a task. */
struct request {
	int kfunc_id;		/* 0: the program calls nothing */
	pid_t target;
	bool is_kept;
	__u32 prog_id;		/* of the kept program */
	int fd;			/* in the task that loaded it */
};

FIXTURE_SETUP(task_work)
{
	self->from.sock = -1;
	self->to.sock = -1;
	self->kfunc.btf_fd = -1;
	/* A new module has logged nothing, so the rate limit does not apply. */
	ASSERT_EQ(0, module_reload(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->request = ns_alloc(sizeof(*self->request));
	ASSERT_NE(NULL, self->request);
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(task_work)
{
	ns_stop(&self->from);
	ns_stop(&self->to);
	kfunc_close(&self->kfunc);
	close(self->klog);
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

/* Returns the result of the load in the other task. */
static int do_have_task_load(void *arg)
{
	const struct bpf_insn nothing[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct request *request = arg;
	struct bpf_insn insns[NR_ASK_INSNS];
	struct task_work_load *skel;
	int err, tries = 200;

	libbpf_set_print(NULL);
	skel = task_work_load__open_and_load();
	if (!skel)
		return -errno;
	ask_ident(insns, request->kfunc_id);
	/* A program that a test runs returns the result of the kfunc. */
	if (request->is_kept)
		insns[NR_ASK_INSNS - 2] = BPF_JMP_A(0);
	if (request->kfunc_id) {
		memcpy(skel->bss->insns, insns, sizeof(insns));
		skel->bss->insn_cnt = ARRAY_SIZE(insns);
	} else {
		memcpy(skel->bss->insns, nothing, sizeof(nothing));
		skel->bss->insn_cnt = ARRAY_SIZE(nothing);
	}
	skel->bss->target = request->target;
	skel->bss->is_kept = request->is_kept;
	err = run_syscall_prog(bpf_program__fd(skel->progs.have_task_load), NULL,
			       0);
	while (!err && !__atomic_load_n(&skel->bss->is_done, __ATOMIC_ACQUIRE)) {
		usleep(100000);
		if (!--tries)
			err = -ETIMEDOUT;
	}
	if (!err)
		err = skel->bss->err;
	request->fd = skel->bss->fd;
	task_work_load__destroy(skel);
	return err;
}

static int have_load(FIXTURE_DATA(task_work) *self, int kfunc_id)
{
	self->request->kfunc_id = kfunc_id;
	self->request->target = self->to.pid;
	return ns_call(&self->from, do_have_task_load, self->request);
}

/* A task of the host loads, with instructions from a container. */
TEST_F(task_work, of_a_container_in_a_task_of_the_host)
{
	ASSERT_EQ(0, ns_start(&self->from, NULL, ROOT_CONTAINER));
	ASSERT_EQ(0, ns_start(&self->to, NULL, 0));
	EXPECT_EQ(0, have_load(self, self->kfunc.id));
	EXPECT_FALSE(klog_find(self->klog, REFUSED, NULL, 0));
}

TEST_F(task_work, of_the_host_in_a_task_of_a_container)
{
	char line[512] = "", want[512];

	ASSERT_EQ(0, ns_start(&self->from, NULL, 0));
	ASSERT_EQ(0, ns_start(&self->to, NULL, ROOT_CONTAINER));
	/* A program without the kfunc loads. */
	ASSERT_EQ(0, have_load(self, 0));
	EXPECT_EQ(-EACCES, have_load(self, self->kfunc.id));
	snprintf(want, sizeof(want),
		 "%s: prog by_task_work: load by %.15s[%d] refused, not in the initial cgroup, ipc, mnt, net, pid, time, uts namespaces",
		 MODULE, program_invocation_short_name, self->to.pid);
	EXPECT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
	EXPECT_EQ(0, strncmp(want, line, strlen(want))) {
		TH_LOG("%s", line);
	}
	EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
}

static int do_get_id(void *arg)
{
	struct request *request = arg;
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int err = bpf_prog_get_info_by_fd(request->fd, &info, &len);

	request->prog_id = info.id;
	return err;
}

/* Returns the result of the kfunc in the kept program. */
static int do_run(void *arg)
{
	const struct request *request = arg;
	int err, fd = bpf_prog_get_fd_by_id(request->prog_id);

	err = fd < 0 ? fd : run_syscall_prog(fd, NULL, 0);
	close(fd);
	return err;
}

/* Has the other task load, and keep the program. */
#define load_for_origin(FROM_FLAGS, TO_FLAGS)				\
	do {								\
		if (!origin_is_recorded())				\
			SKIP(return, "this kernel does not record the origin of programs"); \
		SKIP_WITHOUT_LOADABLE_MODULE(MODULE);			\
		kfunc_close(&self->kfunc);				\
		ASSERT_EQ(0, module_reload(MODULE, "loader_ns=user"));	\
		ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));	\
		ASSERT_EQ(0, ns_start(&self->from, NULL, FROM_FLAGS));	\
		ASSERT_EQ(0, ns_start(&self->to, NULL, TO_FLAGS));	\
		self->request->is_kept = true;				\
		ASSERT_EQ(0, have_load(self, self->kfunc.id));		\
		ASSERT_EQ(0, ns_call(&self->to, do_get_id, self->request)); \
	} while (0)

/* The origin is that of the task that runs the callback. */
TEST_F(task_work, program_of_a_task_of_the_host_sees_all)
{
	load_for_origin(ROOT_CONTAINER, 0);
	EXPECT_EQ(0, ns_call(&self->to, do_run, self->request));
	EXPECT_EQ(0, ns_call(&self->from, do_run, self->request));
}

TEST_F(task_work, program_of_a_task_of_a_container_sees_the_container)
{
	load_for_origin(0, ROOT_CONTAINER);
	EXPECT_EQ(0, ns_call(&self->to, do_run, self->request));
	EXPECT_EQ(-ESRCH, ns_call(&self->from, do_run, self->request));
}

NS_TEST_MAIN(MODULE)
