// SPDX-License-Identifier: GPL-2.0
/*
 * Each allocation that is made while the module is loaded fails, one at a time,
 * those of each registration among them: either the module is not loaded, with an
 * errno that tells why, or it works all the same. The next load does work.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"
#define FAIL_PAGE_ALLOC	"/sys/kernel/debug/fail_page_alloc/"
#define FAIL_NTH	"/proc/thread-self/fail-nth"

/* What kfuncs are registered for, as the module calls it. */
static const char *const hooks[] = {
	"Tracing", "Kprobe", "Syscall", "Cgroup", "Xdp", "SchedCls", "SchedAct",
	"SocketFilter", "SkSkb", "Lwt", "Netfilter",
};

FIXTURE(fault)
{
	void *module;
	size_t size;
	int fail_nth;
	int klog;
	bool has_failed[ARRAY_SIZE(hooks)];
};

FIXTURE_VARIANT(fault)
{
	const char *name;
	bool pages;		/* those of pages fail, too */
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

FIXTURE_VARIANT_ADD(fault, sample)
{
	.name = SAMPLE_MODULE,
};

FIXTURE_SETUP(fault)
{
	self->fail_nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (self->fail_nth < 0 || access(FAILSLAB, F_OK))
		SKIP(return, "this kernel was built without CONFIG_FAILSLAB");
	/* Not only those that may not wait, and without a report of each. */
	ASSERT_EQ(0, write_file(FAILSLAB "ignore-gfp-wait", "N"));
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
	EXPECT_EQ(0, module_load(MODULE, NULL));
	free(self->module);
	close(self->klog);
	close(self->fail_nth);
}

/*
 * From now on, the @n-th allocation of this task fails; with 0, all is well. This
 * returns whether there was such an allocation since it was asked for.
 */
static bool let_fail(int fail_nth, int n)
{
	char text[16] = "";
	bool has_failed = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 &&
			  !atoi(text);
	ssize_t len = snprintf(text, sizeof(text), "%d", n);

	return pwrite(fail_nth, text, len, 0) == len && has_failed;
}

/* Takes note of what the module said could not be registered. */
static void note_hooks(FIXTURE_DATA(fault) *self)
{
	char line[512], want[64];

	while (klog_find(self->klog, "cannot register", line, sizeof(line))) {
		for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
			snprintf(want, sizeof(want), "for %s programs",
				 hooks[i]);
			if (strstr(line, want))
				self->has_failed[i] = true;
		}
	}
}

TEST_F_TIMEOUT(fault, of_each_allocation, 1800)
{
	static struct raw_prog prog;
	int n, err, failed = 0, registrations = 0;

	for (n = 1;; n++) {
		bool has_failed;

		let_fail(self->fail_nth, n);
		err = module_load_image(self->module, self->size);
		has_failed = let_fail(self->fail_nth, 0);
		if (!has_failed)
			break;
		if (err) {
			failed++;
			/* Some of the kernel's functions call it so. */
			EXPECT_TRUE(err == -ENOMEM || err == -EINVAL) {
				TH_LOG("allocation %d: %d", n, err);
			}
			EXPECT_FALSE(module_is_loaded(variant->name));
			note_hooks(self);
			ASSERT_EQ(0, module_load_image(self->module,
						       self->size));
		}
		/* Also if it got along without the memory. */
		if (!strcmp(variant->name, MODULE)) {
			EXPECT_EQ(0, module_try(&prog,
						BPF_PROG_TYPE_RAW_TRACEPOINT)) {
				TH_LOG("after allocation %d, load %d", n, err);
			}
		}
		ASSERT_EQ(0, module_unload(variant->name));
	}
	/* The last one was without a fault. */
	EXPECT_EQ(0, err);
	ASSERT_EQ(0, module_unload(variant->name));
	TH_LOG("%d allocations, %d of them needed", n - 1, failed);
	EXPECT_LT(10, failed);
	if (strcmp(variant->name, MODULE))
		return;
	/*
	 * What else needs memory is not the same in each load, so some numbers
	 * are of a place that has failed already, and a place may be left out.
	 */
	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		if (self->has_failed[i])
			registrations++;
		else
			TH_LOG("not of the registration for %s", hooks[i]);
	}
	EXPECT_LT(ARRAY_SIZE(hooks) / 2, registrations);
}

NS_TEST_MAIN(MODULE)
