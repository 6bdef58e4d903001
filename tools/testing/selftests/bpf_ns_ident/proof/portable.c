// SPDX-License-Identifier: GPL-2.0
/*
 * The results of programs with ns_ident.bpf.h equal those of stat(2) and
 * NS_GET_ID, on all kernels since 5.10, with and without the module.
 *
 * Prints the source of each result: "QUESTION: kfunc", walk, or none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "portable.h"
#include "portable.skel.h"
#include "portable_one.lskel.h"

#define NEWPID ((void *)CLONE_NEWPID)

#define NEAR_ADDR "10.0.0.1"
#define FAR_ADDR "10.0.0.2"

/* The same as in ns_ident.bpf.h. */
enum { NS_IDENT_AUTO, NS_IDENT_WALK, NS_IDENT_KFUNC };

static const char *const type_names[NR_TYPES] = {
	"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
};

FIXTURE(portable)
{
	struct portable *skel;
	struct portable_shared *shared;	/* with the programs */
	struct bpf_link *link;
	struct ns_task task;
	struct ns_task other;
	struct ns_cgroup cgroup;
};

FIXTURE_VARIANT(portable)
{
	int how;
};

/* By kfuncs, if the module is loaded. */
FIXTURE_VARIANT_ADD(portable, auto)
{
	.how = NS_IDENT_AUTO,
};

FIXTURE_VARIANT_ADD(portable, walk)
{
	.how = NS_IDENT_WALK,
};

static __u64 nsfs_dev(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_dev;
}

static bool has_kfuncs(void)
{
	return module_is_loaded(MODULE) || module_is_built_in(MODULE);
}

FIXTURE_SETUP(portable)
{
	struct bpf_ns_ident own;

	self->task.sock = -1;
	self->other.sock = -1;
	self->cgroup.fd = -1;
	if (variant->how == NS_IDENT_WALK && !has_kfuncs())
		SKIP(return, "without the module, auto is the same");
	self->skel = portable__open();
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->ns_ident_dev = nsfs_dev();
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &own));
	self->skel->rodata->ns_ident_own = own;
	self->skel->rodata->ns_ident_how = variant->how;
}

FIXTURE_TEARDOWN(portable)
{
	ns_stop(&self->other);
	ns_stop(&self->task);
	bpf_link__destroy(self->link);
	portable__destroy(self->skel);
	if (self->cgroup.fd >= 0)
		ns_cgroup_close(&self->cgroup);
}

/* Loads only one program of the file. */
static int load(FIXTURE_DATA(portable) *self, struct bpf_program *prog)
{
	int err;

	bpf_program__set_autoload(prog, true);
	err = portable__load(self->skel);
	if (!err)
		self->shared = &self->skel->data_portable->portable;
	return err;
}

static int attach(FIXTURE_DATA(portable) *self, struct bpf_program *prog)
{
	self->link = bpf_program__attach(prog);
	return self->link ? 0 : -errno;
}

static void report(const char *question, int how, const struct portable_shared *shared,
		   const struct portable_answer *answer)
{
	if (how == NS_IDENT_AUTO)
		printf("# answer: %s: %s\n", question,
		       answer->err == -EOPNOTSUPP ? "none" :
		       shared->has_kfuncs ? "kfunc" : "walk");
}

static void expect_ident(struct __test_metadata *_metadata, const char *name,
			 const struct bpf_ns_ident *want,
			 const struct portable_answer *got)
{
	EXPECT_EQ(0, got->err);
	EXPECT_EQ(0, memcmp(want, &got->ident, sizeof(*want))) {
		TH_LOG("%s: want dev %llu, ino %llu, id %llu", name, want->dev,
		       want->ino, want->id);
		TH_LOG("%s: got  dev %llu, ino %llu, id %llu", name,
		       got->ident.dev, got->ident.ino, got->ident.id);
	}
}

