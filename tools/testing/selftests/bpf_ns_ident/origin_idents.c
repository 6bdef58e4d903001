// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that a task in a nested pid namespace has loaded get results about
 * the tasks that /proc shows there, and about packets in its own net namespace.
 * For all others, the result is -ESRCH. Programs of the host see everything.
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/if_ether.h>
#include <stdint.h>
#include <sys/mman.h>

#include "kselftest_harness.h"

#include "clone_util.h"
#include "origin_idents.skel.h"

/* Ids of the programs and of their variables, shared with the loader. */
struct loaded {
	struct asker *asker;
	__u32 map, packet_prog;
};

static __u32 id_of_map(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_map_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static __u32 id_of_prog(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Loads and attaches the programs, and keeps them until the task ends. */
static int load_and_ask(void *arg)
{
	struct loaded *loaded = arg;
	struct origin_idents *skel;

	skel = origin_idents__open_and_load();
	if (!skel || !bpf_program__attach(skel->progs.on_getpgid))
		return 1;
	loaded->map = id_of_map(bpf_map__fd(skel->maps.bss));
	loaded->packet_prog = id_of_prog(bpf_program__fd(skel->progs.on_packet));
	return ask(loaded->asker);
}

FIXTURE(origin)
{
	struct loaded *loaded;
	struct asker loader;
	pid_t loader_pid;
	struct origin_idents__bss *bss;
	struct bpf_ns_ident own;
};

FIXTURE_SETUP(origin)
{
	self->loaded = mmap(NULL, sizeof(*self->loaded), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->loaded);
	self->loaded->asker = &self->loader;
}

FIXTURE_TEARDOWN(origin)
{
	asker_stop(&self->loader);
}

/* Starts a loader in new namespaces, or on the host without @flags. */
#define start_loader(FLAGS)						\
	do {								\
		int fd;							\
									\
		ASSERT_EQ(0, asker_run(&self->loader, FLAGS, !!(FLAGS),	\
				       load_and_ask, self->loaded));	\
		fd = bpf_map_get_fd_by_id(self->loaded->map);		\
		ASSERT_LE(0, fd);					\
		self->bss = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, \
				 MAP_SHARED, fd, 0);			\
		ASSERT_NE(MAP_FAILED, (void *)self->bss);		\
		close(fd);						\
		self->loader_pid = self->bss->answer.pid;		\
		ASSERT_EQ(0, read_ident(self->loader_pid, "pid", &self->own)); \
		self->bss->pidns = self->own;				\
		self->bss->other = self->loader_pid;			\
	} while (0)

/* Expects the results about the asker: visible with this pid, or invisible. */
#define expect_asker(ASKER, OWN_PID)					\
	do {								\
		struct bpf_ns_ident want = {};				\
		__s64 pid = (OWN_PID);					\
									\
		ASSERT_EQ(0, asker_again(ASKER));			\
		if (pid > 0)						\
			ASSERT_EQ(0, read_ident(self->bss->answer.pid, "pid", &want)); \
		EXPECT_EQ(pid > 0 ? 0 : -ESRCH, self->bss->answer.err);	\
		expect_ident(&want, &self->bss->answer.ident);		\
		EXPECT_EQ(pid > 0 ? pid << 32 | pid : -ESRCH, self->bss->pid_tgid_own); \
		EXPECT_EQ(self->bss->pid_tgid_own, self->bss->pid_tgid_in); \
		/* The loader is always visible. */			\
		EXPECT_EQ(0, self->bss->answer_of_other.err);		\
		expect_ident(&self->own, &self->bss->answer_of_other.ident); \
	} while (0)

TEST_F(origin, in_a_container)
{
	struct asker host, sibling, inner;
	int fd, init;
	char path[64];

	start_loader(CLONE_NEWPID);
	expect_asker(&self->loader, 1);

	ASSERT_EQ(0, asker_start(&host, 0, 0, 0));
	expect_asker(&host, -1);
	ASSERT_EQ(0, asker_start(&sibling, CLONE_NEWPID, 1, 0));
	expect_asker(&sibling, -1);

	/* Nested in the namespace of the loader. */
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", self->loader_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	init = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, setns(fd, CLONE_NEWPID));
	ASSERT_EQ(0, asker_start(&inner, CLONE_NEWPID, 1, 0));
	ASSERT_EQ(0, setns(init, CLONE_NEWPID));
	ASSERT_EQ(0, asker_again(&inner));
	expect_asker(&inner, ioctl(fd, NS_GET_PID_IN_PIDNS, self->bss->answer.pid));

	/* An ancestor of the loader's pid namespace, in which the task has a pid. */
	ASSERT_EQ(0, read_ident(getpid(), "pid", &self->bss->pidns));
	ASSERT_EQ(0, asker_again(&inner));
	EXPECT_EQ(-ESRCH, self->bss->pid_tgid_in);
	/* A task of the host, from a program that runs on top of the loader. */
	self->bss->other = getpid();
	ASSERT_EQ(0, asker_again(&self->loader));
	EXPECT_EQ(-ESRCH, self->bss->answer_of_other.err);
	EXPECT_EQ(0, self->bss->answer_of_other.ident.dev);

	close(fd);
	close(init);
	EXPECT_EQ(0, asker_stop(&inner));
	EXPECT_EQ(0, asker_stop(&sibling));
	EXPECT_EQ(0, asker_stop(&host));
}

TEST_F(origin, on_the_host)
{
	struct asker container;

	start_loader(0);
	ASSERT_EQ(0, read_ident(getpid(), "pid", &self->own));
	self->bss->pidns = self->own;
	expect_asker(&self->loader, self->loader_pid);
	ASSERT_EQ(0, asker_start(&container, CLONE_NEWPID, 1, 0));
	ASSERT_EQ(0, asker_again(&container));
	expect_asker(&container, self->bss->answer.pid);
	EXPECT_EQ(self->bss->pid_tgid_helper, self->bss->pid_tgid_own);
	EXPECT_EQ(0, asker_stop(&container));
}

/* BPF_PROG_RUN makes a packet in the net namespace of the task. */
static int run_packet_prog(__u32 id)
{
	char packet[ETH_ZLEN] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet));
	int fd = bpf_prog_get_fd_by_id(id);
	int err = fd < 0 ? fd : bpf_prog_test_run_opts(fd, &opts);

	close(fd);
	return err;
}

