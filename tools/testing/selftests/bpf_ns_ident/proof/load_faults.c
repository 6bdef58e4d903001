// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation during the load of the module fails, one at a time. Then, all
 * allocations of one registration fail, for each registration in turn. Either the
 * load fails with -ENOMEM, or the module works. The next load has to work. A
 * normal run tries the next load after some faults, and with TORTURE=1 in the
 * environment after each.
 *
 * Fault injection works only for marked functions, see
 * Documentation/fault-injection/fault-injection.rst. The function that registers
 * kfuncs is not marked. should_failslab() is, and each slab allocation calls it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "fault.skel.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_PAGE_ALLOC	"/sys/kernel/debug/fail_page_alloc/"
#define FAIL_FUNCTION	"/sys/kernel/debug/fail_function/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* Number of faults between two loads without a fault. */
#define SOME 8

/* Number of hooks that the module registers its kfuncs for. */
#define NR_HOOKS 12

FIXTURE(fault)
{
	void *module;
	size_t size;
	int fail_nth;
	int klog;
};

FIXTURE_VARIANT(fault)
{
	const char *name;
	bool pages;		/* page allocations fail, too */
	bool function;		/* use fail_function, not failslab */
};

FIXTURE_VARIANT_ADD(fault, bpf_ns_ident)
{
	.name = MODULE,
};

FIXTURE_VARIANT_ADD(fault, bpf_ns_ident_pages)
{
	.name = MODULE,
	.pages = true,
};

FIXTURE_VARIANT_ADD(fault, bpf_ns_ident_function)
{
	.name = MODULE,
	.function = true,
};

FIXTURE_VARIANT_ADD(fault, sample)
{
	.name = SAMPLE_MODULE,
};

FIXTURE_SETUP(fault)
{
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (self->fail_nth < 0 || access(FAILSLAB, F_OK))
		SKIP(return, "this kernel was built without CONFIG_FAILSLAB");
	if (write_file(FAILSLAB "verbose", "0") == -EPERM)
		SKIP(return, "debugfs is read-only under lockdown");
	ASSERT_EQ(0, module_load(variant->name, NULL));
	/* Without the fix, btf_check_all_metas() ignores -ENOMEM, and misses the type. */
	if (module_is_out_of_tree(variant->name))
		SKIP(return, "the module is out of tree: its kernel may ignore -ENOMEM");
	if (variant->function) {
		if (access(FAIL_FUNCTION, F_OK))
			SKIP(return, "this kernel was built without CONFIG_FAIL_FUNCTION");
		/* A killed run may have left the function in the list. */
		write_file(FAIL_FUNCTION "inject", "!should_failslab");
		ASSERT_EQ(0, write_file(FAIL_FUNCTION "inject",
					"should_failslab"));
		ASSERT_EQ(0, write_file(FAIL_FUNCTION "should_failslab/retval",
					"0xfffffffffffffff4")); /* -ENOMEM */
		ASSERT_EQ(0, write_file(FAIL_FUNCTION "verbose", "0"));
	}
	/* Include allocations that may sleep. Do not log each fault. */
	ASSERT_EQ(0, write_file(FAILSLAB "ignore-gfp-wait",
				variant->function ? "Y" : "N"));
	ASSERT_EQ(0, write_file(FAILSLAB "verbose", "0"));
	if (access(FAIL_PAGE_ALLOC, F_OK)) {
		if (variant->pages)
			SKIP(return, "this kernel was built without CONFIG_FAIL_PAGE_ALLOC");
	} else {
		ASSERT_EQ(0, write_file(FAIL_PAGE_ALLOC "ignore-gfp-wait",
					variant->pages ? "N" : "Y"));
		ASSERT_EQ(0, write_file(FAIL_PAGE_ALLOC "ignore-gfp-highmem",
					variant->pages ? "N" : "Y"));
		ASSERT_EQ(0, write_file(FAIL_PAGE_ALLOC "min-order",
					variant->pages ? "0" : "1"));
		ASSERT_EQ(0, write_file(FAIL_PAGE_ALLOC "verbose", "0"));
	}
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
	self->module = module_read(variant->name, &self->size);
	ASSERT_NE(NULL, self->module);
	ASSERT_EQ(0, module_unload(variant->name));
}

FIXTURE_TEARDOWN(fault)
{
	if (variant->function)
		write_file(FAIL_FUNCTION "inject", "!should_failslab");
	EXPECT_EQ(0, module_load(MODULE, NULL));
	free(self->module);
	close(self->klog);
	close(self->fail_nth);
}

