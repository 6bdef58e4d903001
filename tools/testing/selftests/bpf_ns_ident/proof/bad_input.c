// SPDX-License-Identifier: GPL-2.0
/*
 * Memory and other values that a program may pass for the identity. The
 * verifier must reject all others. The kfunc must fill the accepted memory, and
 * change nothing around it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define SIZE ((int)sizeof(struct bpf_ns_ident))

#define POISON_BYTE 0xa5

static void expect_ident(struct __test_metadata *_metadata, const void *got)
{
	struct bpf_ns_ident want, ident;

	memcpy(&ident, got, sizeof(ident));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &want));
	EXPECT_EQ(want.dev, ident.dev);
	EXPECT_EQ(want.ino, ident.ino);
	EXPECT_EQ(want.id, ident.id);
}

/* Expects the identity at an offset, between bytes of poison. */
static void expect_only_ident(struct __test_metadata *_metadata,
			      const __u8 *mem, int size, int offset)
{
	int i;

	expect_ident(_metadata, mem + offset);
	for (i = 0; i < size; i++) {
		if (i == offset)
			i += SIZE;
		if (i < size)
			EXPECT_EQ(POISON_BYTE, mem[i]);
	}
}

static void expect_log(struct __test_metadata *_metadata, const char *log,
		       const char *message)
{
	EXPECT_NE(NULL, strstr(log, message)) {
		TH_LOG("no '%s' in: %s", message, log);
	}
}

/*
 * A syscall program, built from instructions. It has 40 bytes of poison on its
 * stack, points R1 to them, changes R1 by the instructions of a test, and
 * passes R1. Then it copies the bytes on its stack to its context.
 */
#define STACK 40

FIXTURE(raw)
{
	struct kfunc kfunc;
	struct raw_prog *prog;	/* shared with tasks */
	struct ns_task task;
	int map;
	int fd;
};

FIXTURE_SETUP(raw)
{
	self->task.sock = -1;
	self->map = -1;
	self->fd = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
	self->prog->type = BPF_PROG_TYPE_SYSCALL;
}

FIXTURE_TEARDOWN(raw)
{
	ns_stop(&self->task);
	kfunc_close(&self->kfunc);
	if (self->map >= 0)
		close(self->map);
	if (self->fd >= 0)
		close(self->fd);
}

static int load_prog(struct raw_prog *prog, const struct bpf_insn *insns,
		     size_t cnt)
{
	prog->insns = insns;
	prog->cnt = cnt;
	return raw_load(prog);
}

static int load_passing(struct raw_prog *prog, const struct bpf_insn *arg,
			size_t cnt)
{
	struct bpf_insn insns[64], *insn = insns;
	int i;

	*insn++ = BPF_MOV64_REG(BPF_REG_6, BPF_REG_1);
	for (i = -STACK; i < 0; i += 4)
		*insn++ = BPF_ST_MEM(BPF_W, BPF_REG_10, i, (__s32)POISON);
	*insn++ = BPF_MOV64_REG(BPF_REG_1, BPF_REG_10);
	*insn++ = BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -STACK);
	memcpy(insn, arg, cnt * sizeof(*arg));
	insn += cnt;
	*insn++ = BPF_CALL_KFUNC(prog->kfunc->id);
	if (prog->type == BPF_PROG_TYPE_SYSCALL) {
		for (i = 0; i < STACK; i += 8) {
			*insn++ = BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10,
					      i - STACK);
			*insn++ = BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, i);
		}
	} else {
		*insn++ = BPF_MOV64_IMM(BPF_REG_0, 0);
	}
	*insn++ = BPF_EXIT_INSN();
	return load_prog(prog, insns, insn - insns);
}

/* The last arguments of these macros are instructions. */
#define load_insns(PROG, ...)						\
	({								\
		const struct bpf_insn _insns[] = { __VA_ARGS__ };	\
									\
		load_prog(PROG, _insns, ARRAY_SIZE(_insns));		\
	})

#define load_arg(PROG, ...)						\
	({								\
		const struct bpf_insn _insns[] = { __VA_ARGS__ };	\
									\
		load_passing(PROG, _insns, ARRAY_SIZE(_insns));		\
	})