/* Compares the results with /proc, by the ids in the initial namespace. */
static void expect_task(struct __test_metadata *_metadata,
			const struct portable_task *got)
{
	struct bpf_ns_ident want;
	pid_t pid = (pid_t)got->pid_tgid, tgid = got->pid_tgid >> 32;
	struct ns_ids ids;
	char path[64];
	int i;

	for (i = 0; i < NR_TYPES; i++) {
		snprintf(path, sizeof(path), "%s", type_names[i]);
		ASSERT_EQ(0, ns_ident(pid, path, &want));
		expect_ident(_metadata, path, &want, &got->ns[i]);
		if (!strcmp(path, "pid"))
			expect_ident(_metadata, "pidns", &want, &got->pidns);
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", tgid, pid);
	ASSERT_EQ(0, ns_read_ids(path, &ids));
	EXPECT_EQ((__s64)ids.tgid[ids.nr - 1] << 32 | ids.pid[ids.nr - 1], got->in_own);
	EXPECT_EQ((__s64)got->pid_tgid, got->in_asked);
	EXPECT_EQ(-ESRCH, got->in_none);
}

/* Runs a program on top of the task, and checks its results. */
static void expect_current(struct __test_metadata *_metadata,
			   FIXTURE_DATA(portable) *self, int (*fn)(void *arg))
{
	struct portable_shared *shared = self->shared;

	ASSERT_EQ(0, ns_ident(getpid(), "pid", &shared->asked));
	shared->current.pidns.calls = 0;
	shared->target = self->task.pid;
	ASSERT_EQ(0, ns_call(&self->task, fn, NULL));
	shared->target = 0;
	ASSERT_NE(0, shared->current.pidns.calls);
	ASSERT_EQ(self->task.pid, (pid_t)(shared->current.pid_tgid >> 32));
	expect_task(_metadata, &shared->current);
	/* The test itself has loaded the program. */
	EXPECT_EQ((__s64)shared->current.pid_tgid, shared->current.own);
	EXPECT_EQ(EINVAL, shared->bad_type_err);
	EXPECT_EQ(shared->has_ids != 0, shared->asked.id != 0);
}

#define load_and_attach(PROG)						\
	do {								\
		ASSERT_EQ(0, load(self, self->skel->progs.PROG));	\
		ASSERT_EQ(0, attach(self, self->skel->progs.PROG));	\
	} while (0)

#define current_of(FLAGS)						\
	do {								\
		ASSERT_EQ(0, ns_start(&self->task, NULL, FLAGS));	\
		expect_current(_metadata, self, ns_do_getpgid);		\
		ns_stop(&self->task);					\
	} while (0)

/* Kfuncs are used if the module is loaded and the walk is not selected. */
TEST_F(portable, by_kfunc_if_there_is_one)
{
	load_and_attach(in_tp);
	current_of(0);
	EXPECT_EQ(variant->how == NS_IDENT_AUTO && has_kfuncs(),
		  self->shared->has_kfuncs != 0);
	report("current task: pid namespace", variant->how, self->shared,
	       &self->shared->current.pidns);
	report("current task: namespace of any type", variant->how, self->shared,
	       &self->shared->current.ns[0]);
	report("current task: pid in a namespace", variant->how, self->shared,
	       &self->shared->current.pidns);
}

static int do_load(void *arg)
{
	struct portable *skel = arg;

	bpf_program__set_autoload(skel->progs.in_tp, true);
	return portable__load(skel);
}

/* The policy is that of the module: a program that walks loads anywhere. */
TEST_F(portable, loader_in_a_container)
{
	bool by_kfunc = variant->how == NS_IDENT_AUTO && has_kfuncs();

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS & ~CLONE_NEWUSER));
	EXPECT_EQ(by_kfunc ? -EACCES : 0, ns_call(&self->task, do_load, self->skel));
}

