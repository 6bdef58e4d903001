// SPDX-License-Identifier: GPL-2.0
/*
 * Networking programs report the net namespaces of sockets and packets. The
 * results equal those of stat(2) and NS_GET_ID for the files in /run/netns, and
 * those of iproute2 for the tasks. Two tasks, in net namespaces with a veth
 * pair between them, send data to each other by UDP and TCP.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "lwt_util.h"
#include "net.h"
#include "ns_util.h"

#define NETNS_DIR "/run/netns"

/* In both namespaces, with the same index. */
#define DEV "veth0"

#define NEAR_ADDR	"10.0.0.1"
#define FAR_ADDR	"10.0.0.2"
/* Another address at the far end, for additional routes. */
#define ROUTED_ADDR	"10.0.1.2"

/* Another pair of devices, for one test. */
#define NETKIT "nk"
#define NETKIT_NEAR_ADDR "198.51.100.1"
#define NETKIT_FAR_ADDR "198.51.100.2"

#define NEWNET ((void *)CLONE_NEWNET)

struct side {
	char name[32];
	struct ns_task task;
	struct bpf_ns_ident ident;
};

struct net_probe {
	struct probe probe;
	struct net_report *net;		/* shared with the program */
};

FIXTURE(net)
{
	struct side near;		/* speaks first */
	struct side far;		/* listens */
	struct net_probe probe;
	struct net_probe other;
	struct ns_cgroup cgroup;
};

/* One call of ip for several commands, which saves time. */
static int run_ip(const char *options, const char *commands)
{
	char shell[1024];

	snprintf(shell, sizeof(shell), "ip %s -batch - <<E\n%s\nE\n", options,
		 commands);
	return system(shell);
}

/* The output of `ip netns identify` for the tasks. */
static int ip_identify(pid_t near, pid_t far, char *names, size_t size)
{
	char shell[128];
	size_t len = 0;
	FILE *out;

	snprintf(shell, sizeof(shell),
		 "ip -batch - <<E\nnetns identify %d\nnetns identify %d\nE\n",
		 near, far);
	out = popen(shell, "r");
	if (out)
		len = fread(names, 1, size - 1, out);
	names[len] = 0;
	return out ? pclose(out) : -errno;
}

static int open_netns(const struct side *side)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), NETNS_DIR "/%s", side->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Starts a task that enters the namespace. */
static int start_side(struct side *side)
{
	int fd = open_netns(side);
	int err;

	if (fd < 0)
		return fd;
	err = ns_ident_fd(fd, &side->ident) ?:
	      ns_start(&side->task, NULL, 0) ?:
	      ns_call_fd(&side->task, fd, ns_do_setns, NEWNET);
	close(fd);
	return err;
}

FIXTURE_SETUP(net)
{
	struct side *near = &self->near, *far = &self->far;
	char text[512], names[128];
	struct bpf_ns_ident initial;

	near->task.sock = -1;
	far->task.sock = -1;
	self->cgroup.fd = -1;
	SKIP_WITHOUT("CONFIG_VETH");
	if (system("ip -V > /dev/null 2>&1"))
		SKIP(return, "there is no ip");
	ASSERT_EQ(0, module_load(MODULE, NULL));

	snprintf(near->name, sizeof(near->name), "ns_ident.near.%d", getpid());
	snprintf(far->name, sizeof(far->name), "ns_ident.far.%d", getpid());
	snprintf(text, sizeof(text),
		 "netns add %s\nnetns add %s\n"
		 "link add " DEV " netns %s type veth peer name " DEV " netns %s",
		 near->name, far->name, near->name, far->name);
	ASSERT_EQ(0, run_ip("", text));
	snprintf(text, sizeof(text), "-n %s", near->name);
	ASSERT_EQ(0, run_ip(text,
			    "addr add " NEAR_ADDR "/24 dev " DEV "\n"
			    "link set lo up\nlink set " DEV " up\n"
			    "route add " ROUTED_ADDR " dev " DEV));
	snprintf(text, sizeof(text), "-n %s", far->name);
	ASSERT_EQ(0, run_ip(text,
			    "addr add " FAR_ADDR "/24 dev " DEV "\n"
			    "addr add " ROUTED_ADDR "/32 dev " DEV "\n"
			    "link set lo up\nlink set " DEV " up"));

	ASSERT_EQ(0, start_side(near));
	ASSERT_EQ(0, start_side(far));
	ASSERT_EQ(0, ip_identify(near->task.pid, far->task.pid, names,
				 sizeof(names)));
	snprintf(text, sizeof(text), "%s\n%s\n", near->name, far->name);
	ASSERT_STREQ(text, names);

	/* Otherwise the results would prove nothing. */
	ASSERT_EQ(0, ns_ident(getpid(), "net", &initial));
	ASSERT_NE(initial.id, near->ident.id);
	ASSERT_NE(initial.id, far->ident.id);
	ASSERT_NE(near->ident.id, far->ident.id);
	ASSERT_NE(near->ident.ino, far->ident.ino);
}

FIXTURE_TEARDOWN(net)
{
	char text[128];

	ns_stop(&self->near.task);
	ns_stop(&self->far.task);
	probe_close(&self->probe.probe);
	probe_close(&self->other.probe);
	EXPECT_EQ(0, ns_cgroup_close(&self->cgroup));
	snprintf(text, sizeof(text), "netns del %s\nnetns del %s",
		 self->near.name, self->far.name);
	EXPECT_EQ(0, run_ip("", text));
}

static int net_finish(struct net_probe *probe)
{
	struct bpf_map *map;
	size_t size;
	int err = probe_finish(&probe->probe);

	if (err)
		return err;
	map = bpf_object__find_map_by_name(probe->probe.obj, ".data.net");
	probe->net = map ? bpf_map__initial_value(map, &size) : NULL;
	return probe->net && size == sizeof(*probe->net) ? 0 : -ENOMSG;
}

static int net_load(struct net_probe *probe, const char *name)
{
	return probe_prepare(&probe->probe, name) ?: net_finish(probe);
}

static void load(struct __test_metadata *_metadata, struct net_probe *probe,
		 const char *name)
{
	ASSERT_EQ(0, net_load(probe, name)) {
		TH_LOG("%s", probe_log);
	}
}

/* For programs with the target of the attachment in the section. */
static void load_and_attach(struct __test_metadata *_metadata,
			    struct net_probe *probe, const char *name)
{
	load(_metadata, probe, name);
	probe->probe.link = bpf_program__attach(probe->probe.prog);
	ASSERT_NE(NULL, probe->probe.link);
}

/*
 * Resets the results, and selects @side. Programs for packets ignore the
 * target.
 */
static void net_target(struct net_probe *probe, const struct side *side)
{
	probe_target(&probe->probe, 0);
	for (int i = 0; i < NET_ANSWERS; i++)
		probe->net->answers[i] = (struct net_answer){
			.ident = { POISON, POISON, POISON },
			.err = POISON_ERR,
		};
	probe_target(&probe->probe, side->task.pid);
}

/* Finds the name of a namespace by its identity. */
static int find_name(const struct bpf_ns_ident *ident, char *name, size_t size)
{
	struct dirent *entry;
	DIR *dir = opendir(NETNS_DIR);
	struct stat st;
	int err = -ENOENT;

	while (dir && err && (entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, 0) ||
		    st.st_dev != ident->dev || st.st_ino != ident->ino)
			continue;
		snprintf(name, size, "%s", entry->d_name);
		err = 0;
	}
	if (dir)
		closedir(dir);
	return err;
}

static void expect_answer(struct __test_metadata *_metadata,
			  const struct net_probe *probe, int which,
			  const struct side *want)
{
	const struct net_answer *answer = &probe->net->answers[which];
	char name[256] = "";

	ASSERT_LE(1, answer->calls);
	EXPECT_EQ(0, answer->changed);
	EXPECT_EQ(0, answer->err);
	EXPECT_EQ(want->ident.dev, answer->ident.dev);
	EXPECT_EQ(want->ident.ino, answer->ident.ino);
	EXPECT_EQ(want->ident.id, answer->ident.id);
	EXPECT_EQ(0, find_name(&answer->ident, name, sizeof(name)));
	EXPECT_STREQ(want->name, name);
}

/* Functions for the tasks, which have one connection at a time. */
static int listener = -1;
static int conn = -1;

struct traffic {
	int type;
	const char *addr;	/* of the far end */
};

static const struct traffic udp = { SOCK_DGRAM, FAR_ADDR };
static const struct traffic tcp = { SOCK_STREAM, FAR_ADDR };
static const struct traffic udp_routed = { SOCK_DGRAM, ROUTED_ADDR };
static const struct traffic tcp_routed = { SOCK_STREAM, ROUTED_ADDR };

static struct sockaddr_in traffic_addr(const struct traffic *traffic)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(NET_PORT),
	};

	inet_pton(AF_INET, traffic->addr, &addr.sin_addr);
	return addr;
}

