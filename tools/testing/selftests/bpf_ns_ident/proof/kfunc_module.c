// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of modules with kfuncs in Rust. The kernel must not call a function of
 * vmlinux with the same name, must not accept calls of other program types, and
 * must not register kfuncs late or twice. The verifier checks each argument by
 * its own type, and the kfunc reads as many bits. Safe code in kfuncs handles
 * an exiting task.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define TEST_MODULE "bpf_ns_test"
#define MIXED_MODULE "bpf_ns_test_mixed"
#define NAME_MODULE "bpf_ns_test_name"
#define NAME_OF_VMLINUX "bpf_sock_is_valid_access"
#define TAKES_FRAME "bpf_ns_test_frame"

FIXTURE(kfunc_module)
{
	struct kfunc kfunc;
	struct raw_prog prog;
	int module;		/* the file */
};

/* The modules are in the test directory, not in /lib/modules. */
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
	EXPECT_EQ(0, module_unload(MIXED_MODULE));
	EXPECT_EQ(0, module_unload(NAME_MODULE));
	close(self->module);
}

/* Loads a syscall program. */
static int load_syscall(FIXTURE_DATA(kfunc_module) *self,
			const struct bpf_insn *insns, size_t cnt)
{
	self->prog.type = BPF_PROG_TYPE_SYSCALL;
	self->prog.flags = BPF_F_SLEEPABLE;
	self->prog.kfunc = &self->kfunc;
	self->prog.insns = insns;
	self->prog.cnt = cnt;
	return raw_load(&self->prog);
}

/* Returns the result, or a negative errno if the load fails. */
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

	fd = load_syscall(self, insns, ARRAY_SIZE(insns));
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
		/* The kernel finds both functions, and rejects the module. */
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

/* Passes memory for a structure with the name of another type's context. */
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
		/*
		 * Without an attach type, a program of a cpumap may call this
		 * one.
		 */
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

TEST_F(kfunc_module, registered_twice)
{
	char line[512] = "";
	int klog = klog_open();

	ASSERT_LE(0, klog);
	ASSERT_EQ(0, module_load_fd(self->module, "register_twice=1"));
	EXPECT_TRUE(klog_find(klog, "registered twice: EEXIST", line,
			      sizeof(line)));
	close(klog);
}

/* Loads a syscall program that passes its context, and returns the result. */
static int load_call(FIXTURE_DATA(kfunc_module) *self)
{
	const struct bpf_insn insns[] = {
		BPF_CALL_KFUNC(self->kfunc.id),
		BPF_EXIT_INSN(),
	};

	return load_syscall(self, insns, ARRAY_SIZE(insns));
}

/* The structures of test_modules/bpf_ns_test.rs. */
struct small {
	__u32 a, b;
};

struct odd {
	__u16 a, b, c;
};

struct large {
	struct small small;
	struct odd odd;
	__u16 c;
	__u64 d, e;
};

#define SMALL { 0x00010203, 0x04050607 }
#define ODD { 0x1011, 0x1213, 0x1415 }

static const struct small small = SMALL;
static const struct odd odd = ODD;
static const struct large large = {
	SMALL, ODD, 0x1617, 0x2021222324252627, 0x3031323334353637,
};

#define BEHIND 8

/* The context is memory, which must be as large as the structure. */
static void expect_filled(struct __test_metadata *_metadata,
			  FIXTURE_DATA(kfunc_module) *self, const char *kfunc,
			  const void *value, size_t size)
{
	__u8 ctx[sizeof(struct large) + BEHIND], poison[sizeof(ctx)];
	int fd;

	memset(poison, POISON & 0xff, sizeof(poison));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, TEST_MODULE, kfunc));
	fd = load_call(self);
	ASSERT_LE(0, fd) {
		TH_LOG("%s: %s", kfunc, self->prog.log);
	}
	memcpy(ctx, poison, sizeof(ctx));
	EXPECT_EQ(-EINVAL, run_syscall_prog(fd, ctx, size - 1));
	EXPECT_EQ(0, memcmp(ctx, poison, sizeof(ctx)));
	EXPECT_EQ(0, run_syscall_prog(fd, ctx, size));
	EXPECT_EQ(0, memcmp(ctx, value, size)) {
		TH_LOG("%s does not fill its structure", kfunc);
	}
	memcpy(ctx, poison, sizeof(ctx));
	EXPECT_EQ(0, run_syscall_prog(fd, ctx, size + BEHIND));
	EXPECT_EQ(0, memcmp(ctx, value, size));
	EXPECT_EQ(0, memcmp(ctx + size, poison, BEHIND));
	close(fd);
	kfunc_close(&self->kfunc);
}

