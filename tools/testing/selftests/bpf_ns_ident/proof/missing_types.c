// SPDX-License-Identifier: GPL-2.0
/*
 * A kernel may lack types of namespaces. The kfuncs return -EOPNOTSUPP and zeroes
 * for these types, and work for the others. For the loader, a type that the kernel
 * lacks counts as initial.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "missing_types.h"
#include "ns_util.h"

#define REFUSED "] refused, "

static const struct {
	const char *name;
	__u32 flag;
} types[NR_TYPES] = {
	{ "cgroup", CLONE_NEWCGROUP },
	{ "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS },
	{ "net", CLONE_NEWNET },
	{ "pid", CLONE_NEWPID },
	{ "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },
	{ "uts", CLONE_NEWUTS },
};

static bool has_type(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return !access(path, F_OK);
}

FIXTURE(missing_types)
{
	struct probe probe;
	struct kfunc kfunc;
	struct raw_prog *prog;
	struct ns_task task;
	struct missing_types *missing;	/* shared with the programs */
	int klog;
};

FIXTURE_SETUP(missing_types)
{
	self->task.sock = -1;
	self->kfunc.btf_fd = -1;
	/* A new module has logged nothing, so the rate limit does not apply. */
	ASSERT_EQ(0, module_reload(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(missing_types)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
	kfunc_close(&self->kfunc);
	close(self->klog);
}

/* Expects the identity, or @err with zeroes if that is not 0. */
static void expect_answer(struct __test_metadata *_metadata,
			  const struct missing_types *missing, int which,
			  const char *type, int err)
{
	struct bpf_ns_ident want = {};

	if (!has_type(type))
		err = -EOPNOTSUPP;
	if (!err)
		ASSERT_EQ(0, ns_ident(getpid(), type, &want));
	EXPECT_EQ(err, missing->answers[which].ret) {
		TH_LOG("answer %d, %s", which, type);
	}
	EXPECT_EQ(want.dev, missing->answers[which].ident.dev);
	EXPECT_EQ(want.ino, missing->answers[which].ident.ino);
	EXPECT_EQ(want.id, missing->answers[which].ident.id);
}

static void load(struct __test_metadata *_metadata,
		 FIXTURE_DATA(missing_types) *self)
{
	struct bpf_map *map;
	size_t size;

	ASSERT_EQ(0, probe_load(&self->probe, "missing_types")) {
		TH_LOG("%s", probe_log);
	}
	map = bpf_object__find_map_by_name(self->probe.obj, ".data.missing");
	self->missing = map ? bpf_map__initial_value(map, &size) : NULL;
	ASSERT_NE(NULL, self->missing);
	ASSERT_EQ(sizeof(*self->missing), size);
	memset(self->missing, POISON & 0xff, sizeof(*self->missing));
	for (int i = 0; i < NR_TYPES; i++)
		self->missing->flags[i] = types[i].flag;
	memset(&self->missing->pidns, 0, sizeof(self->missing->pidns));
	if (has_type("pid"))
		ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->missing->pidns));
}

/* Runs a program, with a packet if its type needs one. */
static int run(FIXTURE_DATA(missing_types) *self, const char *name,
	       bool has_packet)
{
	/* An IPv4 header is enough for netfilter. */
	static const char packet[64] = { [12] = 8, [14] = 0x45 };
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	struct bpf_program *prog;

	prog = bpf_object__find_program_by_name(self->probe.obj, name);
	if (has_packet) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	return prog ? bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) :
		      -ENOENT;
}

TEST_F(missing_types, of_tasks)
{
	__s64 want = -EOPNOTSUPP;

	load(_metadata, self);
	ASSERT_EQ(0, run(self, "ask_task", false));
	for (int i = 0; i < NR_TYPES; i++)
		expect_answer(_metadata, self->missing, TYPES + i,
			      types[i].name, 0);
	expect_answer(_metadata, self->missing, PIDNS, "pid", 0);
	expect_answer(_metadata, self->missing, TASK_PIDNS, "pid", 0);
	if (has_type("pid"))
		want = (__s64)getpid() << 32 | gettid();
	EXPECT_EQ(want, self->missing->pid_tgid);
	EXPECT_EQ(want, self->missing->task_pid_tgid);
}

TEST_F(missing_types, of_sockets_and_packets)
{
	load(_metadata, self);
	ASSERT_EQ(0, run(self, "ask_skb", true));
	ASSERT_EQ(0, run(self, "ask_xdp", true));
	ASSERT_EQ(0, run(self, "ask_nf", true));
	expect_answer(_metadata, self->missing, SK, "net", 0);
	expect_answer(_metadata, self->missing, SKB, "net", 0);
	expect_answer(_metadata, self->missing, XDP, "net", 0);
	/* The program is not at a hook. */
	expect_answer(_metadata, self->missing, NF, "net", -ENOENT);
}

static int do_load(void *prog)
{
	return fd_drop(raw_load_type(prog, BPF_PROG_TYPE_SYSCALL, 0));
}

TEST_F(missing_types, count_as_initial)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_FALSE(klog_find(self->klog, REFUSED, NULL, 0));
}

/* Without user: bpf(2) itself fails in another user namespace. */
TEST_F(missing_types, do_not_hide_others)
{
	char names[128] = "", line[512] = "", want[512];
	__u64 flags = 0;

	for (int i = 0; i < NR_TYPES; i++) {
		if (!has_type(types[i].name) || types[i].flag == CLONE_NEWUSER)
			continue;
		flags |= types[i].flag;
		if (names[0])
			strcat(names, ", ");
		strcat(names, types[i].name);
	}
	ASSERT_EQ(0, ns_start(&self->task, NULL, flags));
	EXPECT_EQ(-EACCES, ns_call(&self->task, do_load, self->prog));
	snprintf(want, sizeof(want),
		 "%s: prog raw: load by %.15s[%d] refused, not in the initial %s namespaces",
		 MODULE, program_invocation_short_name, self->task.pid, names);
	EXPECT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
	EXPECT_EQ(0, strncmp(want, line, strlen(want))) {
		TH_LOG("%s", line);
	}
}

/* NS_TEST_MAIN() skips all tests on a kernel that lacks a type. */
int main(int argc, char **argv)
{
	if (geteuid() || !module_is_there(MODULE)) {
		ksft_print_header();
		ksft_exit_skip("this takes root, and the module " MODULE "\n");
	}
	return test_harness_run(argc, argv);
}
