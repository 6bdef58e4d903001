// SPDX-License-Identifier: GPL-2.0
/*
 * Each program type of the kfuncs is attached, and triggered by a task in a pid
 * namespace of its own. Programs of all other types are rejected.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/compiler.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

FIXTURE(promised)
{
	struct probe probe;
	struct ns_task task;
	int fd;
	struct ns_cgroup cgroup;
};

FIXTURE_SETUP(promised)
{
	self->task.sock = -1;
	self->fd = -1;
	self->cgroup.fd = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(promised)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, ns_cgroup_close(&self->cgroup));
}

/*
 * Calls @do_trigger in a new task, which makes the program run, and compares
 * its result. Programs are attached before, so that the task inherits their
 * file descriptors.
 */
static void expect_triggered(struct __test_metadata *_metadata,
			     struct probe *probe, struct ns_task *task,
			     const struct ns_cgroup *cgroup,
			     int (*do_trigger)(void *arg), void *arg)
{
	struct bpf_ns_ident want, initial;

	ASSERT_EQ(0, ns_start(task, NULL, CLONE_NEWPID));
	if (cgroup)
		ASSERT_EQ(0, ns_cgroup_add(cgroup, task->pid));
	ASSERT_EQ(0, ns_ident(task->pid, "pid", &want));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &initial));
	ASSERT_NE(initial.id, want.id);

	probe_target(probe, task->pid);
	ASSERT_EQ(0, ns_call(task, do_trigger, arg));
	ASSERT_LE(1, probe->report->calls);
	EXPECT_EQ(task->pid, (pid_t)probe->report->pid_tgid);
	EXPECT_EQ(0, probe->report->err);
	EXPECT_EQ(want.dev, probe->report->ident.dev);
	EXPECT_EQ(want.ino, probe->report->ident.ino);
	EXPECT_EQ(want.id, probe->report->ident.id);
}

