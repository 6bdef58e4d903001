// SPDX-License-Identifier: GPL-2.0
/*
 * Permissions of users with different capabilities and namespaces. Each user
 * tries each operation, which is a test. Other tests check the messages that
 * such users cause in the kernel log.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define SKB_KFUNC "bpf_skb_netns_ident"
#define REFUSED "refused, not in"
/* The kfunc is not relative, unless the kernel records the origin of programs. */
#define ONLY_THOSE							\
	(origin_is_recorded() ? "" :					\
				" call only kfuncs that take a pid namespace,")
#define ADVICE								\
	"load it from there, or%s with loader_ns=cgroup,ipc,mnt,net,time,user,uts"
#define UNPRIVILEGED "/proc/sys/kernel/unprivileged_bpf_disabled"

#define NOBODY 65534
#define ROOT_CONTAINER (ALL_NS & ~CLONE_NEWUSER)

#define CAP(NAME) (1ULL << CAP_##NAME)
#define ALL_CAPS (~0ULL)

struct user {
	uid_t uid;
	__u64 caps;		/* remaining effective and permitted ones */
};

static int get_caps(__u64 *effective)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -errno;
	*effective = data[0].effective | (__u64)data[1].effective << 32;
	return 0;
}

static int set_caps(__u64 caps)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = {
		{ .effective = caps, .permitted = caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static int do_become(void *arg)
{
	const struct user *user = arg;
	__u64 had = 0, has = 0;
	int err;

	err = get_caps(&had);
	if (err)
		return err;
	if (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) ||
	    setresgid(user->uid, user->uid, user->uid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	err = set_caps(had & user->caps) ?: get_caps(&has);
	if (err)
		return err;
	/* The change of the user has cleared the signal. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return has == (had & user->caps) && getuid() == user->uid ? 0 : -EBADMSG;
}

FIXTURE(who_may)
{
	struct ns_task task;
	struct user *user;
	struct kfunc kfunc;
	struct kfunc skb_kfunc;
	struct raw_prog *prog;
	int handed;		/* a program loaded by root */
	int klog;
};

/* A user, and the result of each operation: 0, or a negative errno. */
FIXTURE_VARIANT(who_may)
{
	uid_t uid;
	__u64 caps;
	__u64 ns;		/* that are not initial */
	int load_module;
	int unload_module;
	int find_by_id;
	int load_syscall;
	int load_cgroup_skb;
	int load_tracing;
	int load_cgroup;
	int load_tc;
};

/* The module is loaded already, and in use by a program. */
#define MAY_LOAD_MODULES .load_module = -EEXIST, .unload_module = -EAGAIN
#define NO_MODULES .load_module = -EPERM, .unload_module = -EPERM

#define LOADS(ERR)							\
	.load_syscall = (ERR), .load_cgroup_skb = (ERR),			\
	.load_tracing = (ERR), .load_cgroup = (ERR), .load_tc = (ERR)

FIXTURE_VARIANT_ADD(who_may, root)
{
	.caps = ALL_CAPS,
	MAY_LOAD_MODULES,
};

FIXTURE_VARIANT_ADD(who_may, nobody)
{
	.uid = NOBODY,
	NO_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

FIXTURE_VARIANT_ADD(who_may, root_without_capabilities)
{
	NO_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

FIXTURE_VARIANT_ADD(who_may, cap_bpf)
{
	.uid = NOBODY,
	.caps = CAP(BPF),
	NO_MODULES,
	.find_by_id = -EPERM,
	.load_tracing = -EPERM,
	.load_cgroup = -EPERM,
	.load_tc = -EPERM,
};

FIXTURE_VARIANT_ADD(who_may, cap_bpf_and_perfmon)
{
	.uid = NOBODY,
	.caps = CAP(BPF) | CAP(PERFMON),
	NO_MODULES,
	.find_by_id = -EPERM,
	.load_cgroup = -EPERM,
	.load_tc = -EPERM,
};

FIXTURE_VARIANT_ADD(who_may, cap_bpf_and_net_admin)
{
	.uid = NOBODY,
	.caps = CAP(BPF) | CAP(NET_ADMIN),
	NO_MODULES,
	.find_by_id = -EPERM,
	.load_tracing = -EPERM,
};

FIXTURE_VARIANT_ADD(who_may, cap_perfmon_and_net_admin)
{
	.uid = NOBODY,
	.caps = CAP(PERFMON) | CAP(NET_ADMIN),
	NO_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

/* Stands for CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN in bpf(2). */
FIXTURE_VARIANT_ADD(who_may, cap_sys_admin)
{
	.uid = NOBODY,
	.caps = CAP(SYS_ADMIN),
	NO_MODULES,
};

FIXTURE_VARIANT_ADD(who_may, cap_sys_module)
{
	.uid = NOBODY,
	.caps = CAP(SYS_MODULE),
	MAY_LOAD_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

/* All capabilities, but not in the initial user namespace. */
FIXTURE_VARIANT_ADD(who_may, root_in_user_namespace)
{
	.caps = ALL_CAPS,
	.ns = CLONE_NEWUSER,
	NO_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

FIXTURE_VARIANT_ADD(who_may, root_in_container)
{
	.caps = ALL_CAPS,
	.ns = ALL_NS,
	NO_MODULES,
	.find_by_id = -EPERM,
	LOADS(-EPERM),
};

/* Here the module refuses the load. */
FIXTURE_VARIANT_ADD(who_may, root_in_privileged_container)
{
	.caps = ALL_CAPS,
	.ns = ROOT_CONTAINER,
	MAY_LOAD_MODULES,
	LOADS(-EACCES),
};

FIXTURE_VARIANT_ADD(who_may, agent_in_container)
{
	.uid = NOBODY,
	.caps = CAP(BPF) | CAP(PERFMON),
	.ns = ROOT_CONTAINER,
	NO_MODULES,
	.find_by_id = -EPERM,
	.load_syscall = -EACCES,
	.load_cgroup_skb = -EACCES,
	.load_tracing = -EACCES,
	.load_cgroup = -EPERM,
	.load_tc = -EPERM,
};

FIXTURE_SETUP(who_may)
{
	self->task.sock = -1;
	self->handed = -1;
	self->kfunc.btf_fd = -1;
	self->skb_kfunc.btf_fd = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	ASSERT_EQ(0, kfunc_find(&self->skb_kfunc, MODULE, SKB_KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
	self->handed = raw_load_type(self->prog, BPF_PROG_TYPE_RAW_TRACEPOINT, 0);
	ASSERT_LE(0, self->handed) {
		TH_LOG("%s", self->prog->log);
	}

	self->user = ns_alloc(sizeof(*self->user));
	ASSERT_NE(NULL, self->user);
	*self->user = (struct user){ variant->uid, variant->caps };
	ASSERT_EQ(0, ns_start(&self->task, NULL, variant->ns));
	ASSERT_EQ(0, ns_call(&self->task, do_become, self->user));
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(who_may)
{
	ns_stop(&self->task);
	kfunc_close(&self->kfunc);
	kfunc_close(&self->skb_kfunc);
	close(self->handed);
	close(self->klog);
}

static int do_load_module(void *unused)
{
	return module_load_fd(ns_received_fd, NULL);
}

TEST_F(who_may, load_module)
{
	int fd;

	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	fd = module_open(MODULE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(variant->load_module,
		  ns_call_fd(&self->task, fd, do_load_module, NULL));
	close(fd);
}

static int do_unload_module(void *unused)
{
	return module_unload_now(MODULE);
}

TEST_F(who_may, unload_module)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	EXPECT_EQ(variant->unload_module,
		  ns_call(&self->task, do_unload_module, NULL));
	EXPECT_TRUE(module_is_loaded(MODULE));
}

static int do_open(void *arg)
{
	const char *path = arg;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd_drop(fd < 0 ? -errno : fd);
}

/* Nobody may write: the parameter is read-only. */
TEST_F(who_may, change_loader_ns)
{
	EXPECT_EQ(-EACCES, ns_call(&self->task, do_open,
				   "/sys/module/" MODULE "/parameters/loader_ns"));
}

static int do_read_btf(void *unused)
{
	int fd = open("/sys/kernel/btf/" MODULE, O_RDONLY | O_CLOEXEC);
	__u16 magic;

	if (fd < 0)
		return -errno;
	if (read(fd, &magic, sizeof(magic)) != sizeof(magic))
		return -errno;
	close(fd);
	return magic == BTF_MAGIC ? 0 : -EBADMSG;
}

/* Everybody may read: the file of the module has the same data. */
TEST_F(who_may, read_btf_file)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	EXPECT_EQ(0, ns_call(&self->task, do_read_btf, NULL));
}

static int do_find_btf(void *unused)
{
	__u32 id = 0, next;

	if (bpf_btf_get_next_id(id, &next))
		return -errno;
	return fd_drop(btf_open(MODULE, &id));
}

/* Like libbpf, which looks up a kfunc of a module. */
TEST_F(who_may, find_btf_by_id)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	EXPECT_EQ(variant->find_by_id,
		  ns_call(&self->task, do_find_btf, NULL));
}

static int do_find_prog(void *id)
{
	return fd_drop(bpf_prog_get_fd_by_id((uintptr_t)id));
}

TEST_F(who_may, find_program_of_others_by_id)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	ASSERT_EQ(0, bpf_prog_get_info_by_fd(self->handed, &info, &len));
	EXPECT_EQ(variant->find_by_id, ns_call(&self->task, do_find_prog,
					       (void *)(uintptr_t)info.id));
}

/* Loads with a file descriptor of the BTF from root. */
static int do_load_syscall(void *prog)
{
	return fd_drop(raw_load_type(prog, BPF_PROG_TYPE_SYSCALL, 0));
}

static int do_load_tracing(void *prog)
{
	return fd_drop(raw_load_type(prog, BPF_PROG_TYPE_RAW_TRACEPOINT, 0));
}

static int do_load_cgroup(void *prog)
{
	return fd_drop(raw_load_type(prog, BPF_PROG_TYPE_CGROUP_DEVICE, 0));
}

static int load_packet(struct raw_prog *prog, enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_REG(BPF_REG_2, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -24),
		BPF_CALL_KFUNC(prog->kfunc->id),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	prog->type = type;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return fd_drop(raw_load(prog));
}

static int do_load_cgroup_skb(void *prog)
{
	return load_packet(prog, BPF_PROG_TYPE_CGROUP_SKB);
}

static int do_load_tc(void *prog)
{
	return load_packet(prog, BPF_PROG_TYPE_SCHED_CLS);
}

static void expect_load(struct __test_metadata *_metadata,
			FIXTURE_DATA(who_may) * self, int want,
			int (*do_load)(void *prog))
{
	EXPECT_EQ(want, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	/* If bpf(2) itself fails, the module is not called. */
	if (want != -EACCES)
		EXPECT_FALSE(klog_find(self->klog, REFUSED, NULL, 0));
}

TEST_F(who_may, load_syscall_program)
{
	expect_load(_metadata, self, variant->load_syscall, do_load_syscall);
}

TEST_F(who_may, load_tracing_program)
{
	expect_load(_metadata, self, variant->load_tracing, do_load_tracing);
}

TEST_F(who_may, load_cgroup_program)
{
	expect_load(_metadata, self, variant->load_cgroup, do_load_cgroup);
}

TEST_F(who_may, load_cgroup_skb)
{
	self->prog->kfunc = &self->skb_kfunc;
	expect_load(_metadata, self, variant->load_cgroup_skb, do_load_cgroup_skb);
}

TEST_F(who_may, load_tc_program)
{
	self->prog->kfunc = &self->skb_kfunc;
	expect_load(_metadata, self, variant->load_tc, do_load_tc);
}

static int do_attach(void *unused)
{
	return fd_drop(bpf_raw_tracepoint_open("sys_enter", ns_received_fd));
}

/* Everybody with the file descriptor may attach the program. */
TEST_F(who_may, attach_program_that_was_handed_on)
{
	EXPECT_EQ(0, ns_call_fd(&self->task, self->handed, do_attach, NULL));
}

static int do_run(void *unused)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(ns_received_fd, &opts);
}

TEST_F(who_may, run_program_that_was_handed_on)
{
	EXPECT_EQ(0, ns_call_fd(&self->task, self->handed, do_run, NULL));
}

/* With a setting that permits everybody to load socket filters. */
FIXTURE(unprivileged_bpf)
{
	struct ns_task task;
	struct user *user;
	struct kfunc kfunc;
	struct raw_prog *prog;
	char before[16];
	int klog;
};

FIXTURE_SETUP(unprivileged_bpf)
{
	FILE *file = fopen(UNPRIVILEGED, "r");

	self->task.sock = -1;
	self->kfunc.btf_fd = -1;
	self->klog = -1;
	if (!file || !fgets(self->before, sizeof(self->before), file))
		SKIP(return, "no " UNPRIVILEGED);
	fclose(file);
	if (write_file(UNPRIVILEGED, "0")) {
		*self->before = 0;
		SKIP(return, "locked until the next boot: " UNPRIVILEGED);
	}
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, SKB_KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	self->user = ns_alloc(sizeof(*self->user));
	ASSERT_NE(NULL, self->prog);
	ASSERT_NE(NULL, self->user);
	self->prog->kfunc = &self->kfunc;
	*self->user = (struct user){ NOBODY, 0 };
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, do_become, self->user));
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(unprivileged_bpf)
{
	ns_stop(&self->task);
	kfunc_close(&self->kfunc);
	if (self->klog >= 0)
		close(self->klog);
	if (*self->before)
		EXPECT_EQ(0, write_file(UNPRIVILEGED, self->before));
}

static int do_load_plain_filter(void *arg)
{
	static const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct raw_prog *prog = arg;

	prog->type = BPF_PROG_TYPE_SOCKET_FILTER;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return fd_drop(raw_load(prog));
}

TEST_F(unprivileged_bpf, is_no_way_to_a_kfunc)
{
	EXPECT_EQ(0, ns_call(&self->task, do_load_plain_filter, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_EQ(-EPERM, ns_call(&self->task, do_load_cgroup_skb,
				  self->prog));
	EXPECT_NE(NULL, strstr(self->prog->log, "CAP_BPF")) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_FALSE(klog_find(self->klog, REFUSED, NULL, 0));
}

/* The message of a refusal, and its parts that a refused task controls. */
FIXTURE(refusal)
{
	struct ns_task task;
	struct kfunc kfunc;
	struct raw_prog *prog;
	char *name;		/* of the task or of the program */
	int klog;
};

FIXTURE_SETUP(refusal)
{
	self->task.sock = -1;
	self->kfunc.btf_fd = -1;
	/* A new module has logged nothing, so the rate limit does not apply. */
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	ASSERT_EQ(0, module_reload(MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
	self->prog = ns_alloc(sizeof(*self->prog));
	ASSERT_NE(NULL, self->prog);
	self->prog->kfunc = &self->kfunc;
	self->name = ns_alloc(16);
	ASSERT_NE(NULL, self->name);
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(refusal)
{
	ns_stop(&self->task);
	kfunc_close(&self->kfunc);
	close(self->klog);
}

static int do_set_comm(void *name)
{
	return prctl(PR_SET_NAME, name) ? -errno : 0;
}

/* /dev/kmsg escapes characters that are not printable, and backslashes. */
static void unescape(char *text)
{
	char *to = text;
	int byte, len;

	while (*text) {
		if (sscanf(text, "\\x%2x%n", &byte, &len) == 1 && len == 4) {
			*to++ = byte;
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = 0;
}

/* Returns the log line about a load by a task with the name @comm. */
static void refuse_as(struct __test_metadata *_metadata,
		      FIXTURE_DATA(refusal) * self, const char *comm,
		      char *line, size_t size)
{
	strncpy(self->name, comm, 15);
	ASSERT_EQ(0, ns_call(&self->task, do_set_comm, self->name));
	ASSERT_EQ(-EACCES, ns_call(&self->task, do_load_syscall, self->prog));
	ASSERT_TRUE(klog_find(self->klog, REFUSED, line, size));
	unescape(line);
}

/* Expects the line for the default name of the program, "raw". */
static void expect_line(struct __test_metadata *_metadata,
			FIXTURE_DATA(refusal) * self, const char *comm,
			const char *printed)
{
	char line[512] = "", want[512];

	refuse_as(_metadata, self, comm, line, sizeof(line));
	snprintf(want, sizeof(want),
		 "%s: prog raw: load by %s[%d] refused, not in the initial pid namespace: " ADVICE,
		 MODULE, printed, self->task.pid, ONLY_THOSE);
	EXPECT_STREQ(want, line);
	/* The message is a single line. */
	EXPECT_FALSE(klog_find(self->klog, MODULE, line, sizeof(line)));
}

TEST_F(refusal, escapes_a_terminal_sequence)
{
	expect_line(_metadata, self, "\033[2J\033]0;x\007",
		    "\\x1b[2J\\x1b]0;x\\x07");
}

TEST_F(refusal, escapes_line_breaks)
{
	expect_line(_metadata, self, "a\n<0>b\r\tc", "a\\n<0>b\\r\\tc");
}

TEST_F(refusal, escapes_what_is_not_ascii)
{
	expect_line(_metadata, self, "\xc3\xa4\x9b\x7f\xff",
		    "\\xc3\\xa4\\x9b\\x7f\\xff");
}

TEST_F(refusal, does_not_take_a_name_for_a_format)
{
	expect_line(_metadata, self, "%s%n%p{}{0}", "%s%n%p{}{0}");
}

TEST_F(refusal, of_a_task_without_a_name)
{
	expect_line(_metadata, self, "", "");
}

/* Each byte that a name can have. */
TEST_F(refusal, prints_nothing_but_ascii)
{
	char line[512];

	/* The length of a name. */
	for (int first = 1; first < 256; first += 15) {
		char comm[16] = "";

		for (int i = 0; i < 15 && first + i < 256; i++)
			comm[i] = first + i;
		if (first > 1 && (first - 1) / 15 % 9 == 0) {
			kfunc_close(&self->kfunc);
			ASSERT_EQ(0, module_reload(MODULE, NULL));
			ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));
			/* The task keeps the old BTF, so start another task. */
			ns_stop(&self->task);
			ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
		}
		refuse_as(_metadata, self, comm, line, sizeof(line));
		for (const char *c = line; *c; c++) {
			EXPECT_TRUE(*c >= 0x20 && *c <= 0x7e) {
				TH_LOG("byte %#hhx of '%s'", *c, line);
			}
		}
	}
}

/* isalnum() of the kernel accepts Latin-1, so names of programs may have it. */
TEST_F(refusal, escapes_the_name_of_the_program)
{
	char line[512] = "", want[512];

	self->prog->name = "caf\xe9.\xc0_1";
	refuse_as(_metadata, self, "loader", line, sizeof(line));
	snprintf(want, sizeof(want),
		 "%s: prog caf\\xe9.\\xc0_1: load by loader[%d] refused, not in the initial pid namespace: " ADVICE,
		 MODULE, self->task.pid, ONLY_THOSE);
	EXPECT_STREQ(want, line);
}

/* The kernel rejects other names before. */
TEST_F(refusal, of_names_that_bpf_does_not_take)
{
	int refused = 0;

	self->prog->name = self->name;
	for (int c = 1; c < 0xc0; c++) {
		if (isalnum(c) || c == '_' || c == '.')
			continue;
		snprintf(self->name, 16, "a%cb", c);
		EXPECT_EQ(-EINVAL, ns_call(&self->task, do_load_syscall,
					   self->prog)) {
			TH_LOG("%#x", c);
		}
		refused++;
	}
	EXPECT_LT(100, refused);
	EXPECT_FALSE(klog_find(self->klog, MODULE, NULL, 0));
}

/* A thread that loads a program, in the initial pid namespace. */
struct thread {
	struct raw_prog *prog;
	pid_t tid;
	int err;
};

static void *load_in_thread(void *arg)
{
	struct thread *thread = arg;

	prctl(PR_SET_NAME, "not_the_leader");
	thread->tid = gettid();
	thread->err = do_load_syscall(thread->prog);
	return NULL;
}

static int do_load_in_thread(void *arg)
{
	struct thread *thread = arg;
	pthread_t id;
	int err;

	prctl(PR_SET_NAME, "the_leader");
	err = pthread_create(&id, NULL, load_in_thread, thread) ?:
	      pthread_join(id, NULL);
	return err ? -err : thread->err;
}

TEST_F(refusal, names_the_thread)
{
	struct thread *thread = ns_alloc(sizeof(*thread));
	char line[512] = "", want[512];

	ASSERT_NE(NULL, thread);
	thread->prog = self->prog;
	ns_stop(&self->task);
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	EXPECT_EQ(-EACCES, ns_call(&self->task, do_load_in_thread, thread));
	ASSERT_NE(self->task.pid, thread->tid);
	snprintf(want, sizeof(want),
		 "%s: prog raw: load by not_the_leader[%d] refused, not in the initial uts namespace",
		 MODULE, thread->tid);
	EXPECT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
	EXPECT_EQ(0, strncmp(want, line, strlen(want))) {
		TH_LOG("%s", line);
	}
}

/* libbpf loads a rejected program again to get the verifier's log. */
static int do_load_by_libbpf(void *unused)
{
	struct bpf_object *obj;
	char path[1200];
	int err;

	snprintf(path, sizeof(path), "%s/syscall.bpf.o", test_dir());
	libbpf_set_print(NULL);
	obj = bpf_object__open_file(path, NULL);
	if (!obj)
		return -errno;
	err = bpf_object__load(obj);
	bpf_object__close(obj);
	return err;
}

TEST_F(refusal, has_two_lines_with_libbpf)
{
	char lines[2][512] = {}, want[512];

	ASSERT_EQ(-EACCES, ns_call(&self->task, do_load_by_libbpf, NULL));
	snprintf(want, sizeof(want),
		 "%s: prog on_syscall: load by %.15s[%d] refused, not in the initial pid namespace",
		 MODULE, program_invocation_short_name, self->task.pid);
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(klog_find(self->klog, MODULE, lines[i],
				      sizeof(lines[i])));
		EXPECT_EQ(0, strncmp(want, lines[i], strlen(want))) {
			TH_LOG("%s", lines[i]);
		}
	}
	EXPECT_FALSE(klog_find(self->klog, MODULE, NULL, 0));
}

/* Neither the kernel log nor the verifier's log has an address. */
static bool has_address(const char *text)
{
	const char *digits = "0123456789abcdefABCDEF";

	for (; *text; text++) {
		size_t len = strspn(text, digits);

		/* The length of a kernel pointer, or its prefix. */
		if (len >= 12 || !strncmp(text, "0xffff", 6))
			return true;
		if (len)
			text += len - 1;
	}
	return false;
}

TEST_F(refusal, tells_no_kernel_address)
{
	char line[512] = "";

	/* The check works. */
	EXPECT_TRUE(has_address("at ffffffffc0008000"));
	EXPECT_TRUE(has_address("at 0xffffc000"));
	refuse_as(_metadata, self, "loader", line, sizeof(line));
	EXPECT_FALSE(has_address(line)) {
		TH_LOG("%s", line);
	}
	EXPECT_LT(0, strlen(self->prog->log));
	EXPECT_FALSE(has_address(self->prog->log)) {
		TH_LOG("%s", self->prog->log);
	}
}

/* Loads many times, with a different name each time. */
#define LOADS_EACH 100

static int do_load_often(void *arg)
{
	struct raw_prog *prog = arg;
	static char name[16];

	prog->name = name;
	for (int i = 0; i < LOADS_EACH; i++) {
		int err;

		snprintf(name, sizeof(name), "p%d_%d", getpid(), i);
		err = do_load_syscall(prog);
		if (err != -EACCES)
			return err ?: -EBADE;
	}
	return 0;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Each refusal has a line, or counts in a number of suppressed lines. */
TEST_F(refusal, says_how_many_were_suppressed)
{
	char line[512], *number;
	int lines = 0, suppressed = 0;

	ASSERT_EQ(0, ns_call(&self->task, do_load_often, self->prog));
	/* The next interval of 5 s begins with the number. */
	sleep(6);
	self->prog->name = NULL;
	ASSERT_EQ(-EACCES, ns_call(&self->task, do_load_syscall, self->prog));
	while (klog_find(self->klog, MODULE, line, sizeof(line))) {
		if (strstr(line, REFUSED)) {
			lines++;
			continue;
		}
		number = strstr(line, "::loader: ");
		ASSERT_NE(NULL, number) {
			TH_LOG("%s", line);
		}
		EXPECT_NE(NULL, strstr(line, " callbacks suppressed"));
		suppressed += atoi(number + strlen("::loader: "));
	}
	EXPECT_LT(0, suppressed);
	EXPECT_EQ(LOADS_EACH + 1, lines + suppressed);
}

/* From several containers at once. */
TEST_F(refusal, cannot_flood_the_log)
{
	struct ns_task tasks[4];
	struct raw_prog *progs = ns_alloc(sizeof(*progs) * ARRAY_SIZE(tasks));
	time_t start = now();
	int lines = 0, limit;

	ASSERT_NE(NULL, progs);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		progs[i].kfunc = &self->kfunc;
		ASSERT_EQ(0, ns_start(&tasks[i], NULL, CLONE_NEWPID));
	}
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		ASSERT_EQ(0, ns_call_begin(&tasks[i], -1, do_load_often,
					   &progs[i]));
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		EXPECT_EQ(0, ns_call_end(&tasks[i]));
		ns_stop(&tasks[i]);
	}
	while (klog_find(self->klog, MODULE, NULL, 0))
		lines++;
	/*
	 * Ten lines in each interval of 5 s, and one with the number of
	 * suppressed lines.
	 */
	limit = 11 * ((now() - start) / 5 + 2) + ARRAY_SIZE(tasks);
	EXPECT_LE(10, lines);
	EXPECT_GE(limit, lines);
}

/*
 * Only the first kfunc_find() is slow. Call it before the harness forks for
 * each test.
 */
static void __attribute__((constructor)) find_once(void)
{
	struct kfunc kfunc;

	if (!module_load(MODULE, NULL) && !kfunc_find(&kfunc, MODULE, KFUNC))
		kfunc_close(&kfunc);
}

TEST_HARNESS_MAIN