#define expect_arg_refused(PROG, ERR, MESSAGE, ...)			\
	do {								\
		struct raw_prog *_prog = PROG;				\
		int _fd = load_arg(_prog, __VA_ARGS__);			\
									\
		EXPECT_EQ(ERR, _fd);					\
		expect_log(_metadata, _prog->log, MESSAGE);		\
		if (_fd >= 0)						\
			close(_fd);					\
	} while (0)

/* Runs the program, and returns the bytes of its stack. */
#define expect_arg_allowed(PROG, STACK_NOW, ...)			\
	do {								\
		struct raw_prog *_prog = PROG;				\
		int _fd = load_arg(_prog, __VA_ARGS__);			\
									\
		ASSERT_LE(0, _fd) {					\
			TH_LOG("%s", _prog->log);			\
		}							\
		EXPECT_EQ(0, run_syscall_prog(_fd, STACK_NOW, STACK));	\
		close(_fd);						\
	} while (0)

#define ADD(OFFSET) BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, OFFSET)

TEST_F(raw, null)
{
	expect_arg_refused(self->prog, -EACCES, "Possibly NULL pointer passed",
			   BPF_MOV64_IMM(BPF_REG_1, 0));
}

TEST_F(raw, scalar)
{
	expect_arg_refused(self->prog, -EACCES, "type=scalar expected=fp",
			   BPF_LD_IMM64(BPF_REG_1, POISON));
}

/* A call clobbers R1. */
TEST_F(raw, no_argument)
{
	expect_arg_refused(self->prog, -EACCES, "variable ? access",
			   BPF_EMIT_CALL(BPF_FUNC_get_smp_processor_id));
}

/* Registers without a parameter of the kfunc have no effect. */
TEST_F(raw, more_arguments)
{
	__u8 stack[STACK] = {};

	expect_arg_allowed(self->prog, stack,
			   BPF_MOV64_IMM(BPF_REG_2, 0),
			   BPF_MOV64_IMM(BPF_REG_3, -1),
			   BPF_MOV64_REG(BPF_REG_4, BPF_REG_6),
			   BPF_MOV64_REG(BPF_REG_5, BPF_REG_10));
	expect_only_ident(_metadata, stack, STACK, 0);
}

TEST_F(raw, stack_to_its_very_end)
{
	__u8 stack[STACK] = {};

	expect_arg_allowed(self->prog, stack, ADD(STACK - SIZE));
	expect_only_ident(_metadata, stack, STACK, STACK - SIZE);
}

TEST_F(raw, stack_one_byte_over_the_end)
{
	expect_arg_refused(self->prog, -EINVAL, "invalid read from stack",
			   ADD(STACK - SIZE + 1));
}

TEST_F(raw, stack_too_small)
{
	expect_arg_refused(self->prog, -EINVAL, "invalid read from stack",
			   ADD(STACK - 16));
}

TEST_F(raw, stack_beyond_the_limit)
{
	expect_arg_refused(self->prog, -EACCES, "invalid read from stack",
			   ADD(STACK - 513));
}

/* Even with BPF_F_STRICT_ALIGNMENT. */
TEST_F(raw, stack_unaligned)
{
	int offset;

	self->prog->flags = BPF_F_STRICT_ALIGNMENT;
	for (offset = 0; offset <= STACK - SIZE; offset++) {
		__u8 stack[STACK] = {};

		expect_arg_allowed(self->prog, stack, ADD(offset));
		expect_only_ident(_metadata, stack, STACK, offset);
	}
}

/* The offset is unknown until run time. */
TEST_F(raw, stack_at_an_offset_that_varies)
{
	__u8 stack[STACK] = { STACK - SIZE };

	/* The offset is in the context. */
	expect_arg_allowed(self->prog, stack,
			   BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 0),
			   BPF_ALU64_IMM(BPF_AND, BPF_REG_2, STACK - SIZE),
			   BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_2));
	expect_only_ident(_metadata, stack, STACK, STACK - SIZE);

	expect_arg_refused(self->prog, -EINVAL,
			   "invalid variable-offset read from stack",
			   BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 0),
			   BPF_ALU64_IMM(BPF_AND, BPF_REG_2, STACK - SIZE + 1),
			   BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_2));
}