/* Programs that are attached according to their section, to getpgid(). */
#define TEST_GETPGID(NAME, OPTION)					\
	TEST_F(promised, NAME)						\
	{								\
		SKIP_WITHOUT(OPTION);					\
		ASSERT_EQ(0, probe_open(&self->probe, #NAME));		\
		expect_triggered(_metadata, &self->probe, &self->task,	\
				 NULL, ns_do_getpgid, NULL);		\
		EXPECT_EQ(1, self->probe.report->calls);		\
	}

TEST_GETPGID(kprobe, "CONFIG_KPROBE_EVENTS")
TEST_GETPGID(kretprobe, "CONFIG_KPROBE_EVENTS")
TEST_GETPGID(tp, "CONFIG_FTRACE_SYSCALLS")
TEST_GETPGID(raw_tp, "CONFIG_TRACEPOINTS")
TEST_GETPGID(tp_btf, "CONFIG_TRACEPOINTS")
TEST_GETPGID(fentry, "CONFIG_DYNAMIC_FTRACE")
TEST_GETPGID(fexit, "CONFIG_DYNAMIC_FTRACE")

/* For uprobes. Not static or inlined, so that libbpf finds its symbol. */
int uprobe_target(void);
noinline int uprobe_target(void)
{
	asm volatile("");
	return 0;
}

static int do_uprobe(void *unused)
{
	return uprobe_target();
}

static int attach_uprobe(struct probe *probe, bool is_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "uprobe_target",
		    .retprobe = is_return);

	probe->link = bpf_program__attach_uprobe_opts(probe->prog, -1,
						      "/proc/self/exe", 0,
						      &opts);
	return probe->link ? 0 : -errno;
}

#define TEST_UPROBE(NAME, IS_RETURN)					\
	TEST_F(promised, NAME)						\
	{								\
		SKIP_WITHOUT("CONFIG_UPROBE_EVENTS");			\
		ASSERT_EQ(0, probe_load(&self->probe, #NAME));		\
		ASSERT_EQ(0, attach_uprobe(&self->probe, IS_RETURN));	\
		expect_triggered(_metadata, &self->probe, &self->task,	\
				 NULL, do_uprobe, NULL);		\
		EXPECT_EQ(1, self->probe.report->calls);		\
	}

TEST_UPROBE(uprobe, false)
TEST_UPROBE(uprobe_s, false)
TEST_UPROBE(uretprobe, true)

/* Runs a program by its file descriptor. */
static int do_run(void *fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts((intptr_t)fd, &opts);
}

TEST_F(promised, syscall)
{
	ASSERT_EQ(0, probe_load(&self->probe, "syscall"));
	expect_triggered(_metadata, &self->probe, &self->task, NULL, do_run,
			 (void *)(intptr_t)self->probe.fd);
	EXPECT_EQ(1, self->probe.report->calls);
}

TEST_F(promised, fentry_s)
{
	SKIP_WITHOUT("CONFIG_DYNAMIC_FTRACE");
	ASSERT_EQ(0, probe_open(&self->probe, "fentry_s"));
	expect_triggered(_metadata, &self->probe, &self->task, NULL, do_run,
			 (void *)(intptr_t)self->probe.fd);
	EXPECT_EQ(1, self->probe.report->calls);
}

TEST_F(promised, fmod_ret)
{
	SKIP_WITHOUT("CONFIG_DYNAMIC_FTRACE");
	ASSERT_EQ(0, probe_open(&self->probe, "fmod_ret"));
	expect_triggered(_metadata, &self->probe, &self->task, NULL, do_run,
			 (void *)(intptr_t)self->probe.fd);
	EXPECT_EQ(1, self->probe.report->calls);
}

/* LSM hooks are not called for processes that do not exist. */
static int do_getpgid_self(void *unused)
{
	return syscall(SYS_getpgid, getpid()) < 0 ? -errno : 0;
}

TEST_F(promised, lsm)
{
	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, probe_open(&self->probe, "lsm"));
	expect_triggered(_metadata, &self->probe, &self->task, NULL,
			 do_getpgid_self, NULL);
	EXPECT_EQ(1, self->probe.report->calls);
}

static int do_open(void *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0 || read(fd, &byte, 1) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

TEST_F(promised, lsm_s)
{
	SKIP_WITHOUT_BPF_LSM();
	ASSERT_EQ(0, probe_open(&self->probe, "lsm_s"));
	expect_triggered(_metadata, &self->probe, &self->task, NULL, do_open,
			 "/dev/null");
	EXPECT_EQ(1, self->probe.report->calls);
}

static int do_read(void *fd)
{
	char byte;

	return read((intptr_t)fd, &byte, 1) < 0 ? -errno : 0;
}

/* An iterator runs on top of the reading task, not of its own task. */
#define TEST_ITER(NAME)							\
	TEST_F(promised, NAME)						\
	{								\
		ASSERT_EQ(0, probe_open(&self->probe, #NAME));		\
		self->fd = bpf_iter_create(bpf_link__fd(self->probe.link)); \
		ASSERT_LE(0, self->fd);					\
		expect_triggered(_metadata, &self->probe, &self->task,	\
				 NULL, do_read,				\
				 (void *)(intptr_t)self->fd);		\
		EXPECT_LE(3, self->probe.report->calls);		\
	}

TEST_ITER(iter)
TEST_ITER(iter_s)

/* Spins until the program has run. */
static int do_spin(void *report)
{
	while (!__atomic_load_n(&((struct report *)report)->calls,
				__ATOMIC_RELAXED))
		;
	return 0;
}

/* For all tasks on any CPU. The program checks its target. */
static int open_perf_event(int cpu, __u32 type, __u64 config)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
		.sample_period = 1000000,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static void expect_perf_event(struct __test_metadata *_metadata,
			      struct probe *probe, struct ns_task *task,
			      __u32 type, __u64 config)
{
	struct bpf_link *links[CPU_SETSIZE] = {};
	int cpu, fd, cpus = libbpf_num_possible_cpus();

	for (cpu = 0; cpu < cpus && cpu < CPU_SETSIZE; cpu++) {
		fd = open_perf_event(cpu, type, config);
		if (fd < 0)
			continue;
		links[cpu] = bpf_program__attach_perf_event(probe->prog, fd);
		ASSERT_NE(NULL, links[cpu]);
	}
	expect_triggered(_metadata, probe, task, NULL, do_spin, probe->report);
	while (cpu--)
		bpf_link__destroy(links[cpu]);
}

TEST_F(promised, perf_event)
{
	ASSERT_EQ(0, probe_load(&self->probe, "perf_event"));
	expect_perf_event(_metadata, &self->probe, &self->task,
			  PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK);
	probe_target(&self->probe, 0);
	ns_stop(&self->task);

	/* A counter of the CPU, if there is one, interrupts by NMI. */
	self->fd = open_perf_event(0, PERF_TYPE_HARDWARE,
				   PERF_COUNT_HW_CPU_CYCLES);
	if (self->fd < 0) {
		TH_LOG("this CPU has no cycle counter, so NMIs are not tested");
		return;
	}
	expect_perf_event(_metadata, &self->probe, &self->task,
			  PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
}

#define TEST_CGROUP(NAME, DO, ARG)					\
	TEST_F(promised, NAME)						\
	{								\
		SKIP_WITHOUT("CONFIG_CGROUP_BPF");			\
		ASSERT_EQ(0, ns_cgroup_open(&self->cgroup));		\
		ASSERT_EQ(0, probe_load(&self->probe, #NAME));		\
		self->probe.link = bpf_program__attach_cgroup(		\
			self->probe.prog, self->cgroup.fd);		\
		ASSERT_NE(NULL, self->probe.link);			\
		expect_triggered(_metadata, &self->probe, &self->task,	\
				 &self->cgroup, DO, ARG);		\
	}

static int do_socket(void *unused)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	close(sock);
	return 0;
}

static int do_connect(void *unused)
{
	const struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9),
	};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return -errno;
	/* The program runs before the lookup of the route. */
	connect(sock, (const struct sockaddr *)&addr, sizeof(addr));
	close(sock);
	return 0;
}

static int do_getsockopt(void *unused)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int value, err = 0;
	socklen_t len = sizeof(value);

	if (sock < 0)
		return -errno;
	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &value, &len))
		err = -errno;
	close(sock);
	return err;
}

TEST_CGROUP(cgroup_sock, do_socket, NULL)
TEST_CGROUP(cgroup_connect, do_connect, NULL)
TEST_CGROUP(cgroup_getsockopt, do_getsockopt, NULL)
TEST_CGROUP(cgroup_device, do_open, "/dev/null")
TEST_CGROUP(cgroup_sysctl, do_open, "/proc/sys/kernel/ostype")

/* An extension may call the kfuncs of the extended program. */
TEST_F(promised, extension_of_kprobe)
{
	struct probe plain;

	SKIP_WITHOUT("CONFIG_KPROBE_EVENTS");
	ASSERT_EQ(0, probe_open(&plain, "kprobe_plain"));
	ASSERT_EQ(0, probe_prepare(&self->probe, "freplace"));
	ASSERT_EQ(0, bpf_program__set_attach_target(self->probe.prog, plain.fd,
						    "plain"));
	ASSERT_EQ(0, probe_finish(&self->probe));
	self->probe.link = bpf_program__attach_freplace(self->probe.prog,
							plain.fd, "plain");
	ASSERT_NE(NULL, self->probe.link);
	expect_triggered(_metadata, &self->probe, &self->task, NULL,
			 ns_do_getpgid, NULL);
	EXPECT_EQ(1, self->probe.report->calls);
	probe_close(&plain);
}

static int do_run_packet(void *fd)
{
	static const char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts((intptr_t)fd, &opts);
}

/* A program that traces another program has the type TRACING. */
#define TEST_OF_A_PROGRAM(NAME, OBJECT, TARGET)				\
	TEST_F(promised, NAME)						\
	{								\
		struct probe target;					\
									\
		SKIP_WITHOUT("CONFIG_DYNAMIC_FTRACE");			\
		ASSERT_EQ(0, probe_load(&target, TARGET));		\
		ASSERT_EQ(0, probe_prepare(&self->probe, OBJECT));	\
		ASSERT_EQ(0, bpf_program__set_attach_target(		\
			self->probe.prog, target.fd, "on_" TARGET));	\
		ASSERT_EQ(0, probe_finish(&self->probe)) {		\
			TH_LOG("%s", probe_log);			\
		}							\
		self->probe.link = bpf_program__attach(self->probe.prog); \
		ASSERT_NE(NULL, self->probe.link);			\
		expect_triggered(_metadata, &self->probe, &self->task,	\
				 NULL, do_run_packet,			\
				 (void *)(intptr_t)target.fd);		\
		EXPECT_EQ(1, self->probe.report->calls);		\
		probe_close(&target);					\
	}

TEST_OF_A_PROGRAM(fentry_of_xdp, "fentry", "xdp_plain")
TEST_OF_A_PROGRAM(fexit_of_xdp, "fexit", "xdp_plain")
TEST_OF_A_PROGRAM(fentry_of_sched_cls, "fentry", "tc_plain")
TEST_OF_A_PROGRAM(fexit_of_sched_cls, "fexit", "tc_plain")

/* Kfuncs that program types must not call. Other tests have the rest. */
FIXTURE(refused)
{
	struct raw_prog prog;
};

FIXTURE_SETUP(refused)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
}

FIXTURE_TEARDOWN(refused)
{
}

#define NOT_ALLOWED "calling kernel function %s is not allowed"

/* Kinds of kfuncs, by their argument. */
enum {
	CURRENT = 1,		/* the current task, which softirqs do not have */
	SOCK = 2,
	SKB = 4,
	XDP = 8,
	NF = 16,
	ANY_TASK = 32,
	TASK = CURRENT | ANY_TASK,
	PACKET = SKB | XDP | NF,
};

static const struct {
	const char *name;
	int kind;
} kfuncs[] = {
	{ "bpf_get_current_pidns_ident", CURRENT },
	{ "bpf_get_current_ns_ident", CURRENT },
	{ "bpf_get_current_pid_tgid_in", CURRENT },
	{ "bpf_task_pidns_ident", ANY_TASK },
	{ "bpf_task_ns_ident", ANY_TASK },
	{ "bpf_task_pid_tgid_in", ANY_TASK },
	{ "bpf_sk_netns_ident", SOCK },
	{ "bpf_skb_netns_ident", SKB },
	{ "bpf_xdp_netns_ident", XDP },
	{ "bpf_nf_netns_ident", NF },
};

/* The program without the call must load, or the rejection proves nothing. */
static const struct bpf_insn nothing[] = {
	BPF_MOV64_IMM(BPF_REG_0, 0),
	BPF_EXIT_INSN(),
};

static void expect_refused(struct __test_metadata *_metadata,
			   struct raw_prog *prog, enum bpf_prog_type type,
			   enum bpf_attach_type attach_type, int kinds)
{
	char not_allowed[128];
	struct kfunc kfunc;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++) {
		if (!(kfuncs[i].kind & kinds))
			continue;
		ASSERT_EQ(0, kfunc_find(&kfunc, MODULE, kfuncs[i].name));
		prog->kfunc = &kfunc;
		EXPECT_EQ(-EACCES, raw_load_type(prog, type, attach_type));
		snprintf(not_allowed, sizeof(not_allowed), NOT_ALLOWED,
			 kfuncs[i].name);
		EXPECT_NE(NULL, strstr(prog->log, not_allowed)) {
			TH_LOG("%s", prog->log);
		}
		kfunc_close(&kfunc);
	}

	prog->kfunc = NULL;
	prog->insns = nothing;
	prog->cnt = ARRAY_SIZE(nothing);
	fd = raw_load(prog);
	EXPECT_LE(0, fd) {
		TH_LOG("%s", prog->log);
	}
	if (fd >= 0)
		close(fd);
}