/* A lost packet must not block the test. */
static int open_socket(const struct traffic *traffic)
{
	const struct timeval timeout = { .tv_sec = 10 };
	int one = 1;
	int sock = socket(AF_INET, traffic->type | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return sock;
}

static int do_listen(void *arg)
{
	const struct traffic *traffic = arg;
	struct sockaddr_in addr = traffic_addr(traffic);

	listener = open_socket(traffic);
	if (listener < 0)
		return listener;
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) ||
	    (traffic->type == SOCK_STREAM && listen(listener, 1)))
		return -errno;
	return listener;
}

static int do_connect(void *arg)
{
	const struct traffic *traffic = arg;
	struct sockaddr_in addr = traffic_addr(traffic);

	conn = open_socket(traffic);
	if (conn < 0)
		return conn;
	if (connect(conn, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return conn;
}

static int do_accept(void *arg)
{
	const struct traffic *traffic = arg;

	if (traffic->type == SOCK_STREAM)
		conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	else
		conn = fcntl(listener, F_DUPFD_CLOEXEC, 0);
	return conn < 0 ? -errno : conn;
}

static int do_send(void *unused)
{
	return send(conn, "?", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int do_receive(void *unused)
{
	char byte = 0;

	return recv(conn, &byte, 1, 0) == 1 && byte == '?' ? 0 : -EIO;
}

static int do_answer(void *unused)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char byte = 0;

	if (recvfrom(conn, &byte, 1, 0, (struct sockaddr *)&from, &len) != 1 ||
	    byte != '?')
		return -EIO;
	/* Only UDP needs the address. */
	if (sendto(conn, "?", 1, MSG_NOSIGNAL,
		   len ? (struct sockaddr *)&from : NULL, len) != 1)
		return -errno;
	return 0;
}

static int do_close(void *unused)
{
	close(listener);
	close(conn);
	listener = -1;
	conn = -1;
	return 0;
}

static void setup_traffic(struct __test_metadata *_metadata,
			  FIXTURE_DATA(net) *self, const struct traffic *traffic)
{
	void *arg = (void *)traffic;

	ASSERT_LE(0, ns_call(&self->far.task, do_listen, arg));
	ASSERT_LE(0, ns_call(&self->near.task, do_connect, arg));
	ASSERT_LE(0, ns_call(&self->far.task, do_accept, arg));
}

static void send_traffic(struct __test_metadata *_metadata,
			 FIXTURE_DATA(net) *self)
{
	ASSERT_EQ(0, ns_call(&self->near.task, do_send, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_answer, NULL));
	ASSERT_EQ(0, ns_call(&self->near.task, do_receive, NULL));
}

static void end_traffic(FIXTURE_DATA(net) *self)
{
	ns_call(&self->near.task, do_close, NULL);
	ns_call(&self->far.task, do_close, NULL);
}

static void exchange(struct __test_metadata *_metadata, FIXTURE_DATA(net) *self,
		     const struct traffic *traffic)
{
	setup_traffic(_metadata, self, traffic);
	send_traffic(_metadata, self);
	end_traffic(self);
}

/*
 * Expects that a program runs for packets, at most @udp_calls times for a
 * datagram, and that its results are right.
 */
static void expect_packets(struct __test_metadata *_metadata,
			   FIXTURE_DATA(net) *self, struct net_probe *probe,
			   const struct traffic *traffic,
			   const struct side *packet, const struct side *sock)
{
	net_target(probe, &self->near);
	exchange(_metadata, self, traffic);
	expect_answer(_metadata, probe, NET_PACKET, packet);
	if (sock)
		expect_answer(_metadata, probe, NET_SOCK, sock);
	/* A datagram is one packet. A connection has at least three. */
	if (traffic->type == SOCK_DGRAM)
		EXPECT_EQ(1, probe->net->answers[NET_PACKET].calls);
	if (traffic->type == SOCK_STREAM)
		EXPECT_LE(3, probe->net->answers[NET_PACKET].calls);
}

/*
 * Attaches the received program: by a link of the task, for types with links.
 */
static int do_attach_xdp(void *flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = (uintptr_t)flags);

	return bpf_link_create(ns_received_fd, if_nametoindex(DEV), BPF_XDP,
			       &opts);
}

static int do_attach_tcx(void *type)
{
	return bpf_link_create(ns_received_fd, if_nametoindex(DEV),
			       (uintptr_t)type, NULL);
}

static int do_attach_clsact(void *point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(DEV),
		    .attach_point = (uintptr_t)point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = ns_received_fd);

	return bpf_tc_hook_create(&hook) ?: bpf_tc_attach(&hook, &opts);
}

static int do_attach_netfilter(void *hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .netfilter = { .pf = NFPROTO_IPV4,
				   .hooknum = (uintptr_t)hook,
				   .priority = 1 });

	return bpf_link_create(ns_received_fd, 0, BPF_NETFILTER, &opts);
}

#define attach(SIDE, PROBE, DO, ARG)					\
	ASSERT_LE(0, ns_call_fd(&(SIDE)->task, (PROBE)->probe.fd, DO,	\
				(void *)(uintptr_t)(ARG)))

#define TEST_XDP(NAME, FLAGS)						\
	TEST_F(net, NAME)						\
	{								\
		load(_metadata, &self->probe, "net_xdp");		\
		attach(&self->far, &self->probe, do_attach_xdp, FLAGS);	\
		expect_packets(_metadata, self, &self->probe, &udp,	\
			       &self->far, &self->far);			\
		expect_packets(_metadata, self, &self->probe, &tcp,	\
			       &self->far, &self->far);			\
	}

/* In the driver, or in the network stack for other drivers. */
TEST_XDP(xdp_native, XDP_FLAGS_DRV_MODE)
TEST_XDP(xdp_generic, XDP_FLAGS_SKB_MODE)

/*
 * A packet is in the namespace of its device, on both sides of the cable. Its
 * socket is in the namespace in which it was opened, and stays with the packet
 * up to the network stack of the other side.
 */
#define TEST_TC(NAME, DO, EGRESS, INGRESS, OPTION)			\
	TEST_F(net, NAME)						\
	{								\
		const struct traffic *const all[] = { &udp, &tcp };	\
									\
		SKIP_WITHOUT(OPTION);					\
		load(_metadata, &self->probe, "net_tc");		\
		load(_metadata, &self->other, "net_tc");		\
		attach(&self->near, &self->probe, DO, EGRESS);		\
		attach(&self->far, &self->other, DO, INGRESS);		\
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {		\
			net_target(&self->other, &self->far);		\
			expect_packets(_metadata, self, &self->probe,	\
				       all[i], &self->near, &self->near); \
			expect_answer(_metadata, &self->other,		\
				      NET_PACKET, &self->far);		\
			expect_answer(_metadata, &self->other,		\
				      NET_SOCK, &self->near);		\
		}							\
	}

TEST_TC(clsact, do_attach_clsact, BPF_TC_EGRESS, BPF_TC_INGRESS,
	"CONFIG_NET_CLS_BPF")
TEST_TC(tcx, do_attach_tcx, BPF_TCX_EGRESS, BPF_TCX_INGRESS,
	"CONFIG_NET_XGRESS")

/* An extension gets the packet of the extended program. */
TEST_F(net, extension_of_tcx)
{
	struct bpf_program *prog;

	SKIP_WITHOUT("CONFIG_NET_XGRESS");
	load(_metadata, &self->other, "tc_plain");
	ASSERT_EQ(0, probe_prepare(&self->probe.probe, "net_freplace"));
	prog = self->probe.probe.prog;
	ASSERT_EQ(0, bpf_program__set_attach_target(prog, self->other.probe.fd,
						    "plain"));
	ASSERT_EQ(0, net_finish(&self->probe)) {
		TH_LOG("%s", probe_log);
	}
	self->probe.probe.link = bpf_program__attach_freplace(prog, self->other.probe.fd,
							      "plain");
	ASSERT_NE(NULL, self->probe.probe.link);
	attach(&self->near, &self->other, do_attach_tcx, BPF_TCX_EGRESS);
	expect_packets(_metadata, self, &self->probe, &udp, &self->near,
		       &self->near);
	expect_packets(_metadata, self, &self->probe, &tcp, &self->near,
		       &self->near);
}

/* libxdp makes the programs of a device extensions of one program. */
TEST_F(net, extension_of_xdp)
{
	struct bpf_program *prog;

	load(_metadata, &self->other, "xdp_plain_ctx");
	ASSERT_EQ(0, probe_prepare(&self->probe.probe, "net_freplace_xdp"));
	prog = self->probe.probe.prog;
	ASSERT_EQ(0, bpf_program__set_attach_target(prog, self->other.probe.fd,
						    "plain"));
	ASSERT_EQ(0, net_finish(&self->probe)) {
		TH_LOG("%s", probe_log);
	}
	self->probe.probe.link = bpf_program__attach_freplace(prog, self->other.probe.fd,
							      "plain");
	ASSERT_NE(NULL, self->probe.probe.link);
	attach(&self->far, &self->other, do_attach_xdp, XDP_FLAGS_DRV_MODE);
	expect_packets(_metadata, self, &self->probe, &udp, &self->far, NULL);
	expect_packets(_metadata, self, &self->probe, &tcp, &self->far, NULL);
}