/*
 * Makes the @n-th allocation of this task from now on fail, or none for 0. Returns
 * whether the allocation of the previous call has failed.
 */
static bool let_fail(int fail_nth, int n)
{
	char text[16] = "";
	bool has_failed = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 &&
			  !atoi(text);
	ssize_t len = snprintf(text, sizeof(text), "%d", n);

	return pwrite(fail_nth, text, len, 0) == len && has_failed;
}

/* Counts the log messages about failed registrations since the last call. */
static int count_failed_registrations(int klog)
{
	char line[512];
	int n = 0;

	while (klog_find(klog, "cannot register kfuncs", line, sizeof(line)))
		n++;
	return n;
}

TEST_F_TIMEOUT(fault, of_each_allocation, 1800)
{
	static struct raw_prog prog;
	int n, err, failed = 0, registrations = 0;

	for (n = 1;; n++) {
		bool is_tried = is_torture() || n % SOME == 0;
		bool has_failed;

		let_fail(self->fail_nth, n);
		err = module_load_image(self->module, self->size);
		has_failed = let_fail(self->fail_nth, 0);
		if (!has_failed)
			break;
		if (err) {
			failed++;
			EXPECT_EQ(-ENOMEM, err) {
				TH_LOG("allocation %d", n);
			}
			EXPECT_FALSE(module_is_loaded(variant->name));
			registrations += count_failed_registrations(self->klog);
			if (!is_tried)
				continue;
			ASSERT_EQ(0, module_load_image(self->module,
						       self->size));
		}
		/* Also if the module loaded despite the fault. */
		if (is_tried && !strcmp(variant->name, MODULE)) {
			EXPECT_EQ(0, module_try(&prog,
						BPF_PROG_TYPE_RAW_TRACEPOINT)) {
				TH_LOG("after allocation %d, load %d", n, err);
			}
		}
		ASSERT_EQ(0, module_unload(variant->name));
	}
	/* The last load had no fault. */
	EXPECT_EQ(0, err);
	ASSERT_EQ(0, module_unload(variant->name));
	TH_LOG("%d allocations, %d of them needed", n - 1, failed);
	EXPECT_LT(10, failed);
	if (strcmp(variant->name, MODULE))
		return;
	/*
	 * The other allocations differ between loads. So a fault may hit the
	 * same place twice, and may miss a place.
	 */
	TH_LOG("%d of the registration", registrations);
	EXPECT_LT(NR_HOOKS / 2, registrations);
}

FIXTURE(registration)
{
	struct fault *skel;
	int klog;
};

FIXTURE_SETUP(registration)
{
	if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE,
				    BPF_FUNC_override_return, NULL) != 1)
		SKIP(return, "this kernel was built without CONFIG_BPF_KPROBE_OVERRIDE");
	if (access(FAILSLAB, F_OK))
		SKIP(return, "this kernel was built without CONFIG_FAILSLAB");
	self->skel = fault__open_and_load();
	ASSERT_NE(NULL, self->skel);
	ASSERT_EQ(0, fault__attach(self->skel));
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
	ASSERT_EQ(0, module_unload(MODULE));
}

FIXTURE_TEARDOWN(registration)
{
	fault__destroy(self->skel);
	EXPECT_EQ(0, module_load(MODULE, NULL));
	close(self->klog);
}

TEST_F(registration, fails_for_each_type)
{
	struct fault__bss *bss = self->skel->bss;
	static struct raw_prog prog;
	__u32 which;

	for (which = 1;; which++) {
		int err;

		bss->which = which;
		bss->registrations = 0;
		bss->failures = 0;
		bss->task = getpid();
		err = module_load(MODULE, NULL);
		bss->task = 0;
		/* That was the last registration. */
		if (bss->registrations < which) {
			EXPECT_EQ(0, err);
			break;
		}
		EXPECT_EQ(which, bss->registrations);
		EXPECT_LT(0, bss->failures);
		EXPECT_EQ(-ENOMEM, err);
		EXPECT_FALSE(module_is_loaded(MODULE));
		EXPECT_EQ(1, count_failed_registrations(self->klog));

		ASSERT_EQ(0, module_load(MODULE, NULL));
		EXPECT_EQ(0, module_try(&prog, BPF_PROG_TYPE_RAW_TRACEPOINT));
		ASSERT_EQ(0, module_unload(MODULE));
	}
	ASSERT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(NR_HOOKS, which - 1);
}

NS_TEST_MAIN_LOADABLE(MODULE)
