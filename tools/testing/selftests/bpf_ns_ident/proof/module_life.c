// SPDX-License-Identifier: GPL-2.0
/*
 * A module with kfuncs cannot be unloaded while a program that calls its kfuncs is
 * loaded. It can be unloaded after that, and leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define SAMPLE_KFUNC "bpf_rust_sample_add"

/* A module, and a program for BPF_PROG_RUN that calls its kfunc. */
struct user {
	const char *module;
	const char *kfunc;
	int (*load)(struct raw_prog *prog);
	/* Returns whether the result is right. */
	bool (*run)(int fd);
};

/* Pid namespace of the tests and of their children. */
static struct bpf_ns_ident own_ident;

/*
 * The program returns 0 if the identity equals the one in the context. It is not
 * sleepable, since such a program is freed sooner.
 */
static int load_ident(struct raw_prog *prog)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
		BPF_CALL_KFUNC(prog->kfunc->id),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -24),
		BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 0),
		BPF_ALU64_REG(BPF_XOR, BPF_REG_1, BPF_REG_2),
		BPF_ALU64_REG(BPF_OR, BPF_REG_0, BPF_REG_1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -16),
		BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 8),
		BPF_ALU64_REG(BPF_XOR, BPF_REG_1, BPF_REG_2),
		BPF_ALU64_REG(BPF_OR, BPF_REG_0, BPF_REG_1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
		BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 16),
		BPF_ALU64_REG(BPF_XOR, BPF_REG_1, BPF_REG_2),
		BPF_ALU64_REG(BPF_OR, BPF_REG_0, BPF_REG_1),
		BPF_EXIT_INSN(),
	};

	prog->type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return raw_load(prog);
}

static bool run_ident(int fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &own_ident,
		    .ctx_size_in = sizeof(own_ident));

	return bpf_prog_test_run_opts(fd, &opts) == 0 && opts.retval == 0;
}

static int load_add(struct raw_prog *prog)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 0),
		BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_6, 8),
		BPF_CALL_KFUNC(prog->kfunc->id),
		BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_0, 16),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	prog->type = BPF_PROG_TYPE_SYSCALL;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return raw_load(prog);
}

static bool run_add(int fd)
{
	struct {
		__u64 a, b, sum;
	} ctx = { 1ULL << 40, 2, POISON };

	return run_syscall_prog(fd, &ctx, sizeof(ctx)) == 0 &&
	       ctx.sum == ctx.a + ctx.b;
}

static const struct user ident_user = {
	.module = MODULE,
	.kfunc = KFUNC,
	.load = load_ident,
	.run = run_ident,
};

static const struct user add_user = {
	.module = SAMPLE_MODULE,
	.kfunc = SAMPLE_KFUNC,
	.load = load_add,
	.run = run_add,
};

/* Objects that keep the module loaded, and objects that do not. */
FIXTURE(unload)
{
	struct kfunc kfunc;
	struct raw_prog *prog;
	struct ns_task task;
	int fd;
};

