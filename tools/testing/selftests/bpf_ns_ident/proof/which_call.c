// SPDX-License-Identifier: GPL-2.0
/*
 * The results of the example programs in Documentation/bpf/ns_ident.rst equal
 * stat(2) and NS_GET_ID.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

FIXTURE(which)
{
	struct probe probe;
	struct ns_task task;
	struct ns_task other;
	struct bpf_ns_ident ident;	/* of the task */
	int map;
	int ns;
};

FIXTURE_SETUP(which)
{
	self->task.sock = -1;
	self->other.sock = -1;
	self->ns = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(which)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	probe_close(&self->probe);
	if (self->ns >= 0)
		close(self->ns);
}

/* Loads progs/NAME.bpf.c, and returns its map with the results. */
static int load(struct probe *probe, const char *name, const char *map)
{
	int err = probe_prepare(probe, name) ?: bpf_object__load(probe->obj);

	return err ?: bpf_object__find_map_fd_by_name(probe->obj, map);
}

static int attach(struct probe *probe)
{
	probe->link = bpf_program__attach(probe->prog);
	return probe->link ? 0 : -errno;
}

static void expect_count(struct __test_metadata *_metadata, int map,
			 const void *key, __u64 want)
{
	__u64 count = 0;

	EXPECT_EQ(0, bpf_map_lookup_elem(map, key, &count));
	EXPECT_EQ(want, count);
}

static void expect_only_key(struct __test_metadata *_metadata, int map,
			    const void *key)
{
	__u8 next[sizeof(struct bpf_ns_ident)];

	EXPECT_EQ(-ENOENT, bpf_map_get_next_key(map, key, next));
	EXPECT_EQ(0, bpf_map_get_next_key(map, NULL, next));
	EXPECT_EQ(-ENOENT, bpf_map_get_next_key(map, next, next));
}

/* A failing call is enough, and the task continues. */
static int do_exec(void *unused)
{
	char *const none[] = { NULL };

	execve("/", none, none);
	return errno == EACCES ? 0 : -errno;
}

TEST_F(which, pidns)
{
	self->map = load(&self->probe, "which_pidns", "execs");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, attach(&self->probe));

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &self->ident));
	ASSERT_EQ(0, ns_call(&self->task, do_exec, NULL));
	ASSERT_EQ(0, ns_call(&self->task, do_exec, NULL));
	expect_count(_metadata, self->map, &self->ident, 2);
}

#define NR_TYPES 8

struct exec {
	__u64 pid_tgid;
	struct bpf_ns_ident ns[NR_TYPES];
};

struct execs {
	pid_t pid;		/* task to look for */
	struct exec exec;
};

static int take_exec(void *ctx, void *data, size_t size)
{
	struct execs *execs = ctx;
	const struct exec *exec = data;

	if ((pid_t)exec->pid_tgid != execs->pid)
		return 0;
	execs->exec = *exec;
	return -ECANCELED;
}

TEST_F(which, ns)
{
	static const char *const names[NR_TYPES] = {
		"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
	};
	struct ring_buffer *ring;
	struct execs execs = {};
	int i;

	self->map = load(&self->probe, "which_ns", "execs");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, attach(&self->probe));
	ring = ring_buffer__new(self->map, take_exec, &execs, NULL);
	ASSERT_NE(NULL, ring);

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	execs.pid = self->task.pid;
	ASSERT_EQ(0, ns_call(&self->task, do_exec, NULL));
	EXPECT_EQ(-ECANCELED, ring_buffer__consume(ring));
	ring_buffer__free(ring);
	for (i = 0; i < NR_TYPES; i++) {
		ASSERT_EQ(0, ns_ident(self->task.pid, names[i], &self->ident));
		EXPECT_EQ(0, memcmp(&self->ident, &execs.exec.ns[i],
				    sizeof(self->ident))) {
			TH_LOG("%s: dev %llu ino %llu id %llu", names[i],
			       execs.exec.ns[i].dev, execs.exec.ns[i].ino,
			       execs.exec.ns[i].id);
		}
	}
}