static int load_uninitialised(struct raw_prog *prog)
{
	return load_insns(prog,
			  BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
			  BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
			  ADD(-24),
			  BPF_CALL_KFUNC(prog->kfunc->id),
			  BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -24),
			  BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 0),
			  BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -16),
			  BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 8),
			  BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
			  BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 16),
			  BPF_EXIT_INSN());
}

TEST_F(raw, stack_uninitialised)
{
	struct bpf_ns_ident ident = {};

	self->fd = load_uninitialised(self->prog);
	ASSERT_LE(0, self->fd) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_EQ(0, run_syscall_prog(self->fd, &ident, sizeof(ident)));
	expect_ident(_metadata, &ident);
}

static int do_drop_all_but_cap_bpf(void *unused)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {};

	data[CAP_BPF / 32].permitted = 1 << CAP_BPF % 32;
	data[CAP_BPF / 32].effective = 1 << CAP_BPF % 32;
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int do_load_initialised(void *prog)
{
	int fd = load_arg(prog, ADD(0));

	return fd < 0 ? fd : 0;
}

static int do_load_uninitialised(void *prog)
{
	int fd = load_uninitialised(prog);

	return fd < 0 ? fd : 0;
}

/* Without CAP_PERFMON, the verifier rejects uninitialised stack. */
TEST_F(raw, stack_uninitialised_without_cap_perfmon)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, do_drop_all_but_cap_bpf, NULL));
	EXPECT_EQ(0, ns_call(&self->task, do_load_initialised, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_EQ(-EACCES,
		  ns_call(&self->task, do_load_uninitialised, self->prog));
	expect_log(_metadata, self->prog->log, "invalid read from stack");
}

/* The verifier must forget that the memory had zeroes. */
TEST_F(raw, stack_that_was_constant)
{
	self->fd = load_insns(self->prog,
			      BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
			      BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
			      BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
			      BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
			      ADD(-24),
			      BPF_CALL_KFUNC(self->kfunc.id),
			      BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -16),
			      BPF_MOV64_IMM(BPF_REG_0, 1),
			      BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0, 1),
			      BPF_MOV64_IMM(BPF_REG_0, 0),
			      BPF_EXIT_INSN());
	ASSERT_LE(0, self->fd) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_EQ(1, run_syscall_prog(self->fd, NULL, 0));
}

/* A pointer that has become a number. */
TEST_F(raw, stack_that_was_a_pointer)
{
	self->fd = load_insns(self->prog,
			      BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
			      BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
			      BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_1, -8),
			      BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
			      ADD(-24),
			      BPF_CALL_KFUNC(self->kfunc.id),
			      BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
			      BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 0),
			      BPF_EXIT_INSN());
	EXPECT_EQ(-EACCES, self->fd);
	expect_log(_metadata, self->prog->log, "R1 invalid mem access 'scalar'");
}

/* Only the context of a syscall program is memory. */
TEST_F(raw, context_of_a_syscall_program)
{
	__u8 ctx[STACK];

	self->fd = load_insns(self->prog,
			      ADD(STACK - SIZE),
			      BPF_CALL_KFUNC(self->kfunc.id),
			      BPF_EXIT_INSN());
	ASSERT_LE(0, self->fd) {
		TH_LOG("%s", self->prog->log);
	}
	memset(ctx, POISON_BYTE, STACK);
	EXPECT_EQ(0, run_syscall_prog(self->fd, ctx, STACK));
	expect_only_ident(_metadata, ctx, STACK, STACK - SIZE);

	/* The size of the context is unknown until run time. */
	memset(ctx, POISON_BYTE, STACK);
	EXPECT_EQ(-EINVAL, run_syscall_prog(self->fd, ctx, STACK - 1));
	EXPECT_EQ(-EINVAL, run_syscall_prog(self->fd, NULL, 0));
	EXPECT_EQ(POISON_BYTE, ctx[STACK - SIZE]);
}

TEST_F(raw, context_of_other_programs)
{
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT,
		BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT,
		BPF_PROG_TYPE_CGROUP_DEVICE, BPF_PROG_TYPE_CGROUP_SYSCTL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		self->prog->type = types[i];
		expect_arg_refused(self->prog, -EACCES, "type=ctx expected=fp",
				   BPF_MOV64_REG(BPF_REG_1, BPF_REG_6));
	}
}