FIXTURE_SETUP(unload)
{
	self->task.sock = -1;
	self->fd = -1;
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &own_ident));
	ASSERT_EQ(0, module_reload(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
}

FIXTURE_TEARDOWN(unload)
{
	ns_stop(&self->task);
	kfunc_close(&self->kfunc);
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

#define expect_kept()							\
	do {								\
		EXPECT_EQ(-EAGAIN, module_unload_now(MODULE));		\
		EXPECT_TRUE(module_is_loaded(MODULE));			\
	} while (0)

#define expect_gone()							\
	do {								\
		EXPECT_EQ(0, module_unload(MODULE));			\
		EXPECT_FALSE(module_is_loaded(MODULE));			\
	} while (0)

TEST_F(unload, is_refused_while_a_program_is_loaded)
{
	int fd = load_ident(self->prog), second;

	ASSERT_LE(0, fd);
	expect_kept();
	/* The failed unload has no effect. */
	EXPECT_TRUE(run_ident(fd));
	second = load_ident(self->prog);
	EXPECT_LE(0, second);
	close(fd);
	expect_kept();
	EXPECT_TRUE(run_ident(second));
	close(second);
	expect_gone();
}

/* Opens an instance of bpffs without a mount point. */
static int open_bpffs(void)
{
	int mnt = -1, fs = syscall(SYS_fsopen, "bpf", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	if (!syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return mnt < 0 ? -EIO : mnt;
}

static int pin(int fd, const char *name)
{
	LIBBPF_OPTS(bpf_obj_pin_opts, opts, .file_flags = BPF_F_PATH_FD,
		    .path_fd = ns_received_fd);

	return fd < 0 ? fd : bpf_obj_pin_opts(fd, name, &opts);
}

/* The files are closed when the task ends. */
static int do_pin_prog(void *prog)
{
	return pin(load_ident(prog), "pin");
}

static int do_pin_link(void *unused)
{
	struct probe probe;

	return probe_open(&probe, "raw_tp") ?:
	       pin(bpf_link__fd(probe.link), "pin");
}

static int get_pinned(int mnt)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_PATH_FD,
		    .path_fd = mnt);

	return bpf_obj_get_opts("pin", &opts);
}

/* A task pins an object to self->fd, and ends. */
#define pin_and_exit(DO)						\
	do {								\
		self->fd = open_bpffs();				\
		ASSERT_LE(0, self->fd);					\
		ASSERT_EQ(0, ns_start(&self->task, NULL, 0));		\
		ASSERT_EQ(0, ns_call_fd(&self->task, self->fd, DO,	\
					self->prog));			\
		ns_stop(&self->task);					\
	} while (0)

TEST_F(unload, is_refused_while_a_program_is_pinned)
{
	int fd;

	pin_and_exit(do_pin_prog);
	expect_kept();
	fd = get_pinned(self->fd);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(run_ident(fd));
	close(fd);
	expect_kept();
	EXPECT_EQ(0, unlinkat(self->fd, "pin", 0));
	expect_gone();
}

TEST_F(unload, is_refused_until_a_bpffs_with_a_program_is_gone)
{
	pin_and_exit(do_pin_prog);
	expect_kept();
	close(self->fd);
	self->fd = -1;
	expect_gone();
}

TEST_F(unload, is_refused_while_a_link_is_pinned)
{
	pin_and_exit(do_pin_link);
	expect_kept();
	EXPECT_EQ(0, unlinkat(self->fd, "pin", 0));
	expect_gone();
}

/* Only the link of the program remains. */
TEST_F(unload, is_refused_while_a_program_is_attached)
{
	struct probe probe, shared = {};
	int map_fd;

	ASSERT_EQ(0, probe_open(&probe, "raw_tp"));
	map_fd = bpf_object__find_map_fd_by_name(probe.obj, ".data.report");
	shared.report = mmap(NULL, sizeof(*shared.report),
			     PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
	ASSERT_NE(MAP_FAILED, shared.report);
	self->fd = dup(bpf_link__fd(probe.link));
	ASSERT_LE(0, self->fd);
	probe_close(&probe);

	expect_kept();
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	probe_target(&shared, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	EXPECT_EQ(1, shared.report->calls);
	EXPECT_EQ(0, shared.report->err);
	EXPECT_EQ(own_ident.id, shared.report->ident.id);

	/* The task has the link as well. */
	close(self->fd);
	self->fd = -1;
	expect_kept();
	ns_stop(&self->task);
	expect_gone();
}

/* The map is for tail calls by another program. */
TEST_F(unload, is_refused_while_a_program_is_in_a_map)
{
	int fd = load_ident(self->prog), index = 0;

	ASSERT_LE(0, fd);
	self->fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "progs", 4, 4, 1,
				  NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, bpf_map_update_elem(self->fd, &index, &fd, 0));
	close(fd);
	expect_kept();
	ASSERT_EQ(0, bpf_map_delete_elem(self->fd, &index));
	expect_gone();
}

/* The verifier releases the module after it has rejected a program. */
TEST_F(unload, works_after_a_program_was_refused)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, 0),
		BPF_CALL_KFUNC(self->kfunc.id),
		BPF_EXIT_INSN(),
	};

	self->prog->type = BPF_PROG_TYPE_SYSCALL;
	self->prog->insns = insns;
	self->prog->cnt = ARRAY_SIZE(insns);
	ASSERT_GT(0, raw_load(self->prog));
	/* The call is the only error. */
	EXPECT_NE(NULL, strstr(self->prog->log, KFUNC)) {
		TH_LOG("%s", self->prog->log);
	}
	expect_gone();
}