/* Helpers convert a looked up socket to other types. */
TEST_F(net, sockets_as_others)
{
	static const int all[] = {
		NET_FULL, NET_TCP_INFO, NET_TCP, NET_REQUEST
	};

	SKIP_WITHOUT("CONFIG_NET_XGRESS");
	load(_metadata, &self->probe, "net_casts");
	attach(&self->far, &self->probe, do_attach_tcx, BPF_TCX_INGRESS);
	net_target(&self->probe, &self->near);
	exchange(_metadata, self, &tcp);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		expect_answer(_metadata, &self->probe, all[i], &self->far);
}

static int do_connect_to_nobody(void *traffic)
{
	int ret = do_connect(traffic);

	/* The reply to a datagram is an error of recv(), not of connect(2). */
	if (ret >= 0) {
		send(conn, "?", 1, MSG_NOSIGNAL);
		ret = recv(conn, &(char){ 0 }, 1, 0) < 0 ? -errno : 0;
	}
	do_close(NULL);
	return ret;
}

/*
 * Without a listener, the kernel replies from its own sockets. While it replies,
 * such a socket is in the namespace of the reply.
 */
#define TEST_KERNEL_SOCKET(NAME, TRAFFIC)				\
	TEST_F(net, NAME)						\
	{								\
		SKIP_WITHOUT("CONFIG_NET_XGRESS");			\
		load(_metadata, &self->probe, "net_answers");		\
		attach(&self->far, &self->probe, do_attach_tcx,		\
		       BPF_TCX_EGRESS);					\
		net_target(&self->probe, &self->near);			\
		ASSERT_EQ(-ECONNREFUSED, ns_call(&self->near.task,	\
						 do_connect_to_nobody,	\
						 (void *)&(TRAFFIC)));	\
		expect_answer(_metadata, &self->probe, NET_PACKET,	\
			      &self->far);				\
		expect_answer(_metadata, &self->probe, NET_SOCK,	\
			      &self->far);				\
	}

TEST_KERNEL_SOCKET(kernel_socket_of_a_tcp_reset, tcp)
TEST_KERNEL_SOCKET(kernel_socket_of_icmp, udp)

/* netkit uses the device of the primary end for both ends. */
static int do_attach_netkit(void *type)
{
	return bpf_link_create(ns_received_fd, if_nametoindex(NETKIT),
			       (uintptr_t)type, NULL);
}

/* The packet already has the peer device when the program runs. */
#define setup_netkit(TYPE)						\
	do {								\
		char text_[512];					\
									\
		SKIP_WITHOUT("CONFIG_NETKIT");				\
		snprintf(text_, sizeof(text_),				\
			 "link add " NETKIT " netns %s type netkit peer name " \
			 NETKIT " netns %s",				\
			 self->near.name, self->far.name);		\
		ASSERT_EQ(0, run_ip("", text_));			\
		snprintf(text_, sizeof(text_), "-n %s", self->near.name); \
		ASSERT_EQ(0, run_ip(text_, "addr add " NETKIT_NEAR_ADDR	\
				    "/24 dev " NETKIT			\
				    "\nlink set " NETKIT " up"));	\
		snprintf(text_, sizeof(text_), "-n %s", self->far.name); \
		ASSERT_EQ(0, run_ip(text_, "addr add " NETKIT_FAR_ADDR	\
				    "/24 dev " NETKIT			\
				    "\nlink set " NETKIT " up"));	\
		load(_metadata, &self->probe, "net_tc");		\
		attach(&self->near, &self->probe, do_attach_netkit, TYPE); \
	} while (0)

static const struct traffic netkit_udp = { SOCK_DGRAM, NETKIT_FAR_ADDR };
static const struct traffic netkit_tcp = { SOCK_STREAM, NETKIT_FAR_ADDR };

TEST_F(net, netkit)
{
	const struct traffic *const all[] = { &netkit_udp, &netkit_tcp };

	setup_netkit(BPF_NETKIT_PRIMARY);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		expect_packets(_metadata, self, &self->probe, all[i],
			       &self->far, &self->near);
}

static const struct traffic netkit_back = { SOCK_DGRAM, NETKIT_NEAR_ADDR };

/* The far end is the peer: its packets go to the near end. */
TEST_F(net, netkit_peer)
{
	void *arg = (void *)&netkit_back;

	setup_netkit(BPF_NETKIT_PEER);
	net_target(&self->probe, &self->far);
	ASSERT_LE(0, ns_call(&self->near.task, do_listen, arg));
	ASSERT_LE(0, ns_call(&self->far.task, do_connect, arg));
	ASSERT_LE(0, ns_call(&self->near.task, do_accept, arg));
	ASSERT_EQ(0, ns_call(&self->far.task, do_send, NULL));
	ASSERT_EQ(0, ns_call(&self->near.task, do_receive, NULL));
	expect_answer(_metadata, &self->probe, NET_PACKET, &self->near);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	EXPECT_EQ(1, self->probe.net->answers[NET_PACKET].calls);
	end_traffic(self);
}

/* Both tasks are in the cgroup. */
#define open_cgroup()							\
	do {								\
		SKIP_WITHOUT("CONFIG_CGROUP_BPF");			\
		ASSERT_EQ(0, ns_cgroup_open(&self->cgroup));		\
		ASSERT_EQ(0, ns_cgroup_add(&self->cgroup,		\
					   self->near.task.pid));	\
		ASSERT_EQ(0, ns_cgroup_add(&self->cgroup,		\
					   self->far.task.pid));	\
	} while (0)

#define attach_cgroup(PROBE)						\
	do {								\
		(PROBE)->probe.link = bpf_program__attach_cgroup(	\
			(PROBE)->probe.prog, self->cgroup.fd);		\
		ASSERT_NE(NULL, (PROBE)->probe.link);			\
	} while (0)

TEST_F(net, cgroup_skb)
{
	const struct traffic *const all[] = { &udp, &tcp };

	open_cgroup();
	load(_metadata, &self->probe, "net_cgroup_skb");
	load(_metadata, &self->other, "net_cgroup_skb");
	ASSERT_EQ(0, bpf_prog_attach(self->probe.probe.fd, self->cgroup.fd,
				     BPF_CGROUP_INET_EGRESS, 0));
	ASSERT_EQ(0, bpf_prog_attach(self->other.probe.fd, self->cgroup.fd,
				     BPF_CGROUP_INET_INGRESS, 0));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		net_target(&self->other, &self->far);
		expect_packets(_metadata, self, &self->probe, all[i],
			       &self->near, &self->near);
		expect_answer(_metadata, &self->other, NET_PACKET, &self->far);
		expect_answer(_metadata, &self->other, NET_SOCK, &self->far);
	}
}

static int do_getsockopt(void *unused)
{
	int value;
	socklen_t len = sizeof(value);

	return getsockopt(conn, SOL_SOCKET, SO_TYPE, &value, &len) ? -errno : 0;
}

/* Programs that run on top of the task that opens or uses the socket. */
static void expect_both(struct __test_metadata *_metadata,
			FIXTURE_DATA(net) *self, const struct traffic *traffic)
{
	net_target(&self->probe, &self->near);
	setup_traffic(_metadata, self, traffic);
	ASSERT_EQ(0, ns_call(&self->near.task, do_getsockopt, NULL));
	send_traffic(_metadata, self);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->near);
	end_traffic(self);
}

#define TEST_CGROUP_TASK(NAME)						\
	TEST_F(net, NAME)						\
	{								\
		open_cgroup();						\
		load(_metadata, &self->probe, "net_" #NAME);		\
		attach_cgroup(&self->probe);				\
		expect_both(_metadata, self, &udp);			\
		expect_both(_metadata, self, &tcp);			\
	}

TEST_CGROUP_TASK(cgroup_sock)
TEST_CGROUP_TASK(cgroup_connect)
TEST_CGROUP_TASK(cgroup_getsockopt)

static int do_setsockopt(void *unused)
{
	int one = 1;

	return setsockopt(conn, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) ?
	       -errno : 0;
}

static int do_getpeername(void *unused)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	return getpeername(conn, (struct sockaddr *)&addr, &len) ? -errno : 0;
}

static int do_sendto(void *traffic)
{
	struct sockaddr_in addr = traffic_addr(traffic);

	return sendto(conn, "?", 1, MSG_NOSIGNAL, (struct sockaddr *)&addr,
		      sizeof(addr)) == 1 ? 0 : -errno;
}