TEST_F(portable, tracepoint)
{
	load_and_attach(in_tp);
	current_of(0);
	current_of(CLONE_NEWPID);
	current_of(ALL_NS & ~CLONE_NEWPID);
	current_of(ALL_NS);
}

TEST_F(portable, raw_tracepoint)
{
	load_and_attach(in_raw_tp);
	current_of(0);
	current_of(ALL_NS);
}

TEST_F(portable, kprobe)
{
	SKIP_WITHOUT("CONFIG_KPROBES");
	load_and_attach(in_kprobe);
	current_of(0);
	current_of(ALL_NS);
}

TEST_F(portable, nested)
{
	struct ns_task outer;

	load_and_attach(in_tp);
	ASSERT_EQ(0, ns_start(&outer, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->other, &outer, CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&self->task, &self->other, CLONE_NEWPID));
	expect_current(_metadata, self, ns_do_getpgid);
	/* The task has another pid in each namespace. */
	ASSERT_EQ(0, ns_ident(outer.pid, "pid", &self->shared->asked));
	self->shared->target = self->task.pid;
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	EXPECT_EQ(3LL << 32 | 3, self->shared->current.in_asked);
	ns_stop(&outer);
}

TEST_F(portable, deepest)
{
	struct ns_task tasks[MAX_PID_NS_LEVEL];
	int i;

	load_and_attach(in_tp);
	for (i = 0; i < MAX_PID_NS_LEVEL; i++)
		ASSERT_EQ(0, ns_start(&tasks[i], i ? &tasks[i - 1] : NULL, CLONE_NEWPID));
	self->task = tasks[--i];
	expect_current(_metadata, self, ns_do_getpgid);
	while (i--)
		ns_stop(&tasks[i]);
}

/* The task stays in its pid namespace. Only its children get the new one. */
TEST_F(portable, unshare_without_fork)
{
	load_and_attach(in_tp);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWPID));
	expect_current(_metadata, self, ns_do_getpgid);
}

TEST_F(portable, unshare_at_once)
{
	load_and_attach(in_tp);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare,
			     (void *)(CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC)));
	expect_current(_metadata, self, ns_do_getpgid);
}

TEST_F(portable, setns)
{
	int fd;

	load_and_attach(in_tp);
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID | CLONE_NEWUTS));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	fd = ns_open(self->other.pid, "uts");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_call_fd(&self->task, fd, ns_do_setns, (void *)CLONE_NEWUTS));
	close(fd);
	fd = ns_open(self->other.pid, "pid");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_call_fd(&self->task, fd, ns_do_setns, NEWPID));
	close(fd);
	expect_current(_metadata, self, ns_do_getpgid);
}

/* The thread waits until the test has read its files in /proc. */
static int *looked_up;

static void *thread(void *ret)
{
	*(int *)ret = ns_do_getpgid(NULL);
	while (!__atomic_load_n(looked_up, __ATOMIC_SEQ_CST))
		usleep(1000);
	return NULL;
}

static int do_in_thread(void *unused)
{
	pthread_t id;
	int ret;

	if (pthread_create(&id, NULL, thread, &ret) || pthread_join(id, NULL))
		return -EAGAIN;
	return ret;
}

TEST_F(portable, thread)
{
	struct portable_shared *shared;

	load_and_attach(in_tp);
	shared = self->shared;
	looked_up = ns_alloc(sizeof(*looked_up));
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &shared->asked));
	shared->bad_type_err = 0;
	shared->target = self->task.pid;
	ASSERT_EQ(0, ns_call_begin(&self->task, -1, do_in_thread, NULL));
	/* The program writes this result last. */
	while (!__atomic_load_n(&shared->bad_type_err, __ATOMIC_SEQ_CST))
		usleep(1000);
	ASSERT_NE(self->task.pid, (pid_t)shared->current.pid_tgid);
	expect_task(_metadata, &shared->current);
	__atomic_store_n(looked_up, 1, __ATOMIC_SEQ_CST);
	ASSERT_EQ(0, ns_call_end(&self->task));
}