TEST_F(which, pid)
{
	struct bpf_map *bss;
	size_t size;
	void *agent;
	__u32 tgid;

	self->map = load(&self->probe, "which_pid", "execs");
	ASSERT_LE(0, self->map);

	/* The namespace of the task is nested in that of the agent. */
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->task, &self->other, CLONE_NEWPID));
	self->ns = ns_open(self->other.pid, "pid");
	ASSERT_LE(0, self->ns);
	ASSERT_EQ(0, ns_ident_fd(self->ns, &self->ident));
	bss = bpf_object__find_map_by_name(self->probe.obj, ".bss");
	agent = bpf_map__initial_value(bss, &size);
	ASSERT_EQ(sizeof(self->ident), size);
	memcpy(agent, &self->ident, size);
	ASSERT_EQ(0, attach(&self->probe));

	tgid = ioctl(self->ns, NS_GET_TGID_IN_PIDNS, self->task.pid);
	EXPECT_EQ(2, tgid);
	ASSERT_EQ(0, ns_call(&self->task, do_exec, NULL));
	/* The agent does not see a task outside. */
	ASSERT_EQ(0, do_exec(NULL));
	expect_count(_metadata, self->map, &tgid, 1);
	expect_only_key(_metadata, self->map, &tgid);
}

/* Finds the record of a ring buffer with the pid of a task in it. */
struct taken {
	__u32 pid;
	size_t offset;		/* of the pid in the record */
	size_t size;
	void *record;
};

static int take_record(void *ctx, void *data, size_t size)
{
	struct taken *taken = ctx;
	__u32 pid;

	if (size != taken->size)
		return -EPROTO;
	memcpy(&pid, data + taken->offset, sizeof(pid));
	if (pid != taken->pid)
		return 0;
	memcpy(taken->record, data, size);
	return -ECANCELED;
}

static int take(int map, struct taken *taken)
{
	struct ring_buffer *ring = ring_buffer__new(map, take_record, taken, NULL);
	int err;

	if (!ring)
		return -errno;
	err = ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return err;
}

static void expect_ident(struct __test_metadata *_metadata, pid_t pid,
			 const char *name, const struct bpf_ns_ident *got)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_ident(pid, name, &want));
	EXPECT_EQ(0, memcmp(&want, got, sizeof(want))) {
		TH_LOG("%s: dev %llu ino %llu id %llu", name, got->dev, got->ino,
		       got->id);
	}
}

TEST_F(which, child)
{
	struct {
		__u64 parent, child;
		struct bpf_ns_ident pidns;
	} fork = {};
	struct taken taken = {
		.pid = getpid(),
		.size = sizeof(fork),
		.record = &fork,
	};

	self->map = load(&self->probe, "which_child", "forks");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, attach(&self->probe));
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(-ECANCELED, take(self->map, &taken));
	EXPECT_EQ(1ULL << 32 | 1, fork.child);
	expect_ident(_metadata, self->task.pid, "pid", &fork.pidns);
}

TEST_F(which, target)
{
	struct {
		struct bpf_ns_ident from, to;
		__u32 sender, target, number, unused;
	} signal = {};
	struct taken taken = {
		.offset = offsetof(typeof(signal), target),
		.size = sizeof(signal),
		.record = &signal,
	};

	self->map = load(&self->probe, "which_target", "signals");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, attach(&self->probe));
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	taken.pid = self->task.pid;
	ASSERT_EQ(0, kill(self->task.pid, SIGURG));
	ASSERT_EQ(-ECANCELED, take(self->map, &taken));
	EXPECT_EQ(getpid(), signal.sender);
	EXPECT_EQ(SIGURG, signal.number);
	expect_ident(_metadata, getpid(), "pid", &signal.from);
	expect_ident(_metadata, self->task.pid, "pid", &signal.to);
}

TEST_F(which, all)
{
	static const char *const names[NR_TYPES] = {
		"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
	};
	struct {
		__u32 tgid, pid, busy, unused;
		struct bpf_ns_ident ns[NR_TYPES];
	} row;
	bool is_there = false;

	ASSERT_EQ(0, probe_prepare(&self->probe, "which_all"));
	ASSERT_EQ(0, bpf_object__load(self->probe.obj));
	ASSERT_EQ(0, attach(&self->probe));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	self->ns = bpf_iter_create(bpf_link__fd(self->probe.link));
	ASSERT_LE(0, self->ns);
	while (!is_there && read(self->ns, &row, sizeof(row)) == sizeof(row))
		is_there = row.pid == self->task.pid;
	ASSERT_TRUE(is_there);
	EXPECT_EQ(self->task.pid, row.tgid);
	EXPECT_EQ(0, row.busy);
	for (int i = 0; i < NR_TYPES; i++)
		expect_ident(_metadata, self->task.pid, names[i], &row.ns[i]);
}