/*
 * One side uses its socket while the program is attached to the cgroup of both
 * sides.
 */
static void expect_cgroup(struct __test_metadata *_metadata,
			  FIXTURE_DATA(net) *self, const struct side *side,
			  const struct traffic *traffic,
			  int (*fn)(void *traffic))
{
	setup_traffic(_metadata, self, traffic);
	net_target(&self->probe, side);
	ASSERT_EQ(0, ns_call(&side->task, fn, (void *)traffic));
	expect_answer(_metadata, &self->probe, NET_SOCK, side);
	expect_answer(_metadata, &self->probe, NET_TASK, side);
	/* do_close() may have closed these already. */
	net_target(&self->probe, &self->near);
	end_traffic(self);
}

#define TEST_CGROUP_CALL(NAME, SIDE, DO)				\
	TEST_F(net, NAME)						\
	{								\
		open_cgroup();						\
		load(_metadata, &self->probe, "net_" #NAME);		\
		attach_cgroup(&self->probe);				\
		expect_cgroup(_metadata, self, &self->SIDE, &udp, DO);	\
	}

TEST_CGROUP_CALL(cgroup_setsockopt, near, do_setsockopt)
TEST_CGROUP_CALL(cgroup_getpeername, near, do_getpeername)
TEST_CGROUP_CALL(cgroup_sendmsg, near, do_sendto)
TEST_CGROUP_CALL(cgroup_sock_release, near, do_close)

TEST_F(net, cgroup_bind)
{
	open_cgroup();
	load(_metadata, &self->probe, "net_cgroup_bind");
	attach_cgroup(&self->probe);
	net_target(&self->probe, &self->far);
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)&udp));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->far);
	end_traffic(self);
}

TEST_F(net, cgroup_recvmsg)
{
	open_cgroup();
	load(_metadata, &self->probe, "net_cgroup_recvmsg");
	attach_cgroup(&self->probe);
	net_target(&self->probe, &self->far);
	exchange(_metadata, self, &udp);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->far);
}

#define TEST_LSM(NAME)							\
	TEST_F(net, NAME)						\
	{								\
		SKIP_WITHOUT_BPF_LSM();					\
		load_and_attach(_metadata, &self->probe, "net_" #NAME);	\
		expect_both(_metadata, self, &udp);			\
		expect_both(_metadata, self, &tcp);			\
	}

TEST_LSM(lsm_connect)
TEST_LSM(lsm_sendmsg)

/* One program sees both ends of a connection. */
TEST_F(net, sock_ops)
{
	open_cgroup();
	load(_metadata, &self->probe, "net_sock_ops");
	attach_cgroup(&self->probe);
	net_target(&self->probe, &self->near);
	exchange(_metadata, self, &tcp);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_PEER, &self->far);
	/* As a socket of any kind, and as a TCP socket. */
	EXPECT_EQ(2, self->probe.net->answers[NET_SOCK].calls);
	EXPECT_EQ(2, self->probe.net->answers[NET_PEER].calls);
}

TEST_F(net, tp_btf)
{
	load_and_attach(_metadata, &self->probe, "net_tp_btf");
	net_target(&self->probe, &self->near);
	exchange(_metadata, self, &tcp);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_PEER, &self->far);
}

/* A socket of a task. */
static int take_fd(const struct ns_task *task, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, task->pid, 0);
	int ret = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	if (ret < 0)
		ret = -errno;
	close(pidfd);
	return ret;
}

static int packets_with_device(const struct net_probe *probe)
{
	const struct bpf_map *map =
		bpf_object__find_map_by_name(probe->probe.obj, ".bss");
	size_t size;
	const int *with_device = map ? bpf_map__initial_value(map, &size) : NULL;

	return with_device && size == sizeof(*with_device) ? *with_device : -1;
}

/* Accepts, and runs the program for the packets in the queue. */
static int accept_into_map(FIXTURE_DATA(net) *self,
			   const struct traffic *traffic)
{
	int map = bpf_object__find_map_fd_by_name(self->probe.probe.obj,
						  "socks");
	int err, sock, fd;
	__u32 zero = 0;
	__u64 value;

	err = bpf_prog_attach(self->probe.probe.fd, map, BPF_SK_SKB_VERDICT, 0);
	if (err)
		return err;
	fd = ns_call(&self->far.task, do_accept, (void *)traffic);
	sock = fd < 0 ? fd : take_fd(&self->far.task, fd);
	if (sock < 0)
		return sock;
	value = sock;
	err = bpf_map_update_elem(map, &zero, &value, BPF_ANY);
	close(sock);
	return err;
}

static void end_map(FIXTURE_DATA(net) *self)
{
	int map = bpf_object__find_map_fd_by_name(self->probe.probe.obj,
						  "socks");

	end_traffic(self);
	bpf_prog_detach2(self->probe.probe.fd, map, BPF_SK_SKB_VERDICT);
}

/* A received packet has a socket, and no device. */
static void expect_sk_skb(struct __test_metadata *_metadata,
			  FIXTURE_DATA(net) *self, const struct traffic *traffic)
{
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)traffic));
	ASSERT_LE(0, ns_call(&self->near.task, do_connect, (void *)traffic));
	ASSERT_EQ(0, accept_into_map(self, traffic));

	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call(&self->near.task, do_send, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_receive, NULL));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	EXPECT_EQ(1, self->probe.net->answers[NET_SOCK].calls);
	EXPECT_EQ(0, packets_with_device(&self->probe));
	end_map(self);
}

TEST_F(net, sk_skb)
{
	SKIP_WITHOUT("CONFIG_BPF_STREAM_PARSER");
	load(_metadata, &self->probe, "net_sk_skb");
	expect_sk_skb(_metadata, self, &udp);
	expect_sk_skb(_metadata, self, &tcp);
}

/* Sends nothing before the first data. */
static int do_connect_late(void *arg)
{
	const struct traffic *traffic = arg;
	struct sockaddr_in addr = traffic_addr(traffic);
	int one = 1;

	conn = open_socket(traffic);
	if (conn < 0)
		return conn;
	if (setsockopt(conn, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one)) ||
	    connect(conn, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return conn;
}

/* Data that completes the handshake arrives before its socket exists. */
TEST_F(net, sk_skb_with_the_end_of_the_handshake)
{
	SKIP_WITHOUT("CONFIG_BPF_STREAM_PARSER");
	if (module_is_out_of_tree(MODULE))
		SKIP(return, "this kernel lacks the fix");
	load(_metadata, &self->probe, "net_sk_skb");
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)&tcp));
	ASSERT_LE(0, ns_call(&self->near.task, do_connect_late, (void *)&tcp));
	ASSERT_EQ(0, ns_call(&self->near.task, do_send, NULL));
	ASSERT_EQ(0, accept_into_map(self, &tcp));

	/* When a packet arrives, the program runs for the whole queue. */
	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call(&self->near.task, do_send, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_receive, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_receive, NULL));
	/* Later data may have been merged with earlier data. */
	EXPECT_LE(1, self->probe.net->answers[NET_SOCK].calls);
	EXPECT_EQ(0, packets_with_device(&self->probe));
	end_map(self);
}

static int do_filter(void *unused)
{
	return setsockopt(listener, SOL_SOCKET, SO_ATTACH_BPF, &ns_received_fd,
			  sizeof(ns_received_fd)) ? -errno : 0;
}

static void expect_socket_filter(struct __test_metadata *_metadata,
				 FIXTURE_DATA(net) *self,
				 const struct traffic *traffic)
{
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)traffic));
	attach(&self->far, &self->probe, do_filter, 0);
	net_target(&self->probe, &self->near);
	ASSERT_LE(0, ns_call(&self->near.task, do_connect, (void *)traffic));
	ASSERT_LE(0, ns_call(&self->far.task, do_accept, (void *)traffic));
	send_traffic(_metadata, self);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	end_traffic(self);
}

TEST_F(net, socket_filter)
{
	load(_metadata, &self->probe, "net_socket_filter");
	expect_socket_filter(_metadata, self, &udp);
	expect_socket_filter(_metadata, self, &tcp);
}

/* An outgoing packet has no device at first. The hook has a namespace. */
TEST_F(net, netfilter)
{
	const struct traffic *const all[] = { &udp, &tcp };

	SKIP_WITHOUT("CONFIG_NETFILTER_BPF_LINK");
	load(_metadata, &self->probe, "net_netfilter");
	load(_metadata, &self->other, "net_netfilter");
	attach(&self->near, &self->probe, do_attach_netfilter, NF_INET_LOCAL_OUT);
	attach(&self->far, &self->other, do_attach_netfilter, NF_INET_LOCAL_IN);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		net_target(&self->other, &self->far);
		expect_packets(_metadata, self, &self->probe, all[i],
			       &self->near, NULL);
		expect_answer(_metadata, &self->other, NET_PACKET, &self->far);
	}
}

static int do_route(void *route)
{
	return lwt_route_add(route, ns_received_fd);
}