/* An array with one value. */
static int create_map(int value_size, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "array", sizeof(__u32),
			      value_size, 1, &opts);
}

#define make_map(VALUE_SIZE, FLAGS)					\
	do {								\
		self->map = create_map(VALUE_SIZE, FLAGS);		\
		ASSERT_LE(0, self->map);				\
	} while (0)

#define MAP_VALUE(FD) BPF_LD_MAP_VALUE(BPF_REG_1, FD, 0)

static void expect_map_allowed(struct __test_metadata *_metadata,
			       struct raw_prog *prog, int map, int size,
			       int offset)
{
	__u8 stack[STACK], value[STACK + 8];
	__u32 key = 0;

	memset(value, POISON_BYTE, sizeof(value));
	ASSERT_EQ(0, bpf_map_update_elem(map, &key, value, BPF_ANY));
	expect_arg_allowed(prog, stack, MAP_VALUE(map), ADD(offset));
	ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, value));
	expect_only_ident(_metadata, value, size, offset);
}

TEST_F(raw, map_value_to_its_very_end)
{
	make_map(STACK, 0);
	expect_map_allowed(_metadata, self->prog, self->map, STACK,
			   STACK - SIZE);
}

TEST_F(raw, map_value_one_byte_over_the_end)
{
	make_map(STACK, 0);
	expect_arg_refused(self->prog, -EACCES,
			   "invalid access to map value, value_size=40 off=17 size=24",
			   MAP_VALUE(self->map), ADD(STACK - SIZE + 1));
}

/* The kernel rounds the size up. Programs must not rely on that. */
TEST_F(raw, map_value_of_odd_size)
{
	make_map(SIZE + 1, 0);
	expect_map_allowed(_metadata, self->prog, self->map, SIZE + 1, 1);
	expect_arg_refused(self->prog, -EACCES,
			   "invalid access to map value, value_size=25 off=2 size=24",
			   MAP_VALUE(self->map), ADD(2));
}

TEST_F(raw, map_value_too_small)
{
	make_map(SIZE - 1, 0);
	expect_arg_refused(self->prog, -EACCES,
			   "invalid access to map value, value_size=23 off=0 size=24",
			   MAP_VALUE(self->map));
}

TEST_F(raw, map_value_before_its_beginning)
{
	make_map(STACK, 0);
	expect_arg_refused(self->prog, -EACCES, "R1 min value is negative",
			   MAP_VALUE(self->map), ADD(-1));
}

TEST_F(raw, map_value_unaligned)
{
	int offset;

	make_map(STACK, 0);
	self->prog->flags = BPF_F_STRICT_ALIGNMENT;
	for (offset = 0; offset <= STACK - SIZE; offset++)
		expect_map_allowed(_metadata, self->prog, self->map, STACK,
				   offset);
}

TEST_F(raw, map_value_at_an_offset_without_limit)
{
	make_map(STACK, 0);
	expect_arg_refused(self->prog, -EACCES, "R1 unbounded memory access",
			   MAP_VALUE(self->map),
			   BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_6, 0),
			   BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_2));
}

TEST_F(raw, map_value_that_programs_may_only_read)
{
	make_map(STACK, BPF_F_RDONLY_PROG);
	expect_arg_refused(self->prog, -EACCES, "write into map forbidden",
			   MAP_VALUE(self->map));
}

/* Constants of a program are in such a map. The kfunc only reads. */
TEST_F(raw, pidns_that_is_constant)
{
	make_map(STACK, BPF_F_RDONLY_PROG);
	kfunc_close(&self->kfunc);
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE,
				"bpf_get_current_pid_tgid_in"));
	expect_arg_refused(self->prog, -EACCES, "write into map forbidden",
			   MAP_VALUE(self->map));
}

/* The kfunc does not read, but its BTF does not show that. */
TEST_F(raw, map_value_that_programs_may_only_write)
{
	make_map(STACK, BPF_F_WRONLY_PROG);
	expect_arg_refused(self->prog, -EACCES, "read from map forbidden",
			   MAP_VALUE(self->map));
}

