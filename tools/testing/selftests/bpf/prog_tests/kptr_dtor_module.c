// SPDX-License-Identifier: GPL-2.0
#include <test_progs.h>
#include "kfunc_call_test.skel.h"
#include "testing_helpers.h"

#define MODULE "bpf_test_modorder_x"

static int read_number(const char *path)
{
	int number = -1;
	FILE *file;

	file = fopen(path, "r");
	if (!file)
		return -errno;
	if (fscanf(file, "%d", &number) != 1)
		number = -EINVAL;
	fclose(file);
	return number;
}

static int refs_of_testmod(void)
{
	return read_number("/sys/module/bpf_testmod/refcnt");
}

/* The map has a reference of bpf_testmod when it is freed. A newer module has a
 * function with the name of the destructor.
 */
void serial_test_kptr_dtor_module(void)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts,
		    .data_in = packet,
		    .data_size_in = sizeof(packet),
	);
	struct kfunc_call_test *skel;
	int refs, err, i;

	if (!env.has_testmod) {
		test__skip();
		return;
	}
	refs = refs_of_testmod();
	if (!ASSERT_GE(refs, 0, "references before") ||
	    !ASSERT_OK(load_module(MODULE ".ko", false), "load " MODULE ".ko"))
		return;

	skel = kfunc_call_test__open_and_load();
	if (!ASSERT_OK_PTR(skel, "kfunc_call_test__open_and_load"))
		goto out;
	err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.kfunc_call_ctx), &opts);
	ASSERT_OK(err, "bpf_prog_test_run_opts");
	ASSERT_EQ(opts.retval, 0, "kfunc_call_ctx");
	kfunc_call_test__destroy(skel);

	/* The kernel frees the map and its elements later, and then the module */
	for (i = 0; i < 1000 && refs_of_testmod() != refs; i++)
		usleep(10000);
	ASSERT_EQ(refs_of_testmod(), refs, "references after");
	ASSERT_EQ(read_number("/sys/module/" MODULE "/parameters/wrong_dtor_calls"), 0,
		  "calls of the newer module");
out:
	unload_module(MODULE, false);
}