static const struct lwt_route route_in = {
	ROUTED_ADDR, DEV, LWT_BPF_IN, RTN_LOCAL
};
static const struct lwt_route route_out = {
	ROUTED_ADDR, DEV, LWT_BPF_OUT, RTN_UNICAST
};
static const struct lwt_route route_xmit = {
	ROUTED_ADDR, DEV, LWT_BPF_XMIT, RTN_UNICAST
};

#define attach_lwt(HOOK, SIDE)						\
	do {								\
		SKIP_WITHOUT("CONFIG_LWTUNNEL_BPF");			\
		load(_metadata, &self->probe, "net_lwt_" #HOOK);	\
		attach(&self->SIDE, &self->probe, do_route, &route_##HOOK); \
	} while (0)

#define TEST_LWT(HOOK, SIDE, ...)					\
	TEST_F(net, lwt_##HOOK)						\
	{								\
		attach_lwt(HOOK, SIDE);					\
		expect_packets(_metadata, self, &self->probe,		\
			       &udp_routed, &self->SIDE, ##__VA_ARGS__); \
		expect_packets(_metadata, self, &self->probe,		\
			       &tcp_routed, &self->SIDE, ##__VA_ARGS__); \
	}

TEST_LWT(in, far, NULL)
TEST_LWT(xmit, near, &self->near)

/* The packet has no device yet, or a former one. */
TEST_F(net, lwt_out)
{
	const struct traffic *const all[] = { &udp_routed, &tcp_routed };

	attach_lwt(out, near);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		net_target(&self->probe, &self->near);
		exchange(_metadata, self, all[i]);
		expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	}
}

#define SID		"fc00::1"
#define ROUTED_ADDR6	"fd00:1::2"

static int do_add_endpoint(void *unused)
{
	return lwt_endpoint_add(SID, DEV, ns_received_fd);
}

static int do_send6(void *unused)
{
	struct sockaddr_in6 addr = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(NET_PORT),
	};
	int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	inet_pton(AF_INET6, ROUTED_ADDR6, &addr.sin6_addr);
	if (sock < 0 || sendto(sock, "?", 1, 0, (struct sockaddr *)&addr,
			       sizeof(addr)) != 1)
		err = -errno;
	close(sock);
	return err;
}

/* The packet ends at an endpoint of segment routing at the far end. */
TEST_F(net, lwt_seg6local)
{
	char text[64];

	SKIP_WITHOUT("CONFIG_IPV6_SEG6_BPF");
	load(_metadata, &self->probe, "net_lwt_seg6local");
	snprintf(text, sizeof(text), "-6 -n %s", self->near.name);
	ASSERT_EQ(0, run_ip(text,
			    "addr add fd00::1/64 dev " DEV " nodad\n"
			    "route add " SID "/128 via fd00::2 dev " DEV "\n"
			    "route add " ROUTED_ADDR6 "/128 encap seg6 mode inline "
			    "segs " SID " dev " DEV));
	snprintf(text, sizeof(text), "-6 -n %s", self->far.name);
	ASSERT_EQ(0, run_ip(text, "addr add fd00::2/64 dev " DEV " nodad"));
	attach(&self->far, &self->probe, do_add_endpoint, 0);
	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call(&self->near.task, do_send6, NULL));
	/* The kernel resolves the neighbour first. */
	for (int i = 0; i < 1000 && !self->probe.net->answers[NET_PACKET].calls; i++)
		usleep(10000);
	expect_answer(_metadata, &self->probe, NET_PACKET, &self->far);
	EXPECT_EQ(1, self->probe.net->answers[NET_PACKET].calls);
}

static const unsigned char packet_to_port[64] = {
	/* Ethernet: the protocol. */
	[12] = ETH_P_IP >> 8, ETH_P_IP & 0xff,
	/* IP: the version, the length of the header, the protocol. */
	[14] = 0x45, [23] = IPPROTO_UDP,
	/* UDP: the destination port. */
	[36] = NET_PORT >> 8, NET_PORT & 0xff,
};

/* Runs at a socket of the near end, with a packet of the loopback device. */
static int do_run(void *unused)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet_to_port,
		    .data_size_in = sizeof(packet_to_port));

	return bpf_prog_test_run_opts(ns_received_fd, &opts);
}

#define TEST_RUN(NAME, OBJECT, TYPE)					\
	TEST_F(net, NAME)						\
	{								\
		ASSERT_EQ(0, probe_prepare(&self->probe.probe, OBJECT)); \
		bpf_program__set_type(self->probe.probe.prog, TYPE);	\
		ASSERT_EQ(0, net_finish(&self->probe));			\
		net_target(&self->probe, &self->near);			\
		attach(&self->near, &self->probe, do_run, 0);		\
		expect_answer(_metadata, &self->probe, NET_PACKET,	\
			      &self->near);				\
	}

/* Types that are difficult to attach, or have no other device. */
TEST_RUN(run_sched_act, "net_tc", BPF_PROG_TYPE_SCHED_ACT)
TEST_RUN(run_xdp, "net_xdp", BPF_PROG_TYPE_XDP)

/* struct nf_hook_state: BPF_PROG_RUN takes the first two members from the test. */
static int do_run_netfilter(void *unused)
{
	struct {
		__u8 hook;
		__u8 pf;
		void *pointers[5];
	} state = {
		.hook = NF_INET_PRE_ROUTING,
		.pf = NFPROTO_IPV4,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet_to_port,
		    .data_size_in = sizeof(packet_to_port), .ctx_in = &state,
		    .ctx_size_in = sizeof(state));

	return bpf_prog_test_run_opts(ns_received_fd, &opts);
}

/* Without a hook, there is no net namespace. */
TEST_F(net, run_netfilter)
{
	const struct net_answer *answer;

	SKIP_WITHOUT("CONFIG_NETFILTER_BPF_LINK");
	load(_metadata, &self->probe, "net_netfilter");
	net_target(&self->probe, &self->near);
	attach(&self->near, &self->probe, do_run_netfilter, 0);
	answer = &self->probe.net->answers[NET_PACKET];
	EXPECT_EQ(1, answer->calls);
	EXPECT_EQ(-ENOENT, answer->err);
	EXPECT_EQ(0, answer->ident.dev);
	EXPECT_EQ(0, answer->ident.ino);
	EXPECT_EQ(0, answer->ident.id);
}

static int do_shutdown(void *unused)
{
	return shutdown(conn, SHUT_WR) ? -errno : 0;
}

static int do_wait_for_end(void *unused)
{
	char byte;

	return recv(conn, &byte, 1, 0) ? -EIO : 0;
}

static int do_iterate(void *unused)
{
	int iter = bpf_iter_create(ns_received_fd);
	char byte;
	int err;

	if (iter < 0)
		return iter;
	err = read(iter, &byte, 1) < 0 ? -errno : 0;
	close(iter);
	return err;
}

/* Sockets in other states, too. */
TEST_F(net, iterated_sockets)
{
	int link;

	load_and_attach(_metadata, &self->probe, "net_iter");
	link = bpf_link__fd(self->probe.probe.link);
	setup_traffic(_metadata, self, &tcp);
	/* The near end closes first, so its socket is in TIME_WAIT. */
	ASSERT_EQ(0, ns_call(&self->near.task, do_shutdown, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_wait_for_end, NULL));
	ASSERT_EQ(0, ns_call(&self->far.task, do_shutdown, NULL));
	ASSERT_EQ(0, ns_call(&self->near.task, do_wait_for_end, NULL));

	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call_fd(&self->near.task, link, do_iterate, NULL));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->near);
	EXPECT_EQ(0, self->probe.net->answers[NET_PEER].calls);

	net_target(&self->probe, &self->far);
	ASSERT_EQ(0, ns_call_fd(&self->far.task, link, do_iterate, NULL));
	expect_answer(_metadata, &self->probe, NET_PEER, &self->far);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->far);
	EXPECT_EQ(0, self->probe.net->answers[NET_SOCK].calls);
	end_traffic(self);
}

/* Opens a socket of another family, which stays open until do_close(). */
static int do_open(void *family)
{
	conn = socket((long)family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return conn < 0 ? -errno : 0;
}

#define load_iterator(NAME)						\
	do {								\
		if (module_is_out_of_tree(MODULE))			\
			SKIP(return, "this kernel does not trust the argument"); \
		load_and_attach(_metadata, &self->probe, NAME);		\
	} while (0)

/*
 * All sockets in the namespace of the task that reads, so the socket of the other
 * task is not one of them.
 */
static void expect_sockets_of_reader(struct __test_metadata *_metadata,
				     FIXTURE_DATA(net) *self, long family)
{
	int link = bpf_link__fd(self->probe.probe.link);
	void *arg = (void *)family;

	ASSERT_EQ(0, ns_call(&self->near.task, do_open, arg));
	ASSERT_EQ(0, ns_call(&self->far.task, do_open, arg));
	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call_fd(&self->near.task, link, do_iterate, NULL));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	net_target(&self->probe, &self->far);
	ASSERT_EQ(0, ns_call_fd(&self->far.task, link, do_iterate, NULL));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	end_traffic(self);
}