#define expect_child(FLAGS)						\
	do {								\
		self->shared->target = self->task.pid;			\
		ASSERT_EQ(0, ns_start(&self->other, &self->task, FLAGS)); \
		self->shared->target = 0;				\
		ASSERT_EQ(self->other.pid,				\
			  (pid_t)self->shared->child.pid_tgid);		\
		expect_task(_metadata, &self->shared->child);		\
		ns_stop(&self->other);					\
	} while (0)

TEST_F(portable, fork_child)
{
	load_and_attach(fork_child);
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->shared->asked));
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	expect_child(0);
	expect_child(CLONE_NEWPID);
	expect_child(ALL_NS);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare, NEWPID));
	expect_child(0);
	report("another task: pid namespace", variant->how, self->shared,
	       &self->shared->child.pidns);
	report("another task: pid in a namespace", variant->how, self->shared,
	       &self->shared->child.pidns);
	report("another task: namespace of any type", variant->how, self->shared,
	       &self->shared->child.ns[0]);
}

TEST_F(portable, iterator)
{
	struct portable_task got;
	int iter, met = 0;

	load_and_attach(all_tasks);
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->shared->asked));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	iter = bpf_iter_create(bpf_link__fd(self->link));
	ASSERT_LE(0, iter);
	while (read(iter, &got, sizeof(got)) == sizeof(got)) {
		pid_t pid = got.pid_tgid;

		/* Other tasks may exit during the test. */
		if (pid != getpid() && pid != self->task.pid && pid != 1)
			continue;
		expect_task(_metadata, &got);
		met++;
	}
	close(iter);
	EXPECT_EQ(3, met);
}

/* Compares with the net namespace of the task. */
static void expect_net(struct __test_metadata *_metadata, const struct ns_task *task,
		       const struct portable_answer *got)
{
	struct bpf_ns_ident want;

	ASSERT_EQ(0, ns_ident(task->pid, "net", &want));
	ASSERT_NE(0, got->calls);
	expect_ident(_metadata, "net", &want, got);
}

/* No socket listens there. */
static int do_connect(void *unused)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORTABLE_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	connect(sock, (struct sockaddr *)&addr, sizeof(addr));
	close(sock);
	return 0;
}

static int run_ip(const struct ns_task *task, const char *commands)
{
	char shell[1024];

	snprintf(shell, sizeof(shell),
		 "nsenter --net=/proc/%d/ns/net ip -batch - <<E\n%s\nE\n", task->pid,
		 commands);
	return system(shell);
}

TEST_F(portable, sock)
{
	struct portable_shared *shared;

	load_and_attach(sock_state);
	shared = self->shared;
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));
	ASSERT_EQ(0, run_ip(&self->task, "link set lo up"));
	shared->target = self->task.pid;
	ASSERT_EQ(0, ns_call(&self->task, do_connect, NULL));
	expect_net(_metadata, &self->task, &shared->sk);
	report("socket, in tracing programs", variant->how, shared, &shared->sk);
}

/* Networking programs cannot read kernel memory before 5.13. */
static bool is_none(const struct portable_shared *shared, const struct portable_answer *got)
{
	static const struct bpf_ns_ident none;

	return got->err == -EOPNOTSUPP && !shared->has_kfuncs &&
	       !memcmp(&got->ident, &none, sizeof(none)) && kernel_is_before(5, 13);
}

