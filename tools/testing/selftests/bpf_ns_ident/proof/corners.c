// SPDX-License-Identifier: GPL-2.0
/*
 * Corner cases of Documentation/bpf/ns_ident_semantics.rst: threads of io_uring,
 * sockets of AF_UNIX and netlink, the cookie of a net namespace, the first function of a new
 * task.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/stddef.h> /* for io_uring.h */
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "sock_create.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define NEWNET ((void *)CLONE_NEWNET)

static void expect_ident(struct __test_metadata *_metadata,
			 const struct bpf_ns_ident *want,
			 const struct bpf_ns_ident *got)
{
	EXPECT_EQ(want->dev, got->dev);
	EXPECT_EQ(want->ino, got->ino);
	EXPECT_EQ(want->id, got->id);
}

/* Memory that the test shares with its task. */
struct shared {
	__u64 cookie;		/* of the last socket */
	char path[64];		/* of a socket */
	bool sqpoll;
};

FIXTURE(corners)
{
	struct shared *shared;
	struct probe probe;
	struct ns_cgroup cgroup;
	struct ns_task task;
	struct bpf_ns_ident initial;
	struct sock_create *created;
};

FIXTURE_SETUP(corners)
{
	self->task.sock = -1;
	self->cgroup.fd = -1;
	SKIP_WITHOUT("CONFIG_NET_NS");
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, ns_ident(getpid(), "net", &self->initial));
	self->shared = ns_alloc(sizeof(*self->shared));
	ASSERT_NE(NULL, self->shared);
	snprintf(self->shared->path, sizeof(self->shared->path),
		 "/tmp/ns_ident.%d", getpid());
}

FIXTURE_TEARDOWN(corners)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
	EXPECT_EQ(0, ns_cgroup_close(&self->cgroup));
	if (self->shared)
		unlink(self->shared->path);
}

/* Loads the program, and attaches it to a cgroup with the task. */
static void open_sock_create(struct __test_metadata *_metadata,
			     FIXTURE_DATA(corners) *self)
{
	struct bpf_map *map;
	size_t size;

	ASSERT_EQ(0, ns_cgroup_open(&self->cgroup));
	ASSERT_EQ(0, ns_cgroup_add(&self->cgroup, self->task.pid));
	ASSERT_EQ(0, probe_load(&self->probe, "sock_create")) {
		TH_LOG("%s", probe_log);
	}
	self->probe.link = bpf_program__attach_cgroup(self->probe.prog,
						      self->cgroup.fd);
	ASSERT_NE(NULL, self->probe.link);
	map = bpf_object__find_map_by_name(self->probe.obj, ".data.created");
	self->created = bpf_map__initial_value(map, &size);
	ASSERT_NE(NULL, self->created);
	probe_target(&self->probe, self->task.pid);
}

static int read_cookie(int sock, struct shared *shared)
{
	socklen_t len = sizeof(shared->cookie);

	return getsockopt(sock, SOL_SOCKET, SO_NETNS_COOKIE, &shared->cookie,
			  &len) ? -errno : 0;
}

static int do_socket(void *shared)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = sock < 0 ? -errno : read_cookie(sock, shared);

	close(sock);
	return err;
}

/* The id of a net namespace is also the cookie, for BPF and for userspace. */
TEST_F(corners, id_is_the_cookie)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));
	ASSERT_EQ(0, ns_ident(self->task.pid, "net", &want));
	open_sock_create(_metadata, self);
	ASSERT_EQ(0, ns_call(&self->task, do_socket, self->shared));
	ASSERT_EQ(1, self->created->calls);
	EXPECT_EQ(0, self->created->err);
	expect_ident(_metadata, &want, &self->created->sock);
	EXPECT_NE(self->initial.id, want.id);
	EXPECT_EQ(want.id, self->shared->cookie);
	EXPECT_EQ(want.id, self->created->cookie);
}

static int ring = -1;
static char *rings;
static struct io_uring_params params;
static struct io_uring_sqe *sqes;

static int do_open_ring(void *arg)
{
	struct shared *shared = arg;

	params.flags = shared->sqpoll ? IORING_SETUP_SQPOLL : 0;
	ring = syscall(__NR_io_uring_setup, 1, &params);
	if (ring < 0)
		return -errno;
	/* One mapping for both rings, since Linux 5.4. */
	rings = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		    IORING_OFF_SQES);
	return rings == MAP_FAILED || sqes == MAP_FAILED ? -errno : 0;
}

/* Has a thread of io_uring create a socket. */
static int do_socket_by_ring(void *arg)
{
	unsigned int *tail = (unsigned int *)(rings + params.sq_off.tail);
	unsigned int *head = (unsigned int *)(rings + params.cq_off.head);
	struct io_uring_cqe *cqe = (struct io_uring_cqe *)(rings + params.cq_off.cqes);
	struct shared *shared = arg;
	unsigned int flags = IORING_ENTER_GETEVENTS;
	int sock, err;

	*sqes = (struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET,
		.flags = shared->sqpoll ? 0 : IOSQE_ASYNC,
		.fd = AF_INET,
		.off = SOCK_DGRAM,
	};
	*(unsigned int *)(rings + params.sq_off.array) = 0;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (shared->sqpoll)
		flags |= IORING_ENTER_SQ_WAKEUP;
	if (syscall(__NR_io_uring_enter, ring, 1, 1, flags, NULL, 0) < 0)
		return -errno;
	cqe += *head & (params.cq_entries - 1);
	sock = cqe->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	if (sock < 0)
		return sock;
	err = read_cookie(sock, shared);
	close(sock);
	return err;
}