/* An open file of the BTF does not keep the module. */
TEST_F(unload, works_while_its_btf_is_open)
{
	char byte;

	self->fd = open("/sys/kernel/btf/" MODULE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(1, read(self->fd, &byte, 1));
	ASSERT_LE(0, self->kfunc.btf_fd);
	EXPECT_EQ(0, module_unload_now(MODULE));
	EXPECT_FALSE(module_is_loaded(MODULE));
	EXPECT_EQ(-1, read(self->fd, &byte, 1));
	EXPECT_EQ(ENODEV, errno);
}

/* Objects of modules, and memory that they may use. */
struct footprint {
	long slab;		/* KiB */
	long vmalloc;		/* KiB */
	int btfs;
	int progs;
	int symbols;
	int own_symbols;
};

static int count_ids(int (*next)(__u32 id, __u32 *next))
{
	int count = 0;
	__u32 id = 0;

	while (!next(id, &id))
		count++;
	return count;
}

static void get_footprint(struct footprint *print)
{
	char line[512];
	FILE *file;

	*print = (struct footprint){
		.btfs = count_ids(bpf_btf_get_next_id),
		.progs = count_ids(bpf_prog_get_next_id),
	};

	file = fopen("/proc/kallsyms", "r");
	while (file && fgets(line, sizeof(line), file)) {
		print->symbols++;
		if (strstr(line, "[" MODULE "]"))
			print->own_symbols++;
	}
	if (file)
		fclose(file);

	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Slab: %ld", &print->slab) == 1)
			continue;
		if (sscanf(line, "VmallocUsed: %ld", &print->vmalloc) == 1)
			break;
	}
	if (file)
		fclose(file);
}

/* Loads the module and a program, runs the program, and unloads both. */
static int live_once(struct raw_prog *prog, struct kfunc *kfunc)
{
	int fd, err = module_load(MODULE, NULL);

	if (err)
		return err;
	kfunc->btf_fd = btf_open(MODULE, &kfunc->btf_id);
	if (kfunc->btf_fd < 0)
		return kfunc->btf_fd;
	fd = load_ident(prog);
	kfunc_close(kfunc);
	if (fd < 0)
		return fd;
	err = run_ident(fd) ? 0 : -EBADMSG;
	close(fd);
	return err ?: module_unload(MODULE);
}

static int live(struct raw_prog *prog, struct kfunc *kfunc, int rounds)
{
	int err = 0;

	while (rounds-- && !err)
		err = live_once(prog, kfunc);
	return err;
}

#define ROUNDS 200

/*
 * A leak in each round adds up. A round uses some KiB of slab and some pages for
 * the module, and the same for the program. Tolerate half a KiB of slab a round,
 * 100 KiB in all, and half a page a round, for the rest of the system. Its use
 * varies, so repeat the rounds after a larger increase.
 */
#define MAX_MORE_SLAB (ROUNDS / 2)
#define MAX_MORE_VMALLOC (ROUNDS * 2)

static bool is_small(const struct footprint *before,
		     const struct footprint *after)
{
	return after->slab <= before->slab + MAX_MORE_SLAB &&
	       after->vmalloc <= before->vmalloc + MAX_MORE_VMALLOC;
}

