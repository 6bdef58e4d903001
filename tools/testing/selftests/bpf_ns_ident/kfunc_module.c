// SPDX-License-Identifier: GPL-2.0
/*
 * Kfuncs of a module that the kernel must not take for others, must not have
 * called by programs of another type, and must not register late. And what safe
 * code in them finds of a task that exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define TEST_MODULE "bpf_ns_test"
#define NAME_MODULE "bpf_ns_test_name"
#define NAME_OF_VMLINUX "bpf_sock_is_valid_access"
#define TAKES_FRAME "bpf_ns_test_frame"

FIXTURE(kfunc_module)
{
	struct kfunc kfunc;
	struct raw_prog prog;
	int module;		/* its file */
};

/* The modules are beside the test, not among those of the kernel. */
static int open_test_module(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.ko", test_dir(), name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

FIXTURE_SETUP(kfunc_module)
{
	self->kfunc.btf_fd = -1;
	self->module = open_test_module(TEST_MODULE);
	if (self->module < 0)
		SKIP(return, "there is no " TEST_MODULE ".ko for this kernel");
	ASSERT_EQ(0, module_unload(TEST_MODULE));
}

FIXTURE_TEARDOWN(kfunc_module)
{
	kfunc_close(&self->kfunc);
	if (self->module < 0)
		return;
	EXPECT_EQ(0, module_unload(TEST_MODULE));
	EXPECT_EQ(0, module_unload(NAME_MODULE));
	close(self->module);
}

/* Returns its result, or a negative errno if the program cannot be loaded. */
static int call_by_syscall_prog(FIXTURE_DATA(kfunc_module) *self)
{
	/* Arguments that the function of vmlinux would reject at once. */
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, 1 << 20),
		BPF_MOV64_IMM(BPF_REG_2, 1),
		BPF_MOV64_IMM(BPF_REG_3, 1),
		BPF_MOV64_IMM(BPF_REG_4, 0),
		BPF_CALL_KFUNC(self->kfunc.id),
		BPF_EXIT_INSN(),
	};
	int fd, ret;

	self->prog.type = BPF_PROG_TYPE_SYSCALL;
	self->prog.flags = BPF_F_SLEEPABLE;
	self->prog.kfunc = &self->kfunc;
	self->prog.insns = insns;
	self->prog.cnt = ARRAY_SIZE(insns);
	fd = raw_load(&self->prog);
	if (fd < 0)
		return fd;
	ret = run_syscall_prog(fd, NULL, 0);
	close(fd);
	return ret;
}

TEST_F(kfunc_module, has_the_name_of_a_function_of_vmlinux)
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	int module = open_test_module(NAME_MODULE);

	ASSERT_LE(0, module);
	ASSERT_NE(NULL, vmlinux);
	if (btf__find_by_name_kind(vmlinux, NAME_OF_VMLINUX, BTF_KIND_FUNC) > 0) {
		/* Then the kernel notices that two have the name. */
		EXPECT_EQ(-EINVAL, module_load_fd(module, NULL));
		SKIP(return, "vmlinux has BTF of " NAME_OF_VMLINUX);
	}
	btf__free(vmlinux);
	ASSERT_EQ(0, module_load_fd(module, NULL));
	close(module);
	ASSERT_EQ(0, kfunc_find(&self->kfunc, NAME_MODULE, NAME_OF_VMLINUX));
	EXPECT_EQ(4242, call_by_syscall_prog(self)) {
		TH_LOG("%s", self->prog.log);
	}
}

/* The context of others is memory to a program, of as many integers. */
static int load_with_memory(FIXTURE_DATA(kfunc_module) *self,
			    enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
		BPF_CALL_KFUNC(self->kfunc.id),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	self->prog.type = type;
	self->prog.kfunc = &self->kfunc;
	self->prog.insns = insns;
	self->prog.cnt = ARRAY_SIZE(insns);
	return fd_drop(raw_load(&self->prog));
}

TEST_F(kfunc_module, takes_a_context_of_other_programs)
{
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_SYSCALL,
		BPF_PROG_TYPE_KPROBE,
		BPF_PROG_TYPE_SCHED_CLS,
		/* Without an attach type it may be called in a cpumap. */
		BPF_PROG_TYPE_XDP,
	};

	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, TEST_MODULE, TAKES_FRAME));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-EACCES, load_with_memory(self, types[i]));
		EXPECT_NE(NULL, strstr(self->prog.log, "calling kernel function "
				       TAKES_FRAME " is not allowed")) {
			TH_LOG("type %d: %s", types[i], self->prog.log);
		}
	}
}

TEST_F(kfunc_module, registered_by_a_live_module)
{
	char line[512] = "";
	int klog = klog_open();

	ASSERT_LE(0, klog);
	ASSERT_EQ(0, module_load_fd(self->module, "register_late=1"));
	ASSERT_EQ(0, module_unload(TEST_MODULE));
	EXPECT_TRUE(klog_find(klog, "registered late: EBUSY", line,
			      sizeof(line)));
	close(klog);
}

/* Whoever waits for the task may release it on another CPU at that moment. */
TEST_F(kfunc_module, called_at_the_last_switch)
{
	struct ns_task task = { .sock = -1 };
	struct report event = {};
	struct probe probe;

	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	ASSERT_EQ(0, probe_open(&probe, "exited")) {
		TH_LOG("%s", probe_log);
	}
	ASSERT_EQ(0, ns_start(&task, NULL, CLONE_NEWPID));
	probe.report->err = POISON_ERR;
	probe_target(&probe, task.pid);
	/* It waits, which is a switch. */
	ASSERT_EQ(0, ns_call(&task, ns_do_getpgid, NULL));
	ASSERT_EQ(0, kill(task.pid, SIGKILL));
	EXPECT_EQ(0, probe_wait(&probe, &event));
	EXPECT_EQ(1, event.calls);
	EXPECT_EQ(0, event.err);
	ns_stop(&task);
	probe_close(&probe);
}

NS_TEST_MAIN(MODULE)