TEST_F(kfunc_module, has_structures_of_several_sizes)
{
	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	expect_filled(_metadata, self, "bpf_ns_test_fill_small", &small,
		      sizeof(small));
	expect_filled(_metadata, self, "bpf_ns_test_fill_odd", &odd, sizeof(odd));
	expect_filled(_metadata, self, "bpf_ns_test_fill_large", &large,
		      sizeof(large));
}

TEST_F(kfunc_module, reads_a_structure_with_others_in_it)
{
	const __u32 sum = small.a + small.b + odd.a + odd.b + odd.c + large.c +
			  large.d + large.e;
	struct large ctx = large;
	int fd;

	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, TEST_MODULE, "bpf_ns_test_sum"));
	fd = load_call(self);
	ASSERT_LE(0, fd) {
		TH_LOG("%s", self->prog.log);
	}
	EXPECT_EQ(sum, (__u32)run_syscall_prog(fd, &ctx, sizeof(ctx)));
	EXPECT_EQ(-EINVAL, run_syscall_prog(fd, &ctx, sizeof(ctx) - 1));
	EXPECT_EQ(0, memcmp(&ctx, &large, sizeof(ctx)));
	close(fd);
}

struct pair {
	__u32 a, b;
};

/* Returns the result of a call with CTX, or a negative errno. */
static int call_mixed(FIXTURE_DATA(kfunc_module) *self, const char *kfunc,
		      struct pair *ctx)
{
	int fd, ret = kfunc_find(&self->kfunc, MIXED_MODULE, kfunc);

	if (ret)
		return ret;
	fd = load_call(self);
	kfunc_close(&self->kfunc);
	if (fd < 0)
		return fd;
	ret = run_syscall_prog(fd, ctx, sizeof(*ctx));
	close(fd);
	return ret;
}

/* Returns how many types with this name and kind split BTF has, without its base. */
static int count_types(const struct btf *btf, const char *name, __u32 kind)
{
	__u32 id = btf__type_cnt(btf__base_btf(btf));
	int nr = 0;

	for (; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_kind(type) == kind &&
		    !strcmp(btf__name_by_offset(btf, type->name_off), name))
			nr++;
	}
	return nr;
}

TEST_F(kfunc_module, has_two_lists_and_kfuncs_in_c)
{
	static const char *const kfuncs[] = {
		"bpf_ns_test_pair_fill", "bpf_ns_test_pair_sum",
		"bpf_ns_test_pair_diff",
	};
	int module = open_test_module(MIXED_MODULE);
	struct btf *vmlinux, *btf;
	struct pair pair = {};

	ASSERT_LE(0, module);
	ASSERT_EQ(0, module_load_fd(module, NULL));
	close(module);

	EXPECT_EQ(0, call_mixed(self, kfuncs[0], &pair)) {
		TH_LOG("%s", self->prog.log);
	}
	EXPECT_EQ(40, pair.a);
	EXPECT_EQ(2, pair.b);
	EXPECT_EQ(42, call_mixed(self, kfuncs[1], &pair)) {
		TH_LOG("%s", self->prog.log);
	}
	EXPECT_EQ(38, call_mixed(self, kfuncs[2], &pair)) {
		TH_LOG("%s", self->prog.log);
	}

	vmlinux = btf__load_vmlinux_btf();
	ASSERT_NE(NULL, vmlinux);
	btf = btf__load_module_btf(MIXED_MODULE, vmlinux);
	ASSERT_NE(NULL, btf);
	/* Rust and C have the same structure. */
	EXPECT_EQ(1, count_types(btf, "bpf_ns_test_pair", BTF_KIND_STRUCT));
	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++)
		EXPECT_EQ(1, count_types(btf, kfuncs[i], BTF_KIND_FUNC));
	/* A function in C that is no kfunc. */
	EXPECT_EQ(1, count_types(btf, "bpf_ns_test_mixed_register", BTF_KIND_FUNC));
	btf__free(btf);
	btf__free(vmlinux);
}

/* The program types of one list do not restrict or widen those of the others. */
TEST_F(kfunc_module, has_program_types_of_each_list)
{
	static const struct {
		const char *kfunc;
		int err;
	} cases[] = {
		{ "bpf_ns_test_pair_fill", 0 },
		{ "bpf_ns_test_pair_sum", 0 },
		{ "bpf_ns_test_pair_diff", -EACCES },
	};
	int module = open_test_module(MIXED_MODULE);

	ASSERT_LE(0, module);
	ASSERT_EQ(0, module_load_fd(module, NULL));
	close(module);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, kfunc_find(&self->kfunc, MIXED_MODULE, cases[i].kfunc));
		EXPECT_EQ(cases[i].err,
			  load_with_memory(self, BPF_PROG_TYPE_RAW_TRACEPOINT)) {
			TH_LOG("%s: %s", cases[i].kfunc, self->prog.log);
		}
		kfunc_close(&self->kfunc);
	}
}