TEST_F(portable, bpf_sock)
{
	struct portable_shared *shared;

	ASSERT_EQ(0, load(self, self->skel->progs.cgroup_connect));
	shared = self->shared;
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));
	ASSERT_EQ(0, run_ip(&self->task, "link set lo up"));
	ASSERT_EQ(0, ns_cgroup_open(&self->cgroup));
	ASSERT_EQ(0, ns_cgroup_add(&self->cgroup, self->task.pid));
	self->link = bpf_program__attach_cgroup(self->skel->progs.cgroup_connect,
						self->cgroup.fd);
	ASSERT_NE(NULL, self->link);
	ASSERT_EQ(0, ns_call(&self->task, do_connect, NULL));
	if (!is_none(shared, &shared->bpf_sock))
		expect_net(_metadata, &self->task, &shared->bpf_sock);
	report("socket, in programs of the network", variant->how, shared,
	       &shared->bpf_sock);
}

/* Two tasks, in net namespaces with a veth pair between them. */
#define start_pair()							\
	do {								\
		char pair[128];						\
									\
		ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNET));	\
		ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWNET)); \
		snprintf(pair, sizeof(pair),				\
			 "link add veth0 type veth peer name veth0 netns %d", \
			 self->other.pid);				\
		ASSERT_EQ(0, run_ip(&self->task, pair));			\
		ASSERT_EQ(0, run_ip(&self->task, "addr add " NEAR_ADDR "/24 dev veth0\n" \
				    "link set veth0 up"));		\
		ASSERT_EQ(0, run_ip(&self->other, "addr add " FAR_ADDR "/24 dev veth0\n" \
				    "link set veth0 up"));		\
	} while (0)

/* Sends packets until the program has run for one. */
static int do_send(void *arg)
{
	struct portable_answer *answer = arg;
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORTABLE_PORT),
	};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int i, err = 0;

	inet_pton(AF_INET, FAR_ADDR, &addr.sin_addr);
	if (sock < 0)
		return -errno;
	for (i = 0; i < 1000 && !err; i++) {
		if (__atomic_load_n(&answer->calls, __ATOMIC_SEQ_CST))
			break;
		if (sendto(sock, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr)) < 0 &&
		    errno != ECONNREFUSED && errno != EPERM)
			err = -errno;
		usleep(20000);
	}
	close(sock);
	return err;
}

static int do_attach_tc(void *unused)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex("veth0"),
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = ns_received_fd);

	return bpf_tc_hook_create(&hook) ?: bpf_tc_attach(&hook, &opts);
}

/* Attached until the task ends. */
static int do_attach_xdp(void *unused)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(ns_received_fd, if_nametoindex("veth0"),
				   BPF_XDP, &opts);

	return link < 0 ? link : 0;
}

static int do_attach_netfilter(void *unused)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .netfilter.pf = NFPROTO_IPV4,
		    .netfilter.hooknum = NF_INET_LOCAL_IN);
	int link = bpf_link_create(ns_received_fd, 0, BPF_NETFILTER, &opts);

	return link < 0 ? link : 0;
}

/* Sends from near to far, where the program is attached. */
#define expect_packet(PROG, DO_ATTACH, ANSWER, QUESTION)		\
	do {								\
		struct portable_shared *shared;				\
									\
		ASSERT_EQ(0, load(self, self->skel->progs.PROG));	\
		shared = self->shared;					\
		start_pair();						\
		ASSERT_EQ(0, ns_call_fd(&self->other,			\
					bpf_program__fd(self->skel->progs.PROG), \
					DO_ATTACH, NULL));		\
		ASSERT_EQ(0, ns_call(&self->task, do_send, &shared->ANSWER)); \
		ASSERT_NE(0, shared->ANSWER.calls);			\
		if (!is_none(shared, &shared->ANSWER))			\
			expect_net(_metadata, &self->other, &shared->ANSWER); \
		report(QUESTION, variant->how, shared, &shared->ANSWER); \
	} while (0)

TEST_F(portable, tc)
{
	expect_packet(tc, do_attach_tc, skb, "packet, at traffic control");
}

TEST_F(portable, xdp)
{
	expect_packet(xdp, do_attach_xdp, xdp, "frame, in XDP");
}

TEST_F(portable, netfilter)
{
	if (kernel_is_before(6, 4))
		SKIP(return, "there are no such programs before 6.4");
	expect_packet(netfilter, do_attach_netfilter, nf, "packet, in netfilter");
}