/* Programs may write to a frozen map, and userspace may not. */
TEST_F(raw, map_value_that_is_frozen)
{
	__u8 stack[STACK], value[STACK];
	__u32 key = 0;

	make_map(STACK, 0);
	ASSERT_EQ(0, bpf_map_freeze(self->map));
	expect_arg_allowed(self->prog, stack, MAP_VALUE(self->map));
	ASSERT_EQ(0, bpf_map_lookup_elem(self->map, &key, value));
	expect_ident(_metadata, value);
}

TEST_F(raw, map_itself)
{
	make_map(STACK, 0);
	expect_arg_refused(self->prog, -EINVAL,
			   "R1 has a pointer to STRUCT bpf_map",
			   BPF_LD_MAP_FD(BPF_REG_1, self->map));
}

/* The ids of the function and of its BTF may be any numbers. */
TEST_F(raw, id_of_something_else)
{
	struct kfunc other = self->kfunc;

	self->prog->kfunc = &other;
	/* The first types of BTF are not functions. */
	other.id = 1;
	expect_arg_refused(self->prog, -EINVAL, "is not a function", ADD(0));
	other.id = INT_MAX;
	expect_arg_refused(self->prog, -EINVAL, "is not a function", ADD(0));
	other.id = -self->kfunc.id;
	expect_arg_refused(self->prog, -EINVAL,
			   "invalid kernel function btf_id", ADD(0));
}

TEST_F(raw, id_in_the_btf_of_something_else)
{
	struct kfunc other = self->kfunc;

	self->prog->kfunc = &other;
	/* The BTF of the kernel always has the first id. */
	other.btf_fd = bpf_btf_get_fd_by_id(1);
	ASSERT_LE(0, other.btf_fd);
	expect_arg_refused(self->prog, -EINVAL,
			   "BTF fd for kfunc is not a module BTF", ADD(0));
	close(other.btf_fd);
}

TEST_F(raw, license_that_is_not_the_gpl)
{
	self->prog->license = "Proprietary";
	expect_arg_refused(self->prog, -EINVAL,
			   "from non-GPL compatible program", ADD(0));
}

/* Other kinds of memory: see progs/memory.bpf.c. */

/* The last warnings of libbpf. */
static char warnings[4096];

static int keep_warning(enum libbpf_print_level level, const char *format,
			va_list args)
{
	if (level == LIBBPF_WARN) {
		size_t len = strlen(warnings);

		vsnprintf(warnings + len, sizeof(warnings) - len, format, args);
	}
	return 0;
}

/* Loads one of the programs of an object. */
static int load_one(struct probe *probe, const char *object, const char *name)
{
	int err = probe_prepare(probe, object);

	warnings[0] = 0;
	libbpf_set_print(keep_warning);
	if (err)
		return err;
	probe->prog = bpf_object__find_program_by_name(probe->obj, name);
	if (!probe->prog)
		return -ENOENT;
	bpf_program__set_autoload(probe->prog, true);
	return probe_finish(probe);
}

FIXTURE(refused)
{
	struct probe probe;
};

FIXTURE_VARIANT(refused)
{
	const char *name;
	int err;
	const char *message;
	bool since_module;	/* the rejection needs a fix of the series */
};

#define REFUSED(NAME, ERR, MESSAGE, ...)				\
	FIXTURE_VARIANT_ADD(refused, NAME)				\
	{								\
		.name = #NAME,						\
		.err = ERR,						\
		.message = MESSAGE,					\
		__VA_ARGS__						\
	}

REFUSED(rodata, -EACCES, "write into map forbidden");
REFUSED(hash_value_unchecked, -EACCES, "Possibly NULL pointer passed");
REFUSED(hash_key, -EACCES, "cannot write into map_key");
REFUSED(ringbuf_record_too_small, -EACCES,
	"invalid access to memory, mem_size=23 off=0 size=24");
REFUSED(ringbuf_record_unchecked, -EACCES, "Possibly NULL pointer passed");
REFUSED(ringbuf_record_submitted, -EACCES, "type=scalar expected=fp");
REFUSED(dynptr_slice, -EINVAL,
	"the prog does not allow writes to packet data");
REFUSED(dynptr_slice_read_only, -EACCES, "cannot write into rdonly_mem");
REFUSED(dynptr_itself, -EINVAL, "invalid read from stack");
REFUSED(arena_page, -EACCES, "type=arena expected=fp");
REFUSED(packet_slice_too_small, -EACCES,
	"invalid access to memory, mem_size=23 off=0 size=24");