#define TEST_REFUSED(NAME, TYPE, ATTACH_TYPE, KINDS)			\
	TEST_F(refused, NAME)						\
	{								\
		if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_##TYPE, NULL) != 1) \
			SKIP(return, "this kernel has no such programs"); \
		expect_refused(_metadata, &self->prog,			\
			       BPF_PROG_TYPE_##TYPE, ATTACH_TYPE, KINDS); \
	}

/* Types with packets of another kind. */
TEST_REFUSED(sched_cls, SCHED_CLS, 0, TASK | XDP | NF)
TEST_REFUSED(sched_act, SCHED_ACT, 0, TASK | XDP | NF)
TEST_REFUSED(cgroup_skb, CGROUP_SKB, BPF_CGROUP_INET_INGRESS, TASK | XDP | NF)
TEST_REFUSED(lwt_in, LWT_IN, 0, TASK | XDP | NF)
TEST_REFUSED(lwt_xmit, LWT_XMIT, 0, TASK | XDP | NF)
TEST_REFUSED(lwt_seg6local, LWT_SEG6LOCAL, 0, TASK | XDP | NF)
TEST_REFUSED(netfilter, NETFILTER, BPF_NETFILTER, TASK | XDP | SKB)
TEST_REFUSED(xdp, XDP, BPF_XDP, TASK | SKB | NF)

/* Packets with a device that may be gone. */
TEST_REFUSED(socket_filter, SOCKET_FILTER, 0, TASK | PACKET)
TEST_REFUSED(lwt_out, LWT_OUT, 0, TASK | PACKET)
TEST_REFUSED(xdp_cpumap, XDP, BPF_XDP_CPUMAP, TASK | PACKET)
TEST_REFUSED(xdp_devmap, XDP, BPF_XDP_DEVMAP, TASK | PACKET)
/* Extensions of these can call such a program. */
TEST_REFUSED(xdp_of_no_attach_type, XDP, 0, TASK | PACKET)

/*
 * Types with sockets. Packets in their queues may have a device that is gone.
 */
TEST_REFUSED(sk_skb, SK_SKB, 0, TASK | PACKET)
TEST_REFUSED(sock_ops, SOCK_OPS, BPF_CGROUP_SOCK_OPS, TASK | PACKET)
TEST_REFUSED(cgroup_sock, CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE,
	     ANY_TASK | PACKET)
TEST_REFUSED(cgroup_sock_addr, CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT,
	     ANY_TASK | PACKET)
TEST_REFUSED(cgroup_sockopt, CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT,
	     ANY_TASK | PACKET)

/* Types with tasks. */
TEST_REFUSED(kprobe, KPROBE, 0, SOCK | PACKET)
TEST_REFUSED(tracepoint, TRACEPOINT, 0, SOCK | PACKET)
TEST_REFUSED(raw_tracepoint, RAW_TRACEPOINT, 0, SOCK | PACKET)
TEST_REFUSED(perf_event, PERF_EVENT, 0, SOCK | PACKET)
TEST_REFUSED(syscall, SYSCALL, 0, SOCK | PACKET)
TEST_REFUSED(cgroup_device, CGROUP_DEVICE, BPF_CGROUP_DEVICE,
	     ANY_TASK | SOCK | PACKET)
TEST_REFUSED(cgroup_sysctl, CGROUP_SYSCTL, BPF_CGROUP_SYSCTL,
	     ANY_TASK | SOCK | PACKET)

/* Tracing programs may run in any state of a packet. */
#define TEST_REFUSED_BTF(NAME, TYPE, ATTACH_TYPE, FUNC, OPTION)		\
	TEST_F(refused, NAME)						\
	{								\
		int id = libbpf_find_vmlinux_btf_id(FUNC, ATTACH_TYPE);	\
									\
		SKIP_WITHOUT(OPTION);					\
		ASSERT_LT(0, id);					\
		self->prog.attach_btf_id = id;				\
		expect_refused(_metadata, &self->prog,			\
			       BPF_PROG_TYPE_##TYPE, ATTACH_TYPE,	\
			       PACKET);				\
	}

TEST_REFUSED_BTF(tracing, TRACING, BPF_TRACE_FENTRY, "ip_rcv", "CONFIG_INET")
TEST_REFUSED_BTF(tp_btf, TRACING, BPF_TRACE_RAW_TP, "net_dev_xmit",
		 "CONFIG_TRACEPOINTS")
TEST_REFUSED_BTF(lsm, LSM, BPF_LSM_MAC, "file_open", "CONFIG_BPF_LSM")

/* Returns the type id of a function of a program. */
static int find_in_prog(int prog, const char *func)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	struct btf *btf;
	int id;

	if (bpf_prog_get_info_by_fd(prog, &info, &len))
		return -errno;
	btf = btf__load_from_kernel_by_id(info.btf_id);
	id = btf ? btf__find_by_name_kind(btf, func, BTF_KIND_FUNC) : -errno;
	btf__free(btf);
	return id;
}