TEST_F(net, iterated_sockets_of_unix)
{
	load_iterator("net_iter_unix");
	expect_sockets_of_reader(_metadata, self, AF_UNIX);
}

TEST_F(net, iterated_sockets_of_netlink)
{
	load_iterator("net_iter_netlink");
	expect_sockets_of_reader(_metadata, self, AF_NETLINK);
}

/* The task that reads is in another namespace. */
TEST_F(net, iterated_files)
{
	load_iterator("net_iter_file");
	setup_traffic(_metadata, self, &tcp);
	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call_fd(&self->far.task,
				bpf_link__fd(self->probe.probe.link),
				do_iterate, NULL));
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->near);
	end_traffic(self);
}

/* A socket and its packets stay in the namespace where it was opened. */
static void expect_elsewhere(struct __test_metadata *_metadata,
			     FIXTURE_DATA(net) *self, const struct side *task)
{
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->probe, NET_TASK, task);
	expect_answer(_metadata, &self->other, NET_SOCK, &self->near);
	expect_answer(_metadata, &self->other, NET_PACKET, &self->near);
}

#define open_elsewhere()						\
	do {								\
		load_and_attach(_metadata, &self->probe,		\
				"net_lsm_sendmsg");			\
		load(_metadata, &self->other, "net_tc");		\
		attach(&self->near, &self->other, do_attach_tcx,	\
		       BPF_TCX_EGRESS);					\
	} while (0)

static void expect_after_setns(struct __test_metadata *_metadata,
			       FIXTURE_DATA(net) *self,
			       const struct traffic *traffic)
{
	int near = open_netns(&self->near);
	int far = open_netns(&self->far);

	ASSERT_LE(0, near);
	ASSERT_LE(0, far);
	setup_traffic(_metadata, self, traffic);
	ASSERT_EQ(0, ns_call_fd(&self->near.task, far, ns_do_setns, NEWNET));
	net_target(&self->probe, &self->near);
	net_target(&self->other, &self->near);
	send_traffic(_metadata, self);
	expect_elsewhere(_metadata, self, &self->far);
	end_traffic(self);

	/* A new socket is in the current namespace of the task. */
	net_target(&self->probe, &self->near);
	exchange(_metadata, self, traffic);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	expect_answer(_metadata, &self->probe, NET_TASK, &self->far);

	ASSERT_EQ(0, ns_call_fd(&self->near.task, near, ns_do_setns, NEWNET));
	close(near);
	close(far);
}

TEST_F(net, socket_of_a_task_that_went_elsewhere)
{
	open_elsewhere();
	expect_after_setns(_metadata, self, &udp);
	expect_after_setns(_metadata, self, &tcp);
}

static int do_send_by_received(void *unused)
{
	return send(ns_received_fd, "?", 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static void expect_after_passing(struct __test_metadata *_metadata,
				 FIXTURE_DATA(net) *self,
				 const struct traffic *traffic)
{
	int fd, sock;

	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)traffic));
	fd = ns_call(&self->near.task, do_connect, (void *)traffic);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, ns_call(&self->far.task, do_accept, (void *)traffic));
	sock = take_fd(&self->near.task, fd);
	ASSERT_LE(0, sock);

	net_target(&self->probe, &self->far);
	net_target(&self->other, &self->far);
	ASSERT_EQ(0, ns_call_fd(&self->far.task, sock, do_send_by_received,
				NULL));
	expect_elsewhere(_metadata, self, &self->far);
	/* The packet can only arrive by the cable. */
	ASSERT_EQ(0, ns_call(&self->far.task, do_receive, NULL));
	end_traffic(self);
	close(sock);
}

TEST_F(net, socket_that_was_passed_to_a_task_elsewhere)
{
	open_elsewhere();
	expect_after_passing(_metadata, self, &udp);
	expect_after_passing(_metadata, self, &tcp);
}

/* Moves the device and the task of the far end to a new namespace. */
static void move_far(struct __test_metadata *_metadata, FIXTURE_DATA(net) *self)
{
	struct side *far = &self->far;
	char text[512], options[64], old[32];
	struct bpf_ns_ident ident = far->ident;
	int fd;

	strcpy(old, far->name);
	snprintf(far->name, sizeof(far->name), "ns_ident.new.%d", getpid());
	/* With -n, ip has mounts of its own, so one call for each namespace. */
	snprintf(text, sizeof(text), "netns add %s", far->name);
	ASSERT_EQ(0, run_ip("", text));
	snprintf(options, sizeof(options), "-n %s", old);
	snprintf(text, sizeof(text), "link set " DEV " netns %s", far->name);
	ASSERT_EQ(0, run_ip(options, text));
	snprintf(options, sizeof(options), "-n %s", far->name);
	ASSERT_EQ(0, run_ip(options,
			    "addr add " FAR_ADDR "/24 dev " DEV "\n"
			    "link set " DEV " up"));
	snprintf(text, sizeof(text), "netns del %s", old);
	ASSERT_EQ(0, run_ip("", text));

	fd = open_netns(far);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_ident_fd(fd, &far->ident));
	ASSERT_NE(ident.id, far->ident.id);
	ASSERT_EQ(0, ns_call_fd(&far->task, fd, ns_do_setns, NEWNET));
	close(fd);
}

/* A moved device keeps its programs. Its packets are in the new namespace. */
#define TEST_MOVED(NAME, OBJECT, DO, ARG, OPTION)			\
	TEST_F(net, NAME)						\
	{								\
		SKIP_WITHOUT(OPTION);					\
		load(_metadata, &self->probe, OBJECT);			\
		attach(&self->far, &self->probe, DO, ARG);		\
		expect_packets(_metadata, self, &self->probe, &udp,	\
			       &self->far, NULL);			\
		move_far(_metadata, self);				\
		expect_packets(_metadata, self, &self->probe, &udp,	\
			       &self->far, NULL);			\
	}

TEST_MOVED(xdp_of_a_moved_device, "net_xdp", do_attach_xdp, XDP_FLAGS_DRV_MODE,
	   "CONFIG_NET")
TEST_MOVED(tcx_of_a_moved_device, "net_tc", do_attach_tcx, BPF_TCX_INGRESS,
	   "CONFIG_NET_XGRESS")

/*
 * A program waits, and the test removes objects that the program uses: the net
 * namespace of the far end with its device and its task, or the device of the
 * near end while its task is sending.
 */
static int do_open_udp(void *unused)
{
	return open_socket(&udp);
}

/*
 * A socket for ioctls that read flags. Unlike netlink, these do not need the
 * lock that the removal holds.
 */
static int socket_of(const struct side *side)
{
	int fd = ns_call(&side->task, do_open_udp, NULL);

	return fd < 0 ? fd : take_fd(&side->task, fd);
}

/* A removal first stops the device. */
static bool is_stopped(int sock)
{
	struct ifreq req = { .ifr_name = DEV };

	return ioctl(sock, SIOCGIFFLAGS, &req) || !(req.ifr_flags & IFF_RUNNING);
}

static int if_index(int sock)
{
	struct ifreq req = { .ifr_name = DEV };

	return ioctl(sock, SIOCGIFINDEX, &req) ? -errno : req.ifr_ifindex;
}

/*
 * Removes the device of one side, and returns when the removal has begun. Does
 * not use `ip -n`, which mounts, because unmounting waits for programs.
 */
static pid_t begin_to_remove(const struct side *side, int sock)
{
	int fd = open_netns(side);
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = fork();
	if (!pid)
		_exit(setns(fd, CLONE_NEWNET) || system("ip link del " DEV));
	close(fd);
	for (int i = 0; i < 6000 && !is_stopped(sock); i++)
		usleep(10000);
	return is_stopped(sock) ? pid : -ETIME;
}

static void hold_up(struct __test_metadata *_metadata,
		    FIXTURE_DATA(net) *self, int fd, int (*run)(void *unused))
{
	net_target(&self->probe, &self->near);
	self->probe.net->hold = NET_WAIT;
	ASSERT_EQ(0, ns_call_begin(&self->near.task, fd, run, NULL));
	for (int i = 0; i < 6000 && self->probe.net->hold == NET_WAIT; i++)
		usleep(10000);
	ASSERT_EQ(NET_WAITING, self->probe.net->hold);
}

