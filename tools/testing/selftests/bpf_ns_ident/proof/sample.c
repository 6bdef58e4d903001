// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs of samples/rust/rust_kfunc.rs work as documented, and access the
 * memory of a program as all kfuncs in Rust have to.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "rust_kfunc.h"

#include "rust_kfunc.skel.h"

#define run(PROG)							\
	run_syscall_prog(bpf_program__fd(self->skel->progs.PROG), NULL, 0)

FIXTURE(sample)
{
	struct rust_kfunc *skel;
};

FIXTURE_SETUP(sample)
{
	struct sample_memory *memory;

	ASSERT_EQ(0, module_load(SAMPLE_MODULE, NULL));
	self->skel = rust_kfunc__open_and_load();
	ASSERT_NE(NULL, self->skel);

	self->skel->bss->sum = POISON;
	self->skel->bss->mean = POISON;
	self->skel->bss->err = POISON_ERR;
	memory = &self->skel->bss->memory;
	memory->before = POISON;
	memory->sample.sum = POISON;
	memory->sample.count = POISON_ERR;
	memory->sample.max = POISON_ERR;
	memory->after = POISON;
}

FIXTURE_TEARDOWN(sample)
{
	rust_kfunc__destroy(self->skel);
}

TEST_F(sample, add)
{
	static const struct {
		__u64 a, b, sum;
	} cases[] = {
		{ 0, 0, 0 },
		{ 1, 2, 3 },
		/* No argument is truncated to 32 bits. */
		{ 0xffffffff, 1, 0x100000000 },
		{ 0x0123456789abcdef, 0x1111111111111111, 0x123456789abcdf00 },
		/* The sum wraps around. */
		{ ULLONG_MAX, 1, 0 },
		{ ULLONG_MAX, ULLONG_MAX, ULLONG_MAX - 1 },
		{ 1ULL << 63, 1ULL << 63, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		self->skel->bss->a = cases[i].a;
		self->skel->bss->b = cases[i].b;
		self->skel->bss->sum = POISON;
		ASSERT_EQ(0, run(add));
		EXPECT_EQ(cases[i].sum, self->skel->bss->sum);
	}
}

TEST_F(sample, reset)
{
	const struct sample_memory *memory = &self->skel->bss->memory;

	ASSERT_EQ(0, run(reset));
	EXPECT_EQ(0, self->skel->bss->err);
	EXPECT_EQ(0, memory->sample.sum);
	EXPECT_EQ(0, memory->sample.count);
	EXPECT_EQ(0, memory->sample.max);
	/* The memory around it is unchanged. */
	EXPECT_EQ(POISON, memory->before);
	EXPECT_EQ(POISON, memory->after);
}

TEST_F(sample, mean)
{
	static const struct {
		struct bpf_rust_sample sample;
		__s64 mean;
	} cases[] = {
		{ { 10, 4, 9 }, 2 },
		{ { 0, 1, 0 }, 0 },
		{ { 3, 4, 3 }, 0 },
		{ { 0x100000000, 1, 0 }, 0x100000000 },
		{ { ULLONG_MAX, UINT_MAX, UINT_MAX }, 0x100000001 },
		/* The mean of no values. */
		{ { 0, 0, 0 }, -EINVAL },
		{ { ULLONG_MAX, 0, 0 }, -EINVAL },
		/* The largest mean that fits. */
		{ { LLONG_MAX, 1, 0 }, LLONG_MAX },
		{ { 1ULL << 63, 1, 0 }, -ERANGE },
		{ { ULLONG_MAX, 1, 0 }, -ERANGE },
		{ { ULLONG_MAX, 2, 0 }, LLONG_MAX },
	};
	struct sample_memory *memory = &self->skel->bss->memory;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memory->sample = cases[i].sample;
		self->skel->bss->mean = POISON;
		ASSERT_EQ(0, run(get_mean));
		EXPECT_EQ(cases[i].mean, self->skel->bss->mean);
		/* The argument is not written. */
		EXPECT_EQ(0, memcmp(&cases[i].sample, &memory->sample,
				    sizeof(memory->sample)));
	}
	EXPECT_EQ(POISON, memory->before);
	EXPECT_EQ(POISON, memory->after);
}

TEST_F(sample, memory_on_the_stack)
{
	self->skel->bss->a = 12;
	ASSERT_EQ(0, run(all_on_stack));
	EXPECT_EQ(12, self->skel->bss->mean);
	EXPECT_EQ(0, self->skel->bss->err);
	/* The sum after a reset. */
	EXPECT_EQ(0, self->skel->bss->sum);
}