/* A thread that exists before unshare(2) stays, and so do its sockets. */
static void expect_old_net(struct __test_metadata *_metadata,
			   FIXTURE_DATA(corners) *self, bool sqpoll)
{
	struct bpf_ns_ident now;

	SKIP_WITHOUT("CONFIG_IO_URING");
	self->shared->sqpoll = sqpoll;
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, do_open_ring, self->shared));
	ASSERT_EQ(0, ns_call(&self->task, do_socket_by_ring, self->shared));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWNET));
	ASSERT_EQ(0, ns_ident(self->task.pid, "net", &now));
	EXPECT_NE(self->initial.id, now.id);

	open_sock_create(_metadata, self);
	ASSERT_EQ(0, ns_call(&self->task, do_socket_by_ring, self->shared));
	ASSERT_EQ(1, self->created->calls);
	EXPECT_EQ(0, self->created->err);
	expect_ident(_metadata, &self->initial, &self->created->task);
	expect_ident(_metadata, &self->initial, &self->created->sock);
	EXPECT_EQ(self->initial.id, self->shared->cookie);

	/* The task itself has moved. */
	ASSERT_EQ(0, ns_call(&self->task, do_socket, self->shared));
	ASSERT_EQ(2, self->created->calls);
	expect_ident(_metadata, &now, &self->created->task);
	expect_ident(_metadata, &now, &self->created->sock);
}

TEST_F(corners, thread_that_polls_the_submission_queue)
{
	expect_old_net(_metadata, self, true);
}

TEST_F(corners, worker_of_io_uring)
{
	expect_old_net(_metadata, self, false);
}

static int receiver = -1;

static int do_bind_and_filter(void *arg)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct shared *shared = arg;

	strcpy(addr.sun_path, shared->path);
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (receiver < 0 || bind(receiver, (struct sockaddr *)&addr, sizeof(addr)) ||
	    setsockopt(receiver, SOL_SOCKET, SO_ATTACH_BPF, &ns_received_fd,
		       sizeof(ns_received_fd)))
		return -errno;
	return 0;
}

/* The filter's socket receives, so the namespace of the sender makes no difference. */
TEST_F(corners, filter_of_a_unix_socket)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct bpf_ns_ident want;
	int sender;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));
	ASSERT_EQ(0, ns_ident(self->task.pid, "net", &want));
	EXPECT_NE(self->initial.id, want.id);
	ASSERT_EQ(0, probe_load(&self->probe, "filter_unix")) {
		TH_LOG("%s", probe_log);
	}
	ASSERT_EQ(0, ns_call_fd(&self->task, self->probe.fd, do_bind_and_filter,
				self->shared));
	strcpy(addr.sun_path, self->shared->path);
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ASSERT_LE(0, sender);
	ASSERT_EQ(1, sendto(sender, "?", 1, 0, (struct sockaddr *)&addr, sizeof(addr)));
	close(sender);
	EXPECT_EQ(1, self->probe.report->calls);
	EXPECT_EQ(0, self->probe.report->err);
	expect_ident(_metadata, &want, &self->probe.report->ident);
}

static int netlink_sender = -1;
static __u32 receiver_port;

static int do_netlink_sockets(void *unused)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(addr);

	receiver = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	netlink_sender = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
				NETLINK_USERSOCK);
	if (receiver < 0 || netlink_sender < 0 ||
	    bind(receiver, (struct sockaddr *)&addr, len) ||
	    getsockname(receiver, (struct sockaddr *)&addr, &len) ||
	    setsockopt(receiver, SOL_SOCKET, SO_ATTACH_BPF, &ns_received_fd,
		       sizeof(ns_received_fd)))
		return -errno;
	receiver_port = addr.nl_pid;
	return 0;
}

static int do_netlink_send(void *unused)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = receiver_port,
	};
	struct nlmsghdr message = { .nlmsg_len = sizeof(message) };

	return sendto(netlink_sender, &message, sizeof(message), 0,
		      (struct sockaddr *)&addr, sizeof(addr)) == sizeof(message) ?
	       0 : -errno;
}

/* Netlink sockets reach each other in one namespace, so the sending task moves. */
TEST_F(corners, filter_of_a_netlink_socket)
{
	int initial = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct bpf_ns_ident want;

	ASSERT_LE(0, initial);
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));
	ASSERT_EQ(0, ns_ident(self->task.pid, "net", &want));
	EXPECT_NE(self->initial.id, want.id);
	ASSERT_EQ(0, probe_load(&self->probe, "filter_unix")) {
		TH_LOG("%s", probe_log);
	}
	ASSERT_EQ(0, ns_call_fd(&self->task, self->probe.fd, do_netlink_sockets,
				NULL));
	ASSERT_EQ(0, ns_call_fd(&self->task, initial, ns_do_setns, NEWNET));
	close(initial);
	ASSERT_EQ(0, ns_call(&self->task, do_netlink_send, NULL));
	EXPECT_EQ(1, self->probe.report->calls);
	EXPECT_EQ(0, self->probe.report->err);
	expect_ident(_metadata, &want, &self->probe.report->ident);
}

/* The current task is the child, although it has not run before. */
TEST_F(corners, schedule_tail)
{
	struct bpf_ns_ident want;
	struct report event;

	ASSERT_EQ(0, probe_open(&self->probe, "schedule_tail")) {
		TH_LOG("%s", probe_log);
	}
	probe_target(&self->probe, getpid());
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	ASSERT_EQ(0, probe_wait(&self->probe, &event));
	EXPECT_EQ(self->task.pid, (pid_t)event.pid_tgid);
	EXPECT_EQ(0, event.err);
	expect_ident(_metadata, &want, &event.ident);
}

NS_TEST_MAIN(MODULE)