/* Ignores the name, which is removed already. */
static void let_go(struct __test_metadata *_metadata, FIXTURE_DATA(net) *self,
		   int which, const struct side *want)
{
	const struct net_answer *answer = &self->probe.net->answers[which];

	/* The program still waits, before its timeout. */
	ASSERT_EQ(NET_WAITING, self->probe.net->hold);
	ASSERT_EQ(0, answer->calls);
	self->probe.net->hold = NET_GO;
	/* The packet may be lost, and the address may be unreachable. */
	ns_call_end(&self->near.task);
	for (int i = 0; i < 6000 && !answer->calls; i++)
		usleep(10000);
	ASSERT_LE(1, answer->calls);
	EXPECT_EQ(0, answer->err);
	EXPECT_EQ(want->ident.dev, answer->ident.dev);
	EXPECT_EQ(want->ident.ino, answer->ident.ino);
	EXPECT_EQ(want->ident.id, answer->ident.id);
}

static void expect_held_while_far_goes(struct __test_metadata *_metadata,
				       FIXTURE_DATA(net) *self, int which)
{
	char text[128];

	/* Comes first, since unmounting waits for programs. */
	snprintf(text, sizeof(text), "netns del %s", self->far.name);
	ASSERT_EQ(0, run_ip("", text));
	hold_up(_metadata, self, -1, do_send);
	/* The last user of the namespace. */
	ns_stop(&self->far.task);
	/* The kernel begins to remove the namespace, now or soon. */
	usleep(200000);
	let_go(_metadata, self, which, &self->far);
	ns_call(&self->near.task, do_close, NULL);
	/* For the cleanup. */
	snprintf(text, sizeof(text), "netns add %s", self->far.name);
	ASSERT_EQ(0, run_ip("", text));
}

static void expect_while_far_goes(struct __test_metadata *_metadata,
				  FIXTURE_DATA(net) *self,
				  const struct traffic *traffic, int which)
{
	setup_traffic(_metadata, self, traffic);
	expect_held_while_far_goes(_metadata, self, which);
}

static void expect_held_while_device_goes(struct __test_metadata *_metadata,
					  FIXTURE_DATA(net) *self, int fd,
					  int (*run)(void *unused), int which,
					  const struct side *want)
{
	int status, sock = socket_of(&self->near);
	pid_t pid;

	ASSERT_LE(0, sock);
	hold_up(_metadata, self, fd, run);
	pid = begin_to_remove(&self->near, sock);
	ASSERT_LT(0, pid);
	/* The removal waits for the program. */
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	let_go(_metadata, self, which, want);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(sock);
}

static void expect_while_device_goes(struct __test_metadata *_metadata,
				     FIXTURE_DATA(net) *self,
				     const struct traffic *traffic, int which)
{
	setup_traffic(_metadata, self, traffic);
	expect_held_while_device_goes(_metadata, self, -1, do_send, which,
				      &self->near);
	end_traffic(self);
}

/*
 * The test also holds the link, so that the end of the task does not detach the
 * program.
 */
#define attach_by_both(SIDE, DO, ARG)					\
	do {								\
		int link_ = ns_call_fd(&(SIDE)->task,			\
				       self->probe.probe.fd, DO,	\
				       (void *)(uintptr_t)(ARG));	\
									\
		ASSERT_LT(0, link_);					\
		ASSERT_LE(0, take_fd(&(SIDE)->task, link_));		\
	} while (0)

#define TEST_WHILE_FAR_GOES(NAME, OBJECT, DO, ARG, OPTION)		\
	TEST_F(net, NAME##_while_the_namespace_goes)			\
	{								\
		SKIP_WITHOUT(OPTION);					\
		load(_metadata, &self->probe, OBJECT);			\
		attach_by_both(&self->far, DO, ARG);			\
		expect_while_far_goes(_metadata, self, &udp, NET_PACKET); \
	}

#define TEST_WHILE_DEVICE_GOES(NAME, OBJECT, DO, ARG, OPTION)		\
	TEST_F(net, NAME##_while_the_device_goes)			\
	{								\
		SKIP_WITHOUT(OPTION);					\
		load(_metadata, &self->probe, OBJECT);			\
		attach_by_both(&self->near, DO, ARG);			\
		expect_while_device_goes(_metadata, self, &udp, NET_PACKET); \
	}

TEST_WHILE_FAR_GOES(xdp_native, "net_xdp", do_attach_xdp, XDP_FLAGS_DRV_MODE,
		    "CONFIG_NET")
TEST_WHILE_FAR_GOES(xdp_generic, "net_xdp", do_attach_xdp, XDP_FLAGS_SKB_MODE,
		    "CONFIG_NET")
TEST_WHILE_FAR_GOES(tcx_ingress, "net_tc", do_attach_tcx, BPF_TCX_INGRESS,
		    "CONFIG_NET_XGRESS")
TEST_WHILE_FAR_GOES(netfilter_in, "net_netfilter", do_attach_netfilter,
		    NF_INET_LOCAL_IN, "CONFIG_NETFILTER_BPF_LINK")
TEST_WHILE_DEVICE_GOES(tcx_egress, "net_tc", do_attach_tcx, BPF_TCX_EGRESS,
		       "CONFIG_NET_XGRESS")
TEST_WHILE_DEVICE_GOES(netfilter_out, "net_netfilter", do_attach_netfilter,
		       NF_INET_LOCAL_OUT, "CONFIG_NETFILTER_BPF_LINK")

/* The other device is in the far namespace, which is removed. */
TEST_F(net, netkit_while_the_namespace_goes)
{
	setup_netkit(BPF_NETKIT_PRIMARY);
	expect_while_far_goes(_metadata, self, &netkit_udp, NET_PACKET);
}

/* A context with a device, by which userspace selects a namespace. */
static int do_run_skb_at_device(void *unused)
{
	struct __sk_buff ctx = { .ifindex = if_nametoindex(DEV) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet_to_port,
		    .data_size_in = sizeof(packet_to_port), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	return bpf_prog_test_run_opts(ns_received_fd, &opts);
}

static int do_run_xdp_at_device(void *unused)
{
	struct xdp_md ctx = {
		.data_end = sizeof(packet_to_port),
		.ingress_ifindex = if_nametoindex(DEV),
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet_to_port,
		    .data_size_in = sizeof(packet_to_port), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	return bpf_prog_test_run_opts(ns_received_fd, &opts);
}

#define TEST_RUN_WHILE_DEVICE_GOES(NAME, OBJECT, DO)			\
	TEST_F(net, NAME##_while_the_device_goes)			\
	{								\
		load(_metadata, &self->probe, OBJECT);			\
		expect_held_while_device_goes(_metadata, self,		\
					      self->probe.probe.fd, DO,	\
					      NET_PACKET, &self->near);	\
	}

TEST_RUN_WHILE_DEVICE_GOES(run_sched_cls, "net_tc", do_run_skb_at_device)
TEST_RUN_WHILE_DEVICE_GOES(run_xdp, "net_xdp", do_run_xdp_at_device)

TEST_F(net, cgroup_ingress_while_the_namespace_goes)
{
	open_cgroup();
	load(_metadata, &self->probe, "net_cgroup_skb");
	ASSERT_EQ(0, bpf_prog_attach(self->probe.probe.fd, self->cgroup.fd,
				     BPF_CGROUP_INET_INGRESS, 0));
	expect_while_far_goes(_metadata, self, &udp, NET_PACKET);
}

TEST_F(net, cgroup_egress_while_the_device_goes)
{
	open_cgroup();
	load(_metadata, &self->probe, "net_cgroup_skb");
	ASSERT_EQ(0, bpf_prog_attach(self->probe.probe.fd, self->cgroup.fd,
				     BPF_CGROUP_INET_EGRESS, 0));
	expect_while_device_goes(_metadata, self, &udp, NET_PACKET);
}

TEST_F(net, lwt_in_while_the_namespace_goes)
{
	attach_lwt(in, far);
	expect_while_far_goes(_metadata, self, &udp_routed, NET_PACKET);
}

TEST_F(net, lwt_xmit_while_the_device_goes)
{
	attach_lwt(xmit, near);
	expect_while_device_goes(_metadata, self, &udp_routed, NET_PACKET);
}

TEST_F(net, lwt_out_while_the_device_goes)
{
	attach_lwt(out, near);
	expect_while_device_goes(_metadata, self, &udp_routed, NET_SOCK);
}

/* The socket is closed with its task. */
TEST_F(net, socket_filter_while_the_socket_goes)
{
	load(_metadata, &self->probe, "net_socket_filter");
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)&udp));
	attach(&self->far, &self->probe, do_filter, 0);
	ASSERT_LE(0, ns_call(&self->near.task, do_connect, (void *)&udp));
	expect_held_while_far_goes(_metadata, self, NET_SOCK);
}

TEST_F(net, sk_skb_while_the_socket_goes)
{
	SKIP_WITHOUT("CONFIG_BPF_STREAM_PARSER");
	load(_metadata, &self->probe, "net_sk_skb");
	ASSERT_LE(0, ns_call(&self->far.task, do_listen, (void *)&udp));
	ASSERT_LE(0, ns_call(&self->near.task, do_connect, (void *)&udp));
	ASSERT_EQ(0, accept_into_map(self, &udp));
	expect_held_while_far_goes(_metadata, self, NET_SOCK);
}

#define RT_RUNTIME "/proc/sys/kernel/sched_rt_runtime_us"
#define FAIR_SERVER "/sys/kernel/debug/sched/fair_server/cpu%d/runtime"

static int read_number(const char *path, long long *number)
{
	FILE *file = fopen(path, "re");
	int n;

	if (!file)
		return -errno;
	n = fscanf(file, "%lld", number);
	fclose(file);
	return n == 1 ? 0 : -EINVAL;
}

static int write_number(const char *path, long long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", number);
	return write_file(path, text);
}

/* Keeps all other tasks, including kernel threads, off the last CPU. */
struct hog {
	char fair_server[64];
	long long rt_runtime;
	long long fair_runtime;
	pid_t pid;
};

static int last_cpu(void)
{
	cpu_set_t cpus;
	int last = -1;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus))
			last = cpu;
	return last;
}