TEST_F_TIMEOUT(unload, leaves_nothing_behind_200_times, 1200)
{
	struct footprint before, after, loaded;
	int tries = 0;

	kfunc_close(&self->kfunc);
	ASSERT_EQ(0, module_unload(MODULE));
	/* Fill the caches. */
	ASSERT_EQ(0, live(self->prog, &self->kfunc, 10));
	get_footprint(&after);
	do {
		before = after;
		ASSERT_EQ(0, live(self->prog, &self->kfunc, ROUNDS));
		get_footprint(&after);
	} while (!is_small(&before, &after) && ++tries < 3);
	EXPECT_GE(before.slab + MAX_MORE_SLAB, after.slab);
	EXPECT_GE(before.vmalloc + MAX_MORE_VMALLOC, after.vmalloc);
	/* Other tasks may load programs meanwhile, but not that many. */
	EXPECT_GT(before.btfs + ROUNDS, after.btfs);
	EXPECT_GT(before.progs + ROUNDS, after.progs);
	EXPECT_GT(before.symbols + ROUNDS, after.symbols);
	EXPECT_EQ(0, after.own_symbols);

	/* A leak would be visible. */
	EXPECT_LT(0, before.slab);
	EXPECT_LT(0, before.vmalloc);
	ASSERT_EQ(0, module_load(MODULE, NULL));
	get_footprint(&loaded);
	EXPECT_LT(after.btfs, loaded.btfs);
	EXPECT_LT(after.symbols, loaded.symbols);
	EXPECT_LT(0, loaded.own_symbols);
}

/* The BTF of the module is registered before init(), which fails here. */
TEST_F(unload, leaves_nothing_behind_if_the_load_failed)
{
	int i, fd, btfs;

	kfunc_close(&self->kfunc);
	ASSERT_EQ(0, module_unload(MODULE));
	btfs = count_ids(bpf_btf_get_next_id);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(-EINVAL, module_load(MODULE, "loader_ns=0"));
	EXPECT_GT(btfs + i, count_ids(bpf_btf_get_next_id));
	EXPECT_EQ(-ENOENT, btf_open(MODULE, &self->kfunc.btf_id));
	EXPECT_FALSE(module_is_loaded(MODULE));

	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	fd = load_ident(self->prog);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(run_ident(fd));
	close(fd);
}

/* A task on another CPU that runs or loads programs. */
struct busy {
	const struct user *user;
	struct kfunc kfunc;
	struct raw_prog prog;
	int fd;			/* program to run, if the task loads none */
	bool stop;
	int step;		/* progress, see do_load_and_run() */
	int right;		/* number of right results */
	int wrong;
	int refused;		/* the module was missing or being unloaded */
	int err;		/* last other errno of a load */
};

#define get_shared(WHAT) __atomic_load_n(&(WHAT), __ATOMIC_SEQ_CST)
#define set_shared(WHAT, VALUE) __atomic_store_n(&(WHAT), VALUE, __ATOMIC_SEQ_CST)
#define add_shared(WHAT) __atomic_fetch_add(&(WHAT), 1, __ATOMIC_SEQ_CST)

static int do_run(void *arg)
{
	struct busy *busy = arg;

	stay_on_cpu(true);
	while (!get_shared(busy->stop)) {
		if (busy->user->run(busy->fd))
			add_shared(busy->right);
		else
			add_shared(busy->wrong);
	}
	return 0;
}

enum { HAS_NOTHING, HAS_BTF, HAS_PROG, HAS_RUN };

static int do_load_and_run(void *arg)
{
	struct busy *busy = arg;
	int fd;

	stay_on_cpu(true);
	fd = btf_open(busy->user->module, &busy->kfunc.btf_id);
	busy->kfunc.btf_fd = fd;
	if (fd >= 0) {
		set_shared(busy->step, HAS_BTF);
		fd = busy->user->load(&busy->prog);
	}
	if (fd >= 0) {
		set_shared(busy->step, HAS_PROG);
		if (busy->user->run(fd))
			add_shared(busy->right);
		else
			add_shared(busy->wrong);
		close(fd);
	} else if (fd == -ENOENT || fd == -ENXIO) {
		add_shared(busy->refused);
	} else {
		busy->err = fd;
		add_shared(busy->wrong);
	}
	kfunc_close(&busy->kfunc);
	set_shared(busy->step, HAS_RUN);
	return 0;
}

static int do_load_and_run_on(void *arg)
{
	struct busy *busy = arg;

	while (!get_shared(busy->stop))
		do_load_and_run(busy);
	return 0;
}

/* A module is reloaded while a program on another CPU calls another module. */
FIXTURE(reload)
{
	struct busy *busy;
	struct ns_task task;
};