/*
 * The arguments are only right for one kfunc. The calls of the others pass the
 * filter.
 */
static void expect_not_refused(struct __test_metadata *_metadata,
			       struct raw_prog *prog, enum bpf_prog_type type,
			       enum bpf_attach_type attach_type, int kinds)
{
	char not_allowed[128];
	struct kfunc kfunc;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(kfuncs); i++) {
		if (!(kfuncs[i].kind & kinds))
			continue;
		ASSERT_EQ(0, kfunc_find(&kfunc, MODULE, kfuncs[i].name));
		prog->kfunc = &kfunc;
		fd = raw_load_type(prog, type, attach_type);
		snprintf(not_allowed, sizeof(not_allowed), NOT_ALLOWED,
			 kfuncs[i].name);
		EXPECT_EQ(NULL, strstr(prog->log, not_allowed)) {
			TH_LOG("%s", prog->log);
		}
		if (!strcmp(kfuncs[i].name, KFUNC)) {
			EXPECT_LE(0, fd) {
				TH_LOG("%s", prog->log);
			}
		}
		fd_drop(fd);
		kfunc_close(&kfunc);
	}
}

#define TEST_TRACING_OF(NAME, TARGET, ATTACH_TYPE)			\
	TEST_F(refused, NAME)						\
	{								\
		struct probe target;					\
									\
		SKIP_WITHOUT("CONFIG_DYNAMIC_FTRACE");			\
		ASSERT_EQ(0, probe_load(&target, TARGET));		\
		self->prog.attach_prog_fd = target.fd;			\
		self->prog.attach_btf_id = find_in_prog(target.fd, "plain"); \
		ASSERT_LT(0, (int)self->prog.attach_btf_id);		\
		expect_refused(_metadata, &self->prog,			\
			       BPF_PROG_TYPE_TRACING, ATTACH_TYPE, PACKET); \
		expect_not_refused(_metadata, &self->prog,		\
				   BPF_PROG_TYPE_TRACING, ATTACH_TYPE,	\
				   TASK | SOCK);			\
		probe_close(&target);					\
	}