TEST_F(origin, packets)
{
	struct bpf_ns_ident want, none = {};
	char path[64];
	int fd;

	start_loader(CLONE_NEWPID | CLONE_NEWNET);
	ASSERT_EQ(0, run_packet_prog(self->loaded->packet_prog));
	EXPECT_EQ(-ESRCH, self->bss->answer_of_packet.err);
	expect_ident(&none, &self->bss->answer_of_packet.ident);

	ASSERT_EQ(0, read_ident(self->loader_pid, "net", &want));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", self->loader_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, setns(fd, CLONE_NEWNET));
	ASSERT_EQ(0, run_packet_prog(self->loaded->packet_prog));
	EXPECT_EQ(0, self->bss->answer_of_packet.err);
	expect_ident(&want, &self->bss->answer_of_packet.ident);
	close(fd);
}

static bool origin_is_recorded(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf__find_by_name_kind(btf, "bpf_prog_origin", BTF_KIND_STRUCT);

	btf__free(btf);
	return id > 0;
}

static pid_t harness;

/* The default again. A program is freed only after a grace period. */
static void unload(void)
{
	int tries = 100;

	if (getpid() != harness)
		return;
	while (system("rmmod bpf_ns_ident 2> /dev/null") && --tries)
		usleep(100000);
}

int main(int argc, char **argv)
{
	if (!origin_is_recorded()) {
		printf("1..0 # SKIP this kernel does not record the origin of programs\n");
		return KSFT_SKIP;
	}
	system("rmmod bpf_ns_ident 2> /dev/null");
	system("modprobe bpf_ns_ident loader_ns=user");
	if (system("grep -qx user /sys/module/bpf_ns_ident/parameters/loader_ns")) {
		printf("1..0 # SKIP cannot load the module bpf_ns_ident with a parameter\n");
		return KSFT_SKIP;
	}
	/* The harness exits by itself. */
	harness = getpid();
	atexit(unload);
	libbpf_set_print(NULL);
	return test_harness_run(argc, argv);
}