FIXTURE_VARIANT(reload)
{
	const char *module;
	const struct user *user;
};

FIXTURE_VARIANT_ADD(reload, ident_beside_sample)
{
	.module = MODULE,
	.user = &add_user,
};

FIXTURE_VARIANT_ADD(reload, sample_beside_ident)
{
	.module = SAMPLE_MODULE,
	.user = &ident_user,
};

static struct busy *setup_busy(struct __test_metadata *_metadata,
			       const struct user *user)
{
	struct busy *busy = ns_alloc(sizeof(*busy));

	ASSERT_NE(NULL, busy);
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &own_ident));
	ASSERT_EQ(0, module_load(user->module, NULL));
	ASSERT_EQ(0, kfunc_find(&busy->kfunc, user->module, user->kfunc));
	busy->user = user;
	busy->prog.kfunc = &busy->kfunc;
	busy->fd = user->load(&busy->prog);
	ASSERT_LE(0, busy->fd) {
		TH_LOG("%s", busy->prog.log);
	}
	kfunc_close(&busy->kfunc);
	return busy;
}

FIXTURE_SETUP(reload)
{
	self->task.sock = -1;
	SKIP_WITHOUT_MODULE(SAMPLE_MODULE);
	self->busy = setup_busy(_metadata, variant->user);
}

FIXTURE_TEARDOWN(reload)
{
	ns_stop(&self->task);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

/* Waits until the other task has completed another round. */
static void wait_for_busy(struct busy *busy)
{
	int seen = get_shared(busy->right);

	while (get_shared(busy->right) < seen + 2 && !get_shared(busy->wrong))
		sched_yield();
}

static void expect_reloads(struct __test_metadata *_metadata,
			   struct ns_task *task, int (*do_it)(void *busy),
			   struct busy *busy, const char *module)
{
	ASSERT_EQ(0, ns_start(task, NULL, 0));
	ASSERT_EQ(0, ns_call_begin(task, -1, do_it, busy));
	stay_on_cpu(false);
	for (int i = 0; i < 6; i++) {
		ASSERT_EQ(0, module_unload(module));
		wait_for_busy(busy);
		ASSERT_EQ(0, module_load(module, NULL));
		wait_for_busy(busy);
	}
	/* The module in use is still in use. */
	EXPECT_EQ(-EAGAIN, module_unload_now(busy->user->module));
	set_shared(busy->stop, true);
	EXPECT_EQ(0, ns_call_end(task));
	EXPECT_EQ(0, busy->refused);
	EXPECT_EQ(0, busy->wrong) {
		TH_LOG("last error %d", busy->err);
	}
}

TEST_F(reload, while_a_program_runs)
{
	expect_reloads(_metadata, &self->task, do_run, self->busy,
		       variant->module);
}

TEST_F(reload, while_programs_are_loaded)
{
	expect_reloads(_metadata, &self->task, do_load_and_run_on, self->busy,
		       variant->module);
}

/* The load of a program races with the unload of its module. */
FIXTURE(race)
{
	struct busy *busy;
	struct ns_task task;
};

FIXTURE_SETUP(race)
{
	self->task.sock = -1;
	self->busy = setup_busy(_metadata, &ident_user);
}

FIXTURE_TEARDOWN(race)
{
	ns_stop(&self->task);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

TEST_F(race, of_unload_and_program_load)
{
	struct busy *busy = self->busy;
	int i, loaded = 0;

	/* The task must not keep the module. */
	close(busy->fd);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	stay_on_cpu(false);
	for (i = 0; i < 18; i++) {
		int step = HAS_NOTHING + i % 3;

		set_shared(busy->step, HAS_NOTHING);
		ASSERT_EQ(0, ns_call_begin(&self->task, -1, do_load_and_run,
					   busy));
		while (get_shared(busy->step) < step)
			sched_yield();
		ASSERT_EQ(0, module_unload(MODULE));
		ASSERT_EQ(0, ns_call_end(&self->task));
		ASSERT_EQ(0, module_load(MODULE, NULL));
		loaded += step == HAS_PROG;
	}
	EXPECT_EQ(0, busy->wrong) {
		TH_LOG("last error %d", busy->err);
	}
	EXPECT_EQ(i, busy->right + busy->refused);
	EXPECT_LE(loaded, busy->right);
}

/* Two modules with kfuncs in Rust, in both orders of loading. */
FIXTURE(two_modules)
{
	struct kfunc kfuncs[2];
	struct raw_prog *prog;
	struct probe probe;
};

FIXTURE_VARIANT(two_modules)
{
	const struct user *users[2];
};

FIXTURE_VARIANT_ADD(two_modules, ident_first)
{
	.users = { &ident_user, &add_user },
};

FIXTURE_VARIANT_ADD(two_modules, sample_first)
{
	.users = { &add_user, &ident_user },
};

FIXTURE_SETUP(two_modules)
{
	self->kfuncs[0].btf_fd = -1;
	self->kfuncs[1].btf_fd = -1;
	SKIP_WITHOUT_MODULE(SAMPLE_MODULE);
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &own_ident));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, module_unload(SAMPLE_MODULE));
	ASSERT_EQ(0, module_load(variant->users[0]->module, NULL));
	ASSERT_EQ(0, module_load(variant->users[1]->module, NULL));
}