REFUSED(packet_too_short, -EACCES, "invalid access to packet");
REFUSED(packet_unchecked, -EACCES, "invalid access to packet");
REFUSED(packet_end, -EACCES, "type=pkt_end expected=fp");
REFUSED(skb_slice, -EACCES, "cannot write into rdonly_mem");
REFUSED(skb_data, -EACCES, "invalid access to memory, mem_size=0");
REFUSED(skb, -EINVAL, "R1 has a pointer to STRUCT sk_buff");
REFUSED(task, -EINVAL, "R1 has a pointer to STRUCT task_struct");
REFUSED(untrusted, -EINVAL, "must be referenced or trusted");
REFUSED(socket_under_rcu, -EINVAL, "must be referenced or trusted");
REFUSED(socket_of_fentry, -EINVAL, "must be referenced or trusted");
REFUSED(socket_of_released_file, -EINVAL, "must be referenced or trusted");
REFUSED(socket_of_fentry_file, -EINVAL, "must be referenced or trusted");
REFUSED(socket_of_sockmap, -EINVAL, "must be referenced or trusted");
REFUSED(packet_at_an_offset, -EINVAL, "expected pointer to STRUCT sk_buff at offset 0",
	.since_module = true);
REFUSED(context_at_an_offset, -EACCES,
	"dereference of modified ctx ptr");
REFUSED(packet_read_only, -EACCES,
	"packet data that the prog may not write to",
	.since_module = true);
REFUSED(untrusted_memory, -EACCES, "invalid access to memory, mem_size=0");
REFUSED(object, -EINVAL,
	"expected pointer to STRUCT bpf_ns_ident but R1 has a pointer to STRUCT bpf_ns_ident");
REFUSED(iterator_key, -EACCES, "cannot write into rdonly_buf");

FIXTURE_SETUP(refused)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(refused)
{
	probe_close(&self->probe);
}

TEST_F(refused, by_the_verifier)
{
	if (variant->since_module && module_is_out_of_tree(MODULE))
		SKIP(return, "the module is out of tree: its kernel may lack the check");
	EXPECT_EQ(variant->err,
		  load_one(&self->probe, "memory", variant->name));
	expect_log(_metadata, probe_log, variant->message);
}

/* Arguments of iterators that only a kernel with the series trusts. */
FIXTURE(iterated)
{
	struct probe probe;
};

FIXTURE_VARIANT(iterated)
{
	const char *name;
	const char *message;	/* without the series */
};

#define ITERATED(NAME, MESSAGE)						\
	FIXTURE_VARIANT_ADD(iterated, NAME)				\
	{								\
		.name = #NAME,						\
		.message = MESSAGE,					\
	}

ITERATED(socket_of_unix, "must be referenced or trusted");
ITERATED(socket_of_netlink, "must be referenced or trusted");
ITERATED(socket_of_file, "must be referenced or trusted");
ITERATED(task_of_file, "must be a rcu pointer");
ITERATED(task_of_vma, "must be a rcu pointer");

FIXTURE_SETUP(iterated)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(iterated)
{
	probe_close(&self->probe);
}

TEST_F(iterated, is_trusted_with_the_series)
{
	if (module_is_out_of_tree(MODULE)) {
		EXPECT_EQ(-EINVAL,
			  load_one(&self->probe, "memory", variant->name));
		expect_log(_metadata, probe_log, variant->message);
	} else {
		EXPECT_EQ(0, load_one(&self->probe, "memory", variant->name)) {
			TH_LOG("%s", probe_log);
		}
	}
}

FIXTURE(allowed)
{
	struct probe probe;
};

FIXTURE_VARIANT(allowed)
{
	const char *name;
};

#define ALLOWED(NAME)							\
	FIXTURE_VARIANT_ADD(allowed, NAME)				\
	{								\
		.name = #NAME,						\
	}

ALLOWED(global_variable);
ALLOWED(hash_value);
ALLOWED(ringbuf_record);
ALLOWED(dynptr_data);

FIXTURE_SETUP(allowed)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(allowed)
{
	probe_close(&self->probe);
}