/* A register has 64 bits, also for a shorter argument. */
static void expect_ints(struct __test_metadata *_metadata,
			FIXTURE_DATA(kfunc_module) *self, const char *kfunc,
			const __u64 *regs, int nr_regs, const __s64 want[4])
{
	__s64 ints[4] = { POISON, POISON, POISON, POISON };
	struct bpf_insn insns[11];
	int fd, cnt = 0;

	ASSERT_EQ(0, kfunc_find(&self->kfunc, TEST_MODULE, kfunc));
	/* The context is the last argument. */
	insns[cnt++] = BPF_MOV64_REG(BPF_REG_1 + nr_regs, BPF_REG_1);
	for (int i = 0; i < nr_regs; i++) {
		const struct bpf_insn ld[] = { BPF_LD_IMM64(BPF_REG_1 + i, regs[i]) };

		insns[cnt++] = ld[0];
		insns[cnt++] = ld[1];
	}
	insns[cnt++] = BPF_CALL_KFUNC(self->kfunc.id);
	insns[cnt++] = BPF_EXIT_INSN();
	fd = load_syscall(self, insns, cnt);
	ASSERT_LE(0, fd) {
		TH_LOG("%s: %s", kfunc, self->prog.log);
	}
	EXPECT_EQ(0, run_syscall_prog(fd, ints, sizeof(ints)));
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(want[i], ints[i]) {
			TH_LOG("%s, argument %d", kfunc, i);
		}
	}
	close(fd);
	kfunc_close(&self->kfunc);
}

TEST_F(kfunc_module, takes_as_many_bits_as_an_argument_has)
{
	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	expect_ints(_metadata, self, "bpf_ns_test_bytes",
		    (__u64[]){ 0xa5a5a5a5a5a5a57f, 0xa5a5a5a5a5a5a580,
			       0xa5a5a5a5a5a5a500 }, 3,
		    (__s64[]){ 0x7f, -0x80, 0, 0 });
	expect_ints(_metadata, self, "bpf_ns_test_bytes",
		    (__u64[]){ 0x5a5a5a5a5a5a5aff, 0x5a5a5a5a5a5a5a7f,
			       0x5a5a5a5a5a5a5a02 }, 3,
		    (__s64[]){ 0xff, 0x7f, 1, 0 });
	expect_ints(_metadata, self, "bpf_ns_test_words",
		    (__u64[]){ 0xa5a5a5a5a5a57fff, 0xa5a5a5a5a5a58000,
			       0xa5a5a5a57fffffff, 0xa5a5a5a580000000 }, 4,
		    (__s64[]){ 0x7fff, -0x8000, 0x7fffffff, -0x80000000LL });
	expect_ints(_metadata, self, "bpf_ns_test_words",
		    (__u64[]){ 0x5a5a5a5a5a5affff, 0x5a5a5a5a5a5a7fff,
			       0x5a5a5a5affffffff, 0x5a5a5a5a7fffffff }, 4,
		    (__s64[]){ 0xffff, 0x7fff, 0xffffffff, 0x7fffffff });
}

/* The verifier passes the program, also if the program sets the register. */
TEST_F(kfunc_module, gets_the_program_behind_its_arguments)
{
	const struct bpf_insn set_register = BPF_MOV64_IMM(BPF_REG_5, 1);
	struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, 1),
		BPF_MOV64_IMM(BPF_REG_2, 2),
		BPF_MOV64_IMM(BPF_REG_3, 3),
		BPF_MOV64_IMM(BPF_REG_4, 4),
		BPF_JMP_A(0),
		BPF_CALL_KFUNC(0),
		BPF_EXIT_INSN(),
	};

	ASSERT_EQ(0, module_load_fd(self->module, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, TEST_MODULE, "bpf_ns_test_of_prog"));
	insns[5].imm = self->kfunc.id;
	for (int i = 0; i < 2; i++) {
		int fd = load_syscall(self, insns, ARRAY_SIZE(insns));

		ASSERT_LE(0, fd) {
			TH_LOG("%s", self->prog.log);
		}
		EXPECT_EQ(0x04030201, run_syscall_prog(fd, NULL, 0));
		close(fd);
		insns[4] = set_register;
	}
}

/* The parent may release the task on another CPU at that moment. */
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
	/* The task waits, which is a switch. */
	ASSERT_EQ(0, ns_call(&task, ns_do_getpgid, NULL));
	ASSERT_EQ(0, kill(task.pid, SIGKILL));
	EXPECT_EQ(0, probe_wait(&probe, &event));
	EXPECT_EQ(1, event.calls);
	EXPECT_EQ(0, event.err);
	ns_stop(&task);
	probe_close(&probe);
}

NS_TEST_MAIN(MODULE)