FIXTURE_TEARDOWN(two_modules)
{
	probe_close(&self->probe);
	kfunc_close(&self->kfuncs[0]);
	kfunc_close(&self->kfuncs[1]);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

TEST_F(two_modules, one_program_calls_both)
{
	ASSERT_EQ(0, probe_load(&self->probe, "two_modules"));
	probe_target(&self->probe, getpid());
	EXPECT_EQ(42, run_syscall_prog(self->probe.fd, NULL, 0));
	EXPECT_EQ(1, self->probe.report->calls);
	EXPECT_EQ(0, self->probe.report->err);
	EXPECT_EQ(own_ident.dev, self->probe.report->ident.dev);
	EXPECT_EQ(own_ident.ino, self->probe.report->ident.ino);
	EXPECT_EQ(own_ident.id, self->probe.report->ident.id);

	EXPECT_EQ(-EAGAIN, module_unload_now(MODULE));
	EXPECT_EQ(-EAGAIN, module_unload_now(SAMPLE_MODULE));
	probe_close(&self->probe);
	EXPECT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(0, module_unload(SAMPLE_MODULE));
}

/* Each module is kept by its own programs only. */
TEST_F(two_modules, a_program_each)
{
	int fds[2];

	for (int i = 0; i < 2; i++) {
		const struct user *user = variant->users[i];

		ASSERT_EQ(0, kfunc_find(&self->kfuncs[i], user->module,
					user->kfunc));
		self->prog->kfunc = &self->kfuncs[i];
		fds[i] = user->load(self->prog);
		ASSERT_LE(0, fds[i]) {
			TH_LOG("%s", self->prog->log);
		}
	}
	EXPECT_TRUE(variant->users[0]->run(fds[0]));
	EXPECT_TRUE(variant->users[1]->run(fds[1]));

	close(fds[0]);
	EXPECT_EQ(0, module_unload(variant->users[0]->module));
	EXPECT_EQ(-EAGAIN, module_unload_now(variant->users[1]->module));
	EXPECT_TRUE(variant->users[1]->run(fds[1]));
	close(fds[1]);
	EXPECT_EQ(0, module_unload(variant->users[1]->module));
}

/* A loader uses data about a module from before its reload. */
FIXTURE(earlier_load)
{
	struct kfunc kfunc;	/* from before the reload */
	struct kfunc now;
	struct raw_prog *prog;
};

FIXTURE_SETUP(earlier_load)
{
	int fd;

	self->kfunc.btf_fd = -1;
	self->now.btf_fd = -1;
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &own_ident));
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
	/* The data is right before the reload. */
	fd = load_ident(self->prog);
	ASSERT_LE(0, fd);
	close(fd);
}