static void expect_report(struct __test_metadata *_metadata,
			  const struct report *report)
{
	EXPECT_EQ(1, report->calls);
	EXPECT_EQ(0, report->err);
	expect_ident(_metadata, &report->ident);
}

TEST_F(allowed, and_filled)
{
	ASSERT_EQ(0, load_one(&self->probe, "memory", variant->name)) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_EQ(0, run_syscall_prog(self->probe.fd, NULL, 0));
	expect_report(_metadata, self->probe.report);
}

/* Programs that are attached. */
FIXTURE(attached)
{
	struct probe probe;
	int fd;
	int other_fd;
};

FIXTURE_SETUP(attached)
{
	self->fd = -1;
	self->other_fd = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(attached)
{
	if (self->fd >= 0)
		close(self->fd);
	if (self->other_fd >= 0)
		close(self->other_fd);
	probe_close(&self->probe);
}

/* The root of all cgroups, independent of existing mounts. */
static int open_root_cgroup(void)
{
	int fs = syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	int fd = -1;

	if (fs >= 0 &&
	    !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (fs >= 0)
		close(fs);
	return fd;
}

/* Attaches the program for all tasks. The program checks its target. */
#define attach_getsockopt(NAME)						\
	do {								\
		SKIP_WITHOUT("CONFIG_CGROUP_BPF");			\
		self->fd = open_root_cgroup();				\
		ASSERT_LE(0, self->fd);					\
		ASSERT_EQ(0, load_one(&self->probe, "memory", NAME)) {	\
			TH_LOG("%s", probe_log);			\
		}							\
		self->probe.link = bpf_program__attach_cgroup(		\
			self->probe.prog, self->fd);			\
		ASSERT_NE(NULL, self->probe.link);			\
		self->other_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); \
		ASSERT_LE(0, self->other_fd);				\
		probe_target(&self->probe, getpid());			\
	} while (0)

/*
 * No program type of the kfunc has packets. But to the verifier, the value of a
 * socket option is packet memory, which userspace receives.
 */
TEST_F(attached, packet)
{
	struct bpf_ns_ident ident = {};
	socklen_t len = sizeof(ident);

	attach_getsockopt("packet");
	EXPECT_EQ(0, getsockopt(self->other_fd, IPPROTO_IP, MAGIC_PID, &ident,
				&len));
	EXPECT_EQ(sizeof(ident), len);
	expect_ident(_metadata, &ident);
	expect_report(_metadata, self->probe.report);

	/* The program checks the size, which is too small. */
	len--;
	EXPECT_EQ(-1, getsockopt(self->other_fd, IPPROTO_IP, MAGIC_PID, &ident,
				 &len));
	EXPECT_EQ(ENOPROTOOPT, errno);
	EXPECT_EQ(1, self->probe.report->calls);
}

/* A program type that may write to packets. */
TEST_F(attached, packet_to_write_to)
{
	__u8 packet[64] = {}, after[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .data_out = after,
		    .data_size_out = sizeof(after));
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_ident(getpid(), "net", &want));
	ASSERT_EQ(0, load_one(&self->probe, "memory", "packet_to_write_to")) {
		TH_LOG("%s", probe_log);
	}
	ASSERT_EQ(0, bpf_prog_test_run_opts(self->probe.fd, &opts));
	EXPECT_EQ(0, opts.retval);
	EXPECT_EQ(sizeof(after), opts.data_size_out);
	EXPECT_EQ(0, memcmp(&want, after, sizeof(want)));
	EXPECT_EQ(0, memcmp(packet + sizeof(want), after + sizeof(want),
			    sizeof(packet) - sizeof(want)));
}

/* Only such types may have slices for writing. */
TEST_F(attached, packet_slice)
{
	struct bpf_ns_ident ident;
	socklen_t len = sizeof(ident);

	attach_getsockopt("packet_slice");
	EXPECT_EQ(-1, getsockopt(self->other_fd, IPPROTO_IP, MAGIC_PID, &ident,
				 &len));
	expect_report(_metadata, self->probe.report);
}

static int attach_iterator(struct probe *probe, int map)
{
	union bpf_iter_link_info info = { .map.map_fd = map };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info,
		    .link_info_len = sizeof(info));

	probe->link = bpf_program__attach_iter(probe->prog, &opts);
	return probe->link ? 0 : -errno;
}