TEST_TRACING_OF(fentry_of_xdp, "xdp_plain", BPF_TRACE_FENTRY)
TEST_TRACING_OF(fexit_of_xdp, "xdp_plain", BPF_TRACE_FEXIT)
TEST_TRACING_OF(fentry_of_sched_cls, "tc_plain", BPF_TRACE_FENTRY)
TEST_TRACING_OF(fexit_of_sched_cls, "tc_plain", BPF_TRACE_FEXIT)

/* Types with neither packets nor tasks, even if they share a hook. */
#define ALL_KINDS (TASK | SOCK | PACKET)
TEST_REFUSED(sk_msg, SK_MSG, BPF_SK_MSG_VERDICT, ALL_KINDS)
TEST_REFUSED(sk_reuseport, SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT, ALL_KINDS)
TEST_REFUSED(sk_lookup, SK_LOOKUP, BPF_SK_LOOKUP, ALL_KINDS)
TEST_REFUSED(flow_dissector, FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, ALL_KINDS)
TEST_REFUSED(raw_tracepoint_writable, RAW_TRACEPOINT_WRITABLE, 0, ALL_KINDS)

TEST_F(refused, extension_of_xdp)
{
	struct probe target, probe;

	ASSERT_EQ(0, probe_load(&target, "xdp_plain"));
	ASSERT_EQ(0, probe_prepare(&probe, "freplace"));
	libbpf_set_print(NULL);
	ASSERT_EQ(0, bpf_program__set_attach_target(probe.prog, target.fd,
						    "plain"));
	EXPECT_EQ(-EACCES, probe_finish(&probe));
	EXPECT_NE(NULL, strstr(probe_log, KFUNC " is not allowed")) {
		TH_LOG("%s", probe_log);
	}
	probe_close(&target);
}