FIXTURE_TEARDOWN(earlier_load)
{
	kfunc_close(&self->kfunc);
	kfunc_close(&self->now);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

static int load_nothing_with_btf(const struct kfunc *kfunc)
{
	static const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .fd_array = &kfunc->btf_fd,
		    .fd_array_cnt = 1);

	return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "nothing", "GPL",
			     insns, ARRAY_SIZE(insns), &opts);
}

/* A BTF file descriptor is only valid until the module is unloaded. */
TEST_F(earlier_load, btf_fd_is_refused)
{
	int fd = load_nothing_with_btf(&self->kfunc);

	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(-ENXIO, load_ident(self->prog));
	EXPECT_EQ(-ENXIO, load_nothing_with_btf(&self->kfunc));
	ASSERT_EQ(0, module_load(MODULE, NULL));
	EXPECT_EQ(-ENXIO, load_ident(self->prog));
	EXPECT_EQ(-ENXIO, load_nothing_with_btf(&self->kfunc));
}

/* The old BTF can still be read, but has no id. */
TEST_F(earlier_load, btf_id_is_gone)
{
	char name[64] = "";
	struct bpf_btf_info info = {
		.name = (uintptr_t)name,
		.name_len = sizeof(name),
	};
	__u32 len = sizeof(info);

	ASSERT_EQ(0, module_reload(MODULE, NULL));
	EXPECT_EQ(-ENOENT, bpf_btf_get_fd_by_id(self->kfunc.btf_id));
	ASSERT_EQ(0, bpf_btf_get_info_by_fd(self->kfunc.btf_fd, &info, &len));
	EXPECT_STREQ(MODULE, name);
	EXPECT_EQ(0, info.id);

	self->now.btf_fd = btf_open(MODULE, &self->now.btf_id);
	ASSERT_LE(0, self->now.btf_fd);
	EXPECT_NE(self->kfunc.btf_id, self->now.btf_id);
}

/*
 * In one boot, the BTF of a module is always relocated to the same ids. So the old
 * id of the kfunc is right in the new BTF.
 */
TEST_F(earlier_load, type_id_is_right)
{
	int fd;

	SKIP_WITHOUT_MODULE(SAMPLE_MODULE);
	/* Load another module in between. */
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, module_reload(SAMPLE_MODULE, NULL));
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->now, MODULE, KFUNC));
	EXPECT_EQ(self->kfunc.id, self->now.id);

	self->now.id = self->kfunc.id;
	self->prog->kfunc = &self->now;
	fd = load_ident(self->prog);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(run_ident(fd));
	close(fd);
}

/* libbpf has resolved the kfunc, but not yet loaded the program. */
TEST_F(earlier_load, program_that_was_prepared_is_refused)
{
	struct probe probe;

	ASSERT_EQ(0, probe_prepare(&probe, "syscall"));
	libbpf_set_print(NULL);
	ASSERT_EQ(0, bpf_object__prepare(probe.obj));
	/* The prepared program does not keep the module. */
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, module_load(MODULE, NULL));
	EXPECT_EQ(-ENXIO, probe_finish(&probe));

	/* Prepare and load the program again. */
	ASSERT_EQ(0, probe_load(&probe, "syscall"));
	probe_target(&probe, getpid());
	EXPECT_EQ(0, run_syscall_prog(probe.fd, NULL, 0));
	EXPECT_EQ(0, probe.report->err);
	EXPECT_EQ(own_ident.id, probe.report->ident.id);
	probe_close(&probe);
}

/* The old file in sysfs is not the new one of the same name. */
TEST_F(earlier_load, btf_file_is_gone)
{
	static const char path[] = "/sys/kernel/btf/" MODULE;
	static char then[4096], now[4096];
	ssize_t size;
	int old, fd;

	old = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, old);
	size = read(old, then, sizeof(then));
	ASSERT_LT(0, size);
	ASSERT_EQ(0, module_reload(MODULE, NULL));
	EXPECT_EQ(-1, pread(old, now, sizeof(now), 0));
	EXPECT_EQ(ENODEV, errno);

	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(size, read(fd, now, sizeof(now)));
	EXPECT_EQ(0, memcmp(then, now, sizeof(now)));
	close(fd);
	close(old);
}

NS_TEST_MAIN_LOADABLE(MODULE)