TEST_F(sample, memory_with_a_size)
{
	int sum = 0;

	for (int i = 0; i <= SUM_BYTES; i++) {
		self->skel->bss->nr_bytes = i;
		self->skel->bss->err = POISON_ERR;
		ASSERT_EQ(0, run(sum_bytes));
		EXPECT_EQ(i == SUM_BYTES ? -E2BIG : sum, self->skel->bss->err);
		/* No byte behind these counts. */
		self->skel->bss->bytes[i % SUM_BYTES] = 255 - i;
		sum += 255 - i;
	}
}

static __u64 now_msecs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

TEST_F(sample, sleep)
{
	static const struct {
		__u32 msecs;
		int err;
	} cases[] = {
		{ 0, 0 },
		{ 20, 0 },
		{ 1000, 0 },
		{ 1001, -EINVAL },
		{ UINT_MAX, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__u64 start = now_msecs();

		self->skel->bss->msecs = cases[i].msecs;
		self->skel->bss->err = POISON_ERR;
		ASSERT_EQ(0, run(sleep));
		EXPECT_EQ(cases[i].err, self->skel->bss->err);
		/* The sleep counts jiffies. A busy machine adds missed jiffies at once. */
		if (!cases[i].err)
			EXPECT_LE(cases[i].msecs / 2, now_msecs() - start);
	}
}

/*
 * Userspace writes to the sample in a loop. If the kfunc read a value in pieces,
 * one of some thousand changes would happen between two pieces.
 */
#define CHANGES 20000

struct writer {
	struct bpf_rust_sample *sample;
	bool stop;
	bool has_begun;
};

/* Wait for a random time that is long enough for a call. */
static void stay_a_while(__u32 *random)
{
	*random = *random * 1664525 + 1013904223;
	for (int i = *random >> 27; i; i--)
		asm volatile("");
}

static void *write_samples(void *arg)
{
	struct writer *writer = arg;
	struct bpf_rust_sample *sample = writer->sample;
	__u32 random = 0;

	stay_on_cpu(true);
	while (!__atomic_load_n(&writer->stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(&sample->count, 1, __ATOMIC_RELAXED);
		stay_a_while(&random);
		__atomic_store_n(&sample->sum, SUM_2, __ATOMIC_RELAXED);
		stay_a_while(&random);
		__atomic_store_n(&sample->count, 0, __ATOMIC_RELAXED);
		stay_a_while(&random);
		__atomic_store_n(&sample->sum, SUM_1, __ATOMIC_RELAXED);
		__atomic_store_n(&writer->has_begun, true, __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * The kfunc checks the count before the division. If it read the count twice, it
 * would eventually divide by zero and crash the kernel. A sum that is read in
 * pieces would differ from both values.
 */
TEST_F(sample, memory_that_changes_is_read_once)
{
	const struct sample_means *means = &self->skel->data_means->means;
	struct writer writer = { .sample = &self->skel->bss->memory.sample };
	pthread_t id;
	int i, err;
	__u64 end;

	*writer.sample = (struct bpf_rust_sample){ .sum = SUM_1 };
	ASSERT_EQ(0, pthread_create(&id, NULL, write_samples, &writer));
	stay_on_cpu(false);
	while (!__atomic_load_n(&writer.has_begun, __ATOMIC_RELAXED))
		sched_yield();
	/* On a busy machine, only one of the two may run for a while. */
	end = now_msecs() + 15000;
	for (i = 1; !(err = run(get_means)); i++) {
		if (means->changes >= CHANGES && means->sum_1 && means->sum_2 &&
		    means->no_count)
			break;
		if (now_msecs() > end && means->changes)
			break;
	}
	ASSERT_EQ(0, err);
	__atomic_store_n(&writer.stop, true, __ATOMIC_RELAXED);
	pthread_join(id, NULL);

	EXPECT_EQ(0, means->others) {
		TH_LOG("sum_1 %llu, sum_2 %llu, no count %llu, other %#llx",
		       means->sum_1, means->sum_2, means->no_count,
		       means->other);
	}
	EXPECT_EQ(i * 1000ULL, means->sum_1 + means->sum_2 + means->no_count);
}

#define NOT_SLEEPABLE \
	"program must be sleepable to call sleepable kfunc bpf_rust_sample_sleep"
#define NOT_ALLOWED "calling kernel function bpf_rust_sample_add is not allowed"

/* Loads one program at a time, of those without autoload. */
FIXTURE(program)
{
	struct rust_kfunc *skel;
};

FIXTURE_SETUP(program)
{
	ASSERT_EQ(0, module_load(SAMPLE_MODULE, NULL));
}

FIXTURE_TEARDOWN(program)
{
	rust_kfunc__destroy(self->skel);
}

static int load_only(struct rust_kfunc **skel, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts,
		    .kernel_log_buf = probe_log,
		    .kernel_log_size = sizeof(probe_log));
	struct bpf_program *prog;
	bool is_wanted;

	libbpf_set_print(NULL);
	probe_log[0] = 0;
	*skel = rust_kfunc__open_opts(&opts);
	if (!*skel)
		return -errno;
	bpf_object__for_each_program(prog, (*skel)->obj) {
		is_wanted = !strcmp(bpf_program__name(prog), name);
		bpf_program__set_autoload(prog, is_wanted);
	}
	return rust_kfunc__load(*skel);
}

/* Attaches the loaded programs, and runs @prog. */
static int attach_and_run(struct rust_kfunc *skel, struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return rust_kfunc__attach(skel) ?:
	       bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

TEST_F(program, sleep_in_sleepable)
{
	__u64 start;

	ASSERT_EQ(0, load_only(&self->skel, "sleep_in_sleepable")) {
		TH_LOG("%s", probe_log);
	}
	self->skel->bss->err = POISON_ERR;
	self->skel->bss->msecs = 20;
	start = now_msecs();
	ASSERT_EQ(0, attach_and_run(self->skel,
				    self->skel->progs.sleep_in_sleepable));
	EXPECT_EQ(0, self->skel->bss->err);
	EXPECT_LE(20, now_msecs() - start);
}

TEST_F(program, sleep_in_not_sleepable_is_refused)
{
	EXPECT_EQ(-EACCES, load_only(&self->skel, "sleep_in_not_sleepable"));
	EXPECT_NE(NULL, strstr(probe_log, NOT_SLEEPABLE)) {
		TH_LOG("%s", probe_log);
	}
}

TEST_F(program, sum_too_many_is_refused)
{
	EXPECT_EQ(-EINVAL, load_only(&self->skel, "sum_too_many"));
	EXPECT_NE(NULL, strstr(probe_log, "len pair leads to invalid memory access")) {
		TH_LOG("%s", probe_log);
	}
}

TEST_F(program, sum_of_null_is_refused)
{
	EXPECT_EQ(-EACCES, load_only(&self->skel, "sum_of_null"));
	EXPECT_NE(NULL, strstr(probe_log, "Possibly NULL pointer passed")) {
		TH_LOG("%s", probe_log);
	}
}

/* The same program type may call a kfunc that does not sleep. */
TEST_F(program, add_in_not_sleepable)
{
	ASSERT_EQ(0, load_only(&self->skel, "add_in_not_sleepable")) {
		TH_LOG("%s", probe_log);
	}
	self->skel->bss->a = 40;
	self->skel->bss->b = 2;
	ASSERT_EQ(0, attach_and_run(self->skel,
				    self->skel->progs.add_in_not_sleepable));
	EXPECT_EQ(42, self->skel->bss->sum);
}

/* A kfunc is only for its program types. */
TEST_F(program, add_in_kprobe_is_refused)
{
	EXPECT_EQ(-EACCES, load_only(&self->skel, "add_in_kprobe"));
	EXPECT_NE(NULL, strstr(probe_log, NOT_ALLOWED)) {
		TH_LOG("%s", probe_log);
	}
}

static int take_err(void *ctx, void *data, size_t size)
{
	memcpy(ctx, data, sizeof(int));
	return -ECANCELED;
}

/*
 * No kfunc of the sample with an Out argument can fail. So use another kfunc, in a
 * released task.
 */
TEST(memory_is_zeroed_on_error)
{
	struct ns_task task = { .sock = -1 };
	struct ring_buffer *ring;
	struct probe probe;
	int err = POISON_ERR;

	/* SIGCHLD is ignored, so the task is released at once. */
	signal(SIGCHLD, SIG_IGN);
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, probe_open(&probe, "released"));
	ring = ring_buffer__new(bpf_object__find_map_fd_by_name(probe.obj,
								"events"),
				take_err, &err, NULL);
	ASSERT_NE(NULL, ring);

	ASSERT_EQ(0, ns_start(&task, NULL, CLONE_NEWPID));
	probe_target(&probe, task.pid);
	ASSERT_EQ(POISON, probe.report->ident.dev);
	ns_stop(&task);
	ASSERT_EQ(-ECANCELED, ring_buffer__poll(ring, 10000));
	EXPECT_EQ(-ENOENT, err);
	EXPECT_EQ(0, probe.report->ident.dev);
	EXPECT_EQ(0, probe.report->ident.ino);
	EXPECT_EQ(0, probe.report->ident.id);
	/* The memory around it is unchanged. */
	EXPECT_EQ(POISON, probe.report->pid_tgid);
	EXPECT_EQ(POISON_ERR, probe.report->err);
	ring_buffer__free(ring);
	probe_close(&probe);
}

NS_TEST_MAIN(SAMPLE_MODULE)