/* An extension has the attach type of the extended program. */
static int try_extension_of(enum bpf_attach_type type)
{
	struct probe target, probe;
	int err;

	err = probe_prepare(&target, "xdp_plain_ctx");
	if (err)
		return err;
	bpf_program__set_expected_attach_type(target.prog, type);
	err = probe_finish(&target) ?: probe_prepare(&probe, "net_freplace_xdp");
	if (err)
		return err;
	libbpf_set_print(NULL);
	err = bpf_program__set_attach_target(probe.prog, target.fd, "plain") ?:
	      probe_finish(&probe);
	if (!err)
		probe_close(&probe);
	probe_close(&target);
	return err;
}

TEST_F(refused, extension_of_xdp_for_a_map)
{
	static const enum bpf_attach_type others[] = {
		0, BPF_XDP_CPUMAP, BPF_XDP_DEVMAP
	};

	EXPECT_EQ(0, try_extension_of(BPF_XDP)) {
		TH_LOG("%s", probe_log);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-EACCES, try_extension_of(others[i]));
		EXPECT_NE(NULL, strstr(probe_log,
				       "bpf_xdp_netns_ident is not allowed")) {
			TH_LOG("type %d: %s", others[i], probe_log);
		}
	}
}

TEST_F(refused, struct_ops)
{
	struct probe probe;

	ASSERT_EQ(0, probe_prepare(&probe, "tcp_ca"));
	libbpf_set_print(NULL);
	EXPECT_EQ(-EACCES, probe_finish(&probe));
	EXPECT_NE(NULL, strstr(probe_log, KFUNC " is not allowed")) {
		TH_LOG("%s", probe_log);
	}
}

NS_TEST_MAIN(MODULE)