TEST_F(portable, cgroup_skb)
{
	struct portable_shared *shared;

	ASSERT_EQ(0, load(self, self->skel->progs.cgroup_skb));
	shared = self->shared;
	start_pair();
	ASSERT_EQ(0, ns_cgroup_open(&self->cgroup));
	ASSERT_EQ(0, ns_cgroup_add(&self->cgroup, self->task.pid));
	self->link = bpf_program__attach_cgroup(self->skel->progs.cgroup_skb,
						self->cgroup.fd);
	ASSERT_NE(NULL, self->link);
	ASSERT_EQ(0, ns_call(&self->task, do_send, &shared->skb));
	ASSERT_NE(0, shared->skb.calls);
	if (!is_none(shared, &shared->skb))
		expect_net(_metadata, &self->task, &shared->skb);
	report("packet, of a cgroup", variant->how, shared, &shared->skb);
}

/* Without the device, a walk would report a wrong identity. */
TEST_F(portable, device_unset)
{
	static char log[1 << 24];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = sizeof(log), .kernel_log_level = 1);
	int err;

	portable__destroy(self->skel);
	self->skel = portable__open_opts(&opts);
	ASSERT_NE(NULL, self->skel);
	self->skel->rodata->ns_ident_how = variant->how;
	err = load(self, self->skel->progs.in_tp);
	if (variant->how == NS_IDENT_AUTO && has_kfuncs()) {
		EXPECT_EQ(0, err);
		return;
	}
	EXPECT_EQ(-EINVAL, err);
	EXPECT_NE(NULL, strstr(log, "set_ns_ident_dev_before_loading")) {
		TH_LOG("%.2000s", log + strlen(log) - (strlen(log) < 2000 ? strlen(log) : 2000));
	}
}

/* Kfuncs are selected, but the module is not loaded. */
TEST_F(portable, kfuncs_of_nobody)
{
	if (has_kfuncs())
		SKIP(return, "the module is there");
	self->skel->rodata->ns_ident_how = NS_IDENT_KFUNC;
	EXPECT_GT(0, load(self, self->skel->progs.in_tp));
}

/* The kernel relocates a light skeleton, and libbpf relocates the others. */
TEST(light_skeleton)
{
	struct portable_one_light *skel;
	struct bpf_ns_ident want;
	struct ns_task task;

	if (kernel_is_before(5, 17))
		SKIP(return, "the kernel does not relocate programs before 5.17");
	ASSERT_EQ(0, ns_start(&task, NULL, CLONE_NEWPID));
	ASSERT_EQ(0, ns_ident(task.pid, "pid", &want));
	skel = portable_one_light__open();
	ASSERT_NE(NULL, skel);
	skel->rodata->ns_ident_dev = nsfs_dev();
	ASSERT_EQ(0, portable_one_light__load(skel));
	ASSERT_LE(0, portable_one_light__attach(skel));
	skel->bss->one.target = task.pid;
	ASSERT_EQ(0, ns_call(&task, ns_do_getpgid, NULL));
	EXPECT_NE(0, skel->bss->one.calls);
	EXPECT_EQ(0, skel->bss->one.err);
	EXPECT_EQ(0, memcmp(&want, &skel->bss->one.ident, sizeof(want)));
	EXPECT_EQ(has_kfuncs(), skel->bss->one.has_kfuncs != 0);
	printf("# answer: light skeleton: %s\n",
	       skel->bss->one.has_kfuncs ? "kfunc" : "walk");
	portable_one_light__destroy(skel);
	ns_stop(&task);
}

int main(int argc, char **argv)
{
	struct utsname name;

	uname(&name);
	printf("# kernel: %s, %s the module\n", name.release,
	       has_kfuncs() ? "with" : "without");
	return test_harness_run(argc, argv);
}