/* A new net namespace has only a loopback device. */
static int do_lo_up(void *unused)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &req))
		err = -errno;
	close(sock);
	return err;
}

#define start_in_net()							\
	do {								\
		ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET)); \
		ASSERT_EQ(0, ns_call(&self->task, do_lo_up, NULL));	\
		ASSERT_EQ(0, ns_ident(self->task.pid, "net",		\
				      &self->ident));			\
	} while (0)

/* Opens a socket with an address, and returns the address. */
static int open_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int sock = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*addr = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (sock < 0 || bind(sock, (struct sockaddr *)addr, len) ||
	    getsockname(sock, (struct sockaddr *)addr, &len))
		return -errno;
	return sock;
}

/* Both ends belong to the task. recv() waits until the data has arrived. */
static int do_tcp(void *unused)
{
	struct sockaddr_in addr, from;
	int server = open_socket(SOCK_STREAM, &addr);
	int client = open_socket(SOCK_STREAM, &from);
	int conn, err = 0;
	char byte = 0;

	if (server < 0 || client < 0 || listen(server, 1) ||
	    connect(client, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	conn = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0 || send(client, &byte, 1, MSG_NOSIGNAL) != 1 ||
	    recv(conn, &byte, 1, 0) != 1)
		err = -errno;
	close(conn);
	close(client);
	close(server);
	return err;
}

TEST_F(which, sk)
{
	self->map = load(&self->probe, "which_sk", "connected");
	ASSERT_LE(0, self->map);
	ASSERT_EQ(0, attach(&self->probe));

	start_in_net();
	ASSERT_EQ(0, ns_call(&self->task, do_tcp, NULL));
	expect_count(_metadata, self->map, &self->ident, 2);
}

#define PAYLOAD 100

/* Sends to itself. The packet has arrived when recv() returns. */
static int do_udp(void *unused)
{
	struct sockaddr_in addr;
	int sock = open_socket(SOCK_DGRAM, &addr);
	char data[PAYLOAD] = {};
	int err = 0;

	if (sock < 0 ||
	    sendto(sock, data, PAYLOAD, 0, (struct sockaddr *)&addr,
		   sizeof(addr)) != PAYLOAD ||
	    recv(sock, data, PAYLOAD, 0) != PAYLOAD)
		err = -errno;
	close(sock);
	return err;
}

/* Attaches the program that the test passed, until the task ends. */
static int do_attach_tcx(void *unused)
{
	int link = bpf_link_create(ns_received_fd, if_nametoindex("lo"),
				   BPF_TCX_INGRESS, NULL);

	return link < 0 ? link : 0;
}

TEST_F(which, skb)
{
	SKIP_WITHOUT("CONFIG_NET_XGRESS");
	self->map = load(&self->probe, "which_skb", "bytes");
	ASSERT_LE(0, self->map);

	start_in_net();
	ASSERT_EQ(0, ns_call_fd(&self->task,
				bpf_program__fd(self->probe.prog),
				do_attach_tcx, NULL));
	ASSERT_EQ(0, ns_call(&self->task, do_udp, NULL));
	/* Includes the headers of Ethernet, IP and UDP. */
	expect_count(_metadata, self->map, &self->ident,
		     14 + 20 + 8 + PAYLOAD);
	expect_only_key(_metadata, self->map, &self->ident);
}

/* Generic XDP, since the driver has no native XDP. */
static int do_attach_xdp(void *unused)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(ns_received_fd, if_nametoindex("lo"),
				   BPF_XDP, &opts);

	return link < 0 ? link : 0;
}

TEST_F(which, xdp)
{
	self->map = load(&self->probe, "which_xdp", "frames");
	ASSERT_LE(0, self->map);

	start_in_net();
	ASSERT_EQ(0, ns_call_fd(&self->task,
				bpf_program__fd(self->probe.prog),
				do_attach_xdp, NULL));
	ASSERT_EQ(0, ns_call(&self->task, do_udp, NULL));
	expect_count(_metadata, self->map, &self->ident, 1);
	expect_only_key(_metadata, self->map, &self->ident);
}

NS_TEST_MAIN(MODULE)