/* Returns the CPU. The caller stays on another one. */
static int hog_start(struct hog *hog)
{
	struct sched_param param = { .sched_priority = 50 };
	volatile bool *has_started = ns_alloc(sizeof(*has_started));
	int cpu = last_cpu();
	cpu_set_t one;
	int err;

	if (!has_started)
		return -ENOMEM;

	stay_on_cpu(false);
	snprintf(hog->fair_server, sizeof(hog->fair_server), FAIR_SERVER, cpu);
	err = read_number(RT_RUNTIME, &hog->rt_runtime) ?:
	      write_number(RT_RUNTIME, -1);
	/* Since 6.12, and only with debugfs. */
	if (read_number(hog->fair_server, &hog->fair_runtime))
		hog->fair_runtime = -1;
	else
		err = err ?: write_number(hog->fair_server, 0);
	hog->pid = err ? -1 : fork();
	if (!hog->pid) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one) ||
		    sched_setscheduler(0, SCHED_FIFO, &param))
			_exit(1);
		*has_started = true;
		/* Ends if the test is gone. */
		alarm(120);
		for (;;)
			;
	}
	for (int i = 0; !err && i < 6000 && !*has_started; i++)
		usleep(10000);
	if (!err && !*has_started)
		err = -ETIME;
	return err ?: cpu;
}

static int hog_end(struct hog *hog)
{
	int err = 0;

	/* The redirect has changed nothing. */
	if (!hog->pid)
		return 0;
	if (hog->pid > 0) {
		kill(hog->pid, SIGKILL);
		waitpid(hog->pid, NULL, 0);
	}
	if (hog->fair_runtime >= 0)
		err = write_number(hog->fair_server, hog->fair_runtime);
	return write_number(RT_RUNTIME, hog->rt_runtime) ?: err;
}

static int do_stay_on_first_cpu(void *unused)
{
	stay_on_cpu(false);
	return 0;
}

#define CPUMAP_FRAMES 4

/*
 * Frames in the queue of another CPU hold no reference to the device that
 * received them, so the removal of the device must wait for them.
 */
static void expect_frames_before_device(struct __test_metadata *_metadata,
					FIXTURE_DATA(net) *self, int flags)
{
	struct bpf_cpumap_val value = { .qsize = 64 };
	struct bpf_map *all, *data;
	struct bpf_program *there;
	struct net_cpumap *cpumap;
	struct hog hog = {};
	int status, sock, map, cpu;
	pid_t pid = -1;
	size_t size;

	if (module_is_out_of_tree(MODULE))
		SKIP(return, "this kernel lacks the fix");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "this test needs two CPUs");
	cpu = last_cpu();
	ASSERT_EQ(0, probe_prepare(&self->probe.probe, "net_cpumap"));
	all = bpf_object__find_map_by_name(self->probe.probe.obj, "cpus");
	bpf_map__set_max_entries(all, cpu + 1);
	ASSERT_EQ(0, net_finish(&self->probe)) {
		TH_LOG("%s", probe_log);
	}
	map = bpf_map__fd(all);
	data = bpf_object__find_map_by_name(self->probe.probe.obj,
					    ".data.cpumap");
	cpumap = bpf_map__initial_value(data, &size);
	there = bpf_object__find_program_by_name(self->probe.probe.obj,
						 "in_net_cpumap");
	ASSERT_NE(NULL, cpumap);
	ASSERT_NE(NULL, there);
	sock = socket_of(&self->far);
	ASSERT_LE(0, sock);
	cpumap->ifindex = if_index(sock);
	ASSERT_LT(0, cpumap->ifindex);
	setup_traffic(_metadata, self, &udp);
	ASSERT_EQ(0, ns_call(&self->near.task, do_stay_on_first_cpu, NULL));
	cpumap->cpu = cpu;
	value.bpf_prog.fd = bpf_program__fd(there);
	ASSERT_EQ(0, bpf_map_update_elem(map, &cpu, &value, 0));
	attach(&self->far, &self->probe, do_attach_xdp, flags);

	cpu = hog_start(&hog);
	EXPECT_EQ(cpumap->cpu, cpu);
	if (cpu >= 0) {
		for (int i = 0; i < CPUMAP_FRAMES; i++)
			EXPECT_EQ(0, ns_call(&self->near.task, do_send, NULL));
		for (int i = 0; i < 600 && cpumap->redirected < CPUMAP_FRAMES; i++)
			usleep(10000);
		EXPECT_EQ(CPUMAP_FRAMES, cpumap->redirected);
		EXPECT_EQ(0, cpumap->calls);

		pid = begin_to_remove(&self->far, sock);
		EXPECT_LT(0, pid);
		/* Gives a wrong removal time to happen. */
		sleep(2);
		EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
		EXPECT_EQ(0, cpumap->calls);
	}
	EXPECT_EQ(0, hog_end(&hog));
	if (cpu >= 0) {
		EXPECT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, cpumap->wrong);
	end_traffic(self);
	close(sock);
}

/* The update of a devmap looks for the device in the caller's namespace. */
static int update_in(const struct side *side, int map, const void *value)
{
	int status, fd = open_netns(side);
	__u32 zero = 0;
	pid_t pid;

	if (fd < 0)
		return fd;
	pid = fork();
	if (!pid)
		_exit(setns(fd, CLONE_NEWNET) ||
		      bpf_map_update_elem(map, &zero, value, 0));
	close(fd);
	return waitpid(pid, &status, 0) == pid ? status : -errno;
}

/* A program of a cpumap or devmap may only call bpf_sk_netns_ident(). */
static void expect_in_map(struct __test_metadata *_metadata,
			  FIXTURE_DATA(net) *self, const char *map_name,
			  const char *prog_name, int flags)
{
	struct bpf_cpumap_val cpu = { .qsize = 64 };
	struct bpf_devmap_val device = {};
	const struct bpf_object *obj;
	bool is_cpu = !strcmp(map_name, "cpus");
	struct bpf_program *prog;
	int sock, map;

	load(_metadata, &self->probe, "net_xdp_maps");
	obj = self->probe.probe.obj;
	map = bpf_object__find_map_fd_by_name(obj, map_name);
	prog = bpf_object__find_program_by_name(obj, prog_name);
	ASSERT_LE(0, map);
	ASSERT_NE(NULL, prog);
	sock = socket_of(&self->far);
	ASSERT_LE(0, sock);
	device.ifindex = if_index(sock);
	close(sock);
	cpu.bpf_prog.fd = bpf_program__fd(prog);
	device.bpf_prog.fd = bpf_program__fd(prog);
	ASSERT_EQ(0, update_in(&self->far, map,
			       is_cpu ? (void *)&cpu : (void *)&device));
	attach(&self->far, &self->probe, do_attach_xdp, flags);
	setup_traffic(_metadata, self, &udp);
	net_target(&self->probe, &self->near);
	ASSERT_EQ(0, ns_call(&self->near.task, do_send, NULL));
	for (int i = 0; i < 1000 && !self->probe.net->answers[NET_SOCK].calls; i++)
		usleep(10000);
	expect_answer(_metadata, &self->probe, NET_SOCK, &self->far);
	EXPECT_EQ(1, self->probe.net->answers[NET_SOCK].calls);
	end_traffic(self);
}

TEST_F(net, socket_in_a_cpumap)
{
	expect_in_map(_metadata, self, "cpus", "in_cpumap", XDP_FLAGS_DRV_MODE);
}

TEST_F(net, socket_in_a_devmap)
{
	expect_in_map(_metadata, self, "devices", "in_devmap",
		      XDP_FLAGS_SKB_MODE);
}

TEST_F(net, device_of_frames_in_a_cpumap)
{
	expect_frames_before_device(_metadata, self, XDP_FLAGS_DRV_MODE);
}

TEST_F(net, device_of_packets_in_a_cpumap)
{
	expect_frames_before_device(_metadata, self, XDP_FLAGS_SKB_MODE);
}

NS_TEST_MAIN(MODULE)