/* The size of values is unknown until the program is attached. */
TEST_F(attached, iterator_value)
{
	__u8 value[STACK];
	__u32 key = 0;

	ASSERT_EQ(0, load_one(&self->probe, "memory", "iterator_value")) {
		TH_LOG("%s", probe_log);
	}
	self->fd = create_map(SIZE - 1, 0);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(-EACCES, attach_iterator(&self->probe, self->fd));
	close(self->fd);

	self->fd = create_map(STACK, 0);
	ASSERT_LE(0, self->fd);
	memset(value, POISON_BYTE, sizeof(value));
	ASSERT_EQ(0, bpf_map_update_elem(self->fd, &key, value, BPF_ANY));
	ASSERT_EQ(0, attach_iterator(&self->probe, self->fd));
	self->other_fd = bpf_iter_create(bpf_link__fd(self->probe.link));
	ASSERT_LE(0, self->other_fd);
	EXPECT_EQ(0, read(self->other_fd, value, sizeof(value)));
	ASSERT_EQ(0, bpf_map_lookup_elem(self->fd, &key, value));
	expect_only_ident(_metadata, value, sizeof(value), 0);
	expect_report(_metadata, self->probe.report);
}

/* Prototypes that differ from the module: see progs/prototypes.bpf.c. */
FIXTURE(prototype)
{
	struct probe probe;
};

FIXTURE_SETUP(prototype)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(prototype)
{
	probe_close(&self->probe);
}

/* libbpf compares kinds of types, and ignores the content of structures. */
TEST_F(prototype, compatible)
{
	ASSERT_EQ(0, load_one(&self->probe, "prototypes", "compatible")) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_EQ(0xf, run_syscall_prog(self->probe.fd, NULL, 0));
}

TEST_F(prototype, incompatible)
{
	EXPECT_EQ(-EINVAL, load_one(&self->probe, "strong", "on_strong"));
	expect_log(_metadata, warnings, KFUNC "___sized': func_proto");
	expect_log(_metadata, warnings, module_is_built_in(MODULE) ?
		   "incompatible with vmlinux" : "incompatible with " MODULE);
}

TEST_F(prototype, smaller_struct)
{
	EXPECT_EQ(-EACCES,
		  load_one(&self->probe, "prototypes", "pass_smaller"));
	expect_log(_metadata, probe_log,
		   "invalid access to map value, value_size=16 off=0 size=24");
}

TEST_F(prototype, larger_struct)
{
	ASSERT_EQ(0, load_one(&self->probe, "prototypes", "pass_larger")) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_EQ(1, run_syscall_prog(self->probe.fd, NULL, 0));
	EXPECT_EQ(0, self->probe.report->err);
	expect_ident(_metadata, &self->probe.report->ident);
}

/* Without the module: see progs/weak.bpf.c. */
FIXTURE(module)
{
	struct probe probe;
};

FIXTURE_SETUP(module)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
}

FIXTURE_TEARDOWN(module)
{
	probe_close(&self->probe);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

TEST_F(module, present_for_a_weak_symbol)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, load_one(&self->probe, "weak", "checked")) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_EQ(2, run_syscall_prog(self->probe.fd, NULL, 0));
	expect_report(_metadata, self->probe.report);
}

TEST_F(module, absent_for_a_weak_symbol)
{
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, load_one(&self->probe, "weak", "checked")) {
		TH_LOG("%s", probe_log);
	}
	EXPECT_EQ(1, run_syscall_prog(self->probe.fd, NULL, 0));
	EXPECT_EQ(0, self->probe.report->calls);
	EXPECT_FALSE(module_is_loaded(MODULE));
}

TEST_F(module, absent_for_a_weak_symbol_unchecked)
{
	ASSERT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(-EINVAL, load_one(&self->probe, "weak", "unchecked"));
	expect_log(_metadata, probe_log,
		   "kfunc '" KFUNC "' is referenced but wasn't resolved");
}

TEST_F(module, absent_for_a_symbol)
{
	ASSERT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(-EINVAL, load_one(&self->probe, "syscall", "on_syscall"));
	expect_log(_metadata, warnings,
		   "'" KFUNC "': not found in kernel or module BTFs");
}

NS_TEST_MAIN(MODULE)
