// SPDX-License-Identifier: GPL-2.0
/*
 * The loader policy: a task may load programs with the kfuncs if it is in the
 * initial namespaces at that moment. Other programs, modules and tasks are not
 * affected.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#include "raw_tp.skel.h"
#include "syscall.lskel.h"
#include "worker_load.skel.h"

#define NOT_ALLOWED "calling kernel function " KFUNC " is not allowed"

#define REFUSED "] refused, "

/* libbpf omits the name if it has no permission to probe for that feature. */
#define NO_NAME "(no name)"

#define ROOT_CONTAINER (ALL_NS & ~CLONE_NEWUSER)

/*
 * The advice about the kfuncs for loaders in any pid namespace: all of them if the
 * kernel records the origin of programs.
 */
#define ONLY_THOSE							\
	(origin_is_recorded() ? "" :					\
				" call only kfuncs that take a pid namespace,")

FIXTURE(loader)
{
	struct kfunc kfunc;
	struct kfunc sample;
	struct raw_prog *prog;
	struct ns_task task;
	struct ns_task other;
	int klog;
};

/* A new module has logged nothing, so the rate limit does not apply. */
#define setup_loader(PARAMS)						\
	do {								\
		kfunc_close(&self->kfunc);				\
		ASSERT_EQ(0, module_reload(MODULE, PARAMS));		\
		ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE, KFUNC));	\
	} while (0)

#define setup_common()							\
	do {								\
		self->task.sock = -1;					\
		self->other.sock = -1;					\
		self->kfunc.btf_fd = -1;				\
		self->sample.btf_fd = -1;				\
		self->prog = ns_alloc(sizeof(*self->prog));		\
		ASSERT_NE(NULL, self->prog);				\
		self->prog->kfunc = &self->kfunc;			\
		self->klog = klog_open();				\
		ASSERT_LE(0, self->klog);				\
	} while (0)

#define teardown_common()						\
	do {								\
		ns_stop(&self->other);					\
		ns_stop(&self->task);					\
		kfunc_close(&self->kfunc);				\
		kfunc_close(&self->sample);				\
		close(self->klog);					\
	} while (0)

FIXTURE_SETUP(loader)
{
	setup_common();
	setup_loader(NULL);
}

FIXTURE_TEARDOWN(loader)
{
	teardown_common();
	/* Removes the parameters of a test. */
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

/* Loads a program, and closes it. */
static int do_load(void *prog)
{
	return fd_drop(raw_load_type(prog, BPF_PROG_TYPE_SYSCALL, 0));
}

static int do_load_type(void *arg)
{
	struct raw_prog *prog = arg;

	return fd_drop(raw_load_type(prog, prog->type, prog->attach_type));
}

static int do_load_with_token(void *prog)
{
	((struct raw_prog *)prog)->token_fd = ns_received_fd;
	return do_load(prog);
}

/* Expects a refusal of @pid in the log, with the reason and @advice. */
static void expect_advice(struct __test_metadata *_metadata, int klog,
			  const char *prog, pid_t pid, const char *namespaces,
			  const char *advice)
{
	char line[512] = "", want[512];
	int len;

	len = snprintf(want, sizeof(want),
		       "%s: prog %s: load by %.15s[%d] refused, not in the initial %s: load it from there%s",
		       MODULE, prog, program_invocation_short_name, pid,
		       namespaces, advice ?: "");
	EXPECT_TRUE(klog_find(klog, REFUSED, line, sizeof(line)));
	if (!advice)
		line[len] = '\0';
	EXPECT_STREQ(want, line);
	/* The refusal is logged once. */
	EXPECT_FALSE(klog_find(klog, REFUSED, line, sizeof(line)));
}

/* With any advice. */
static void expect_reason(struct __test_metadata *_metadata, int klog,
			  const char *prog, pid_t pid, const char *namespaces)
{
	expect_advice(_metadata, klog, prog, pid, namespaces, NULL);
}

static void expect_refused(struct __test_metadata *_metadata,
			   struct raw_prog *prog, int klog,
			   const struct ns_task *task, const char *namespaces)
{
	EXPECT_EQ(-EACCES, ns_call(task, do_load, prog));
	EXPECT_NE(NULL, strstr(prog->log, NOT_ALLOWED)) {
		TH_LOG("%s", prog->log);
	}
	expect_reason(_metadata, klog, "raw", task->pid, namespaces);
}

TEST_F(loader, in_the_initial_namespaces)
{
	char line[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog));
	EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
}

/* One namespace at a time. */
FIXTURE(one_namespace)
{
	struct kfunc kfunc;
	struct kfunc sample;
	struct raw_prog *prog;
	struct ns_task task;
	struct ns_task other;
	int klog;
};

FIXTURE_VARIANT(one_namespace)
{
	__u64 flag;
	const char *name;
	const char *others;	/* the other namespaces of a container */
};

FIXTURE_VARIANT_ADD(one_namespace, cgroup)
{
	.flag = CLONE_NEWCGROUP,
	.name = "cgroup namespace",
	.others = "ipc, mnt, net, pid, time, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, ipc)
{
	.flag = CLONE_NEWIPC,
	.name = "ipc namespace",
	.others = "cgroup, mnt, net, pid, time, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, mnt)
{
	.flag = CLONE_NEWNS,
	.name = "mnt namespace",
	.others = "cgroup, ipc, net, pid, time, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, net)
{
	.flag = CLONE_NEWNET,
	.name = "net namespace",
	.others = "cgroup, ipc, mnt, pid, time, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, pid)
{
	.flag = CLONE_NEWPID,
	.name = "pid namespace",
	.others = "cgroup, ipc, mnt, net, time, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, time)
{
	.flag = CLONE_NEWTIME,
	.name = "time namespace",
	.others = "cgroup, ipc, mnt, net, pid, uts namespaces",
};

FIXTURE_VARIANT_ADD(one_namespace, uts)
{
	.flag = CLONE_NEWUTS,
	.name = "uts namespace",
	.others = "cgroup, ipc, mnt, net, pid, time namespaces",
};

FIXTURE_SETUP(one_namespace)
{
	setup_common();
}

FIXTURE_TEARDOWN(one_namespace)
{
	teardown_common();
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

TEST_F(one_namespace, refused)
{
	setup_loader(NULL);
	ASSERT_EQ(0, ns_start(&self->task, NULL, variant->flag));
	expect_refused(_metadata, self->prog, self->klog, &self->task,
		       variant->name);
}

/* loader_ns without this type, so only the other types must be initial. */
TEST_F(one_namespace, relaxed)
{
	bool is_enough = variant->flag != CLONE_NEWPID || origin_is_recorded();
	char params[64] = "loader_ns=";

	ns_names(ALL_NS & ~variant->flag, params + strlen(params),
		 sizeof(params) - strlen(params));
	setup_loader(params);
	ASSERT_EQ(0, ns_start(&self->task, NULL, variant->flag));
	if (!is_enough)
		expect_refused(_metadata, self->prog, self->klog, &self->task,
			       variant->name);
	else
		EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
			TH_LOG("%s", self->prog->log);
		}
	ASSERT_EQ(0, ns_start(&self->other, NULL, ROOT_CONTAINER));
	/* KFUNC needs the initial pid namespace with any loader_ns. */
	expect_refused(_metadata, self->prog, self->klog, &self->other,
		       is_enough ? variant->others :
				   "cgroup, ipc, mnt, net, pid, time, uts namespaces");
}

/* Every kfunc, in a program of a type that may call it. */
FIXTURE(each_kfunc)
{
	struct kfunc kfunc;
	struct kfunc sample;
	struct raw_prog *prog;
	struct ns_task task;
	struct ns_task other;
	int klog;
};

/* R1 is the context, and 24 bytes of the stack are a struct bpf_ns_ident. */
FIXTURE_VARIANT(each_kfunc)
{
	const char *name;
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	bool takes_type;	/* a namespace type, as the argument before */
	struct bpf_insn args[2];
	bool is_relative;	/* to a pid namespace that the program names */
};

FIXTURE_VARIANT_ADD(each_kfunc, current_pidns_ident)
{
	.name = "bpf_get_current_pidns_ident",
	.type = BPF_PROG_TYPE_SYSCALL,
	.args = {
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, current_ns_ident)
{
	.name = "bpf_get_current_ns_ident",
	.type = BPF_PROG_TYPE_SYSCALL,
	.args = { BPF_MOV64_IMM(BPF_REG_1, CLONE_NEWNET), BPF_JMP_A(0) },
};

FIXTURE_VARIANT_ADD(each_kfunc, current_pid_tgid_in)
{
	.name = "bpf_get_current_pid_tgid_in",
	.type = BPF_PROG_TYPE_SYSCALL,
	.is_relative = true,
	.args = {
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, current_pid_tgid_own)
{
	.name = "bpf_get_current_pid_tgid_own",
	.type = BPF_PROG_TYPE_SYSCALL,
	.args = { BPF_JMP_A(0), BPF_JMP_A(0) },
};

FIXTURE_VARIANT_ADD(each_kfunc, task_pidns_ident)
{
	.name = "bpf_task_pidns_ident",
	.type = BPF_PROG_TYPE_SYSCALL,
	.args = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, task_ns_ident)
{
	.name = "bpf_task_ns_ident",
	.type = BPF_PROG_TYPE_SYSCALL,
	.takes_type = true,
	.args = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, task_pid_tgid_in)
{
	.name = "bpf_task_pid_tgid_in",
	.type = BPF_PROG_TYPE_SYSCALL,
	.is_relative = true,
	.args = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, sk_netns_ident)
{
	.name = "bpf_sk_netns_ident",
	.type = BPF_PROG_TYPE_SCHED_CLS,
	.args = {
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1,
			    offsetof(struct __sk_buff, sk)),
		BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 0, 4),
	},
};

FIXTURE_VARIANT_ADD(each_kfunc, skb_netns_ident)
{
	.name = "bpf_skb_netns_ident",
	.type = BPF_PROG_TYPE_SCHED_CLS,
	.args = { BPF_JMP_A(0), BPF_JMP_A(0) },
};

FIXTURE_VARIANT_ADD(each_kfunc, xdp_netns_ident)
{
	.name = "bpf_xdp_netns_ident",
	.type = BPF_PROG_TYPE_XDP,
	.attach_type = BPF_XDP,
	.args = { BPF_JMP_A(0), BPF_JMP_A(0) },
};

FIXTURE_VARIANT_ADD(each_kfunc, nf_netns_ident)
{
	.name = "bpf_nf_netns_ident",
	.type = BPF_PROG_TYPE_NETFILTER,
	.attach_type = BPF_NETFILTER,
	.args = { BPF_JMP_A(0), BPF_JMP_A(0) },
};

FIXTURE_SETUP(each_kfunc)
{
	setup_common();
	setup_loader(NULL);
}

FIXTURE_TEARDOWN(each_kfunc)
{
	teardown_common();
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

static int do_load_as_it_is(void *prog)
{
	return fd_drop(raw_load(prog));
}

/* Builds the program. */
#define setup_kfunc()							\
	do {								\
		int type_reg = variant->takes_type ? BPF_REG_2 : BPF_REG_3; \
		int ident_reg = variant->takes_type ? BPF_REG_3 : BPF_REG_2; \
		struct bpf_insn *insns = ns_alloc(11 * sizeof(*insns));	\
									\
		if (libbpf_probe_bpf_prog_type(variant->type, NULL) != 1) \
			SKIP(return, "this kernel has no such programs"); \
		ASSERT_NE(NULL, insns);					\
		kfunc_close(&self->kfunc);				\
		ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE,		\
					variant->name));		\
		insns[0] = BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0);	\
		insns[1] = BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0);	\
		insns[2] = BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0);	\
		insns[3] = variant->args[0];				\
		insns[4] = variant->args[1];				\
		insns[5] = BPF_MOV64_IMM(type_reg, CLONE_NEWNET);	\
		insns[6] = BPF_MOV64_REG(ident_reg, BPF_REG_10);	\
		insns[7] = BPF_ALU64_IMM(BPF_ADD, ident_reg, -24);	\
		insns[8] = BPF_CALL_KFUNC(self->kfunc.id);		\
		insns[9] = BPF_MOV64_IMM(BPF_REG_0, 0);			\
		insns[10] = BPF_EXIT_INSN();				\
		self->prog->type = variant->type;			\
		self->prog->attach_type = variant->attach_type;		\
		self->prog->insns = insns;				\
		self->prog->cnt = 11;					\
	} while (0)

#define expect_not_allowed()						\
	do {								\
		char not_allowed[128];					\
									\
		EXPECT_EQ(-EACCES, ns_call(&self->task, do_load_as_it_is, \
					   self->prog));		\
		snprintf(not_allowed, sizeof(not_allowed),		\
			 "calling kernel function %s is not allowed",	\
			 variant->name);				\
		EXPECT_NE(NULL, strstr(self->prog->log, not_allowed)) {	\
			TH_LOG("%s", self->prog->log);			\
		}							\
	} while (0)

TEST_F(each_kfunc, refused)
{
	char advice[128];

	setup_kfunc();
	ASSERT_EQ(0, do_load_as_it_is(self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	expect_not_allowed();
	snprintf(advice, sizeof(advice), ", or%s with loader_ns=user",
		 variant->is_relative ? "" : ONLY_THOSE);
	expect_advice(_metadata, self->klog, "raw", self->task.pid,
		      "cgroup, ipc, mnt, net, pid, time, uts namespaces",
		      advice);
}

/*
 * loader_ns without pid: only the relative kfuncs are allowed, unless the kernel
 * records the origin of programs.
 */
TEST_F(each_kfunc, in_a_nested_pid_namespace)
{
	char line[512];

	setup_loader("loader_ns=user");
	setup_kfunc();
	ASSERT_EQ(0, ns_start(&self->other, NULL, 0));
	EXPECT_EQ(0, ns_call(&self->other, do_load_as_it_is, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	if (variant->is_relative || origin_is_recorded()) {
		EXPECT_EQ(0, ns_call(&self->task, do_load_as_it_is,
				     self->prog)) {
			TH_LOG("%s", self->prog->log);
		}
		EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
	} else {
		expect_not_allowed();
		expect_advice(_metadata, self->klog, "raw", self->task.pid,
			      "pid namespace",
			      ", or call only kfuncs that take a pid namespace, with loader_ns=user");
	}
}

/* Only the types that are always required. */
TEST_F(loader, relaxed_as_much_as_possible)
{
	setup_loader("loader_ns=user");
	ASSERT_EQ(0, ns_start(&self->task, NULL,
			      ROOT_CONTAINER & ~CLONE_NEWPID));
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	ASSERT_EQ(0, ns_start(&self->other, NULL, ROOT_CONTAINER));
	if (!origin_is_recorded())
		expect_refused(_metadata, self->prog, self->klog, &self->other,
			       "pid namespace");
	else
		EXPECT_EQ(0, ns_call(&self->other, do_load, self->prog)) {
			TH_LOG("%s", self->prog->log);
		}
}

static int do_capget(void *unused)
{
	char line[128];
	unsigned long long caps = 0;
	FILE *status = fopen("/proc/thread-self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		sscanf(line, "CapEff: %llx", &caps);
	if (status)
		fclose(status);
	/* CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF. */
	return (caps >> 21 & 1) + (caps >> 38 & 1) + (caps >> 39 & 1);
}

TEST_F(loader, root_in_a_container_with_all_capabilities)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	/* Also in the initial user namespace. */
	ASSERT_EQ(3, ns_call(&self->task, do_capget, NULL));
	expect_refused(_metadata, self->prog, self->klog, &self->task,
		       "cgroup, ipc, mnt, net, pid, time, uts namespaces");
}

/* The log has the reason of the program type, which is checked first. */
TEST_F(loader, of_a_type_that_the_kfunc_is_not_for)
{
	static const struct {
		enum bpf_prog_type type;
		enum bpf_attach_type attach_type;
		const char *name;
	} types[] = {
		{ BPF_PROG_TYPE_SCHED_CLS, 0, "SCHED_CLS" },
		{ BPF_PROG_TYPE_XDP, BPF_XDP, "XDP" },
		{ BPF_PROG_TYPE_XDP, BPF_XDP_CPUMAP, "XDP, not for a device" },
	};
	const struct ns_task *const tasks[] = { &self->task, &self->other };
	char line[512], want[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_start(&self->other, NULL, ROOT_CONTAINER));
	for (size_t i = 0; i < ARRAY_SIZE(types) * ARRAY_SIZE(tasks); i++) {
		const struct ns_task *task = tasks[i % 2];

		self->prog->type = types[i / 2].type;
		self->prog->attach_type = types[i / 2].attach_type;
		memset(line, 0, sizeof(line));
		EXPECT_EQ(-EACCES, ns_call(task, do_load_type, self->prog));
		snprintf(want, sizeof(want),
			 "%s: prog raw: load by %.15s[%d] refused, %s() is not for programs of type %s",
			 MODULE, program_invocation_short_name, task->pid, KFUNC,
			 types[i / 2].name);
		EXPECT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
		EXPECT_STREQ(want, line);
	}
	EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
}

/* The namespaces of future children do not matter. */
TEST_F(loader, whose_children_will_be_elsewhere)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call(&self->task, ns_do_unshare,
			     (void *)(CLONE_NEWPID | CLONE_NEWTIME)));
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	ASSERT_EQ(0, ns_start(&self->other, &self->task, 0));
	expect_refused(_metadata, self->prog, self->klog, &self->other,
		       "pid, time namespaces");
}

/* Like nsenter(1). The former namespaces do not matter. */
TEST_F(loader, that_entered_the_initial_namespaces)
{
	int fd = ns_open(getpid(), "uts");

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUTS));
	ASSERT_EQ(0, ns_call_fd(&self->task, fd, ns_do_setns,
				(void *)CLONE_NEWUTS));
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	close(fd);
}

static int take_fd(pid_t pid, int fd)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	int ret = syscall(SYS_pidfd_getfd, pidfd, fd, 0);

	close(pidfd);
	return ret;
}

static int do_fsopen(void *unused)
{
	int fd = syscall(SYS_fsopen, "bpf", 0);

	return fd < 0 ? -errno : fd;
}

static int do_create_token(void *unused)
{
	int root = openat(ns_received_fd, ".", O_RDONLY | O_DIRECTORY);
	int token = root < 0 ? -errno : bpf_token_create(root, NULL);

	if (root >= 0)
		close(root);
	return token;
}

/* Delegates all of bpf(2) to a user namespace, and returns the token. */
static int make_token(const struct ns_task *task)
{
	static const char *const delegate[] = {
		"delegate_cmds", "delegate_maps", "delegate_progs",
		"delegate_attachs",
	};
	int fs, mnt = -1, token = ns_call(task, do_fsopen, NULL);

	if (token < 0)
		return token;
	fs = take_fd(task->pid, token);
	token = -EIO;
	for (size_t i = 0; i < ARRAY_SIZE(delegate); i++)
		if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, delegate[i],
			    "any", 0))
			goto out;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		goto out;
	mnt = syscall(SYS_fsmount, fs, 0, 0);
	if (mnt < 0)
		goto out;
	token = ns_call_fd(task, mnt, do_create_token, NULL);
	if (token >= 0)
		token = take_fd(task->pid, token);
	close(mnt);
out:
	close(fs);
	return token;
}

TEST_F(loader, in_a_user_namespace_with_token)
{
	int token, userns;

	/*
	 * A user namespace can only create a file system in a mount namespace
	 * of its own.
	 */
	ASSERT_EQ(0, ns_start(&self->other, NULL,
			      CLONE_NEWUSER | CLONE_NEWNS));
	token = make_token(&self->other);
	ASSERT_LE(0, token);

	/*
	 * So another task uses the token, with only its user namespace not
	 * initial.
	 */
	userns = ns_open(self->other.pid, "user");
	ASSERT_LE(0, userns);
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_call_fd(&self->task, userns, ns_do_setns,
				(void *)CLONE_NEWUSER));

	EXPECT_EQ(-EACCES, ns_call_fd(&self->task, token, do_load_with_token,
				      self->prog));
	EXPECT_NE(NULL, strstr(self->prog->log, NOT_ALLOWED)) {
		TH_LOG("%s", self->prog->log);
	}
	expect_reason(_metadata, self->klog, NO_NAME, self->task.pid,
		      "user namespace");
	close(userns);
	close(token);
}

TEST_F(loader, in_a_container_with_token)
{
	int token;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	token = make_token(&self->task);
	ASSERT_LE(0, token);
	EXPECT_EQ(-EACCES, ns_call_fd(&self->task, token, do_load_with_token,
				      self->prog));
	expect_reason(_metadata, self->klog, NO_NAME, self->task.pid,
		      "cgroup, ipc, mnt, net, pid, time, user, uts namespaces");
	close(token);
}

/* bpf(2) itself fails, before the module is called. */
TEST_F(loader, in_a_user_namespace_without_token)
{
	char line[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWUSER));
	EXPECT_EQ(-EPERM, ns_call(&self->task, do_load, self->prog));
	EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
}

/* A program from the host reports containers, which is its purpose. */
TEST_F(loader, of_a_program_that_a_container_triggers)
{
	struct bpf_ns_ident want;
	struct probe probe;

	ASSERT_EQ(0, probe_open(&probe, "raw_tp"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	probe_target(&probe, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	EXPECT_EQ(1, probe.report->calls);
	EXPECT_EQ(0, probe.report->err);
	EXPECT_EQ(want.dev, probe.report->ident.dev);
	EXPECT_EQ(want.ino, probe.report->ident.ino);
	EXPECT_EQ(want.id, probe.report->ident.id);
	probe_close(&probe);
}

static int do_attach(void *unused)
{
	int fd = bpf_raw_tracepoint_open("sys_enter", ns_received_fd);

	/* Kept until the task ends. */
	return fd < 0 ? fd : 0;
}

static int do_run(void *unused)
{
	return run_syscall_prog(ns_received_fd, NULL, 0);
}

/* The policy is about loading. The program may be passed to others. */
TEST_F(loader, that_hands_a_program_to_a_container_to_attach)
{
	struct bpf_ns_ident want;
	struct probe probe;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	ASSERT_EQ(0, probe_load(&probe, "raw_tp"));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	ASSERT_EQ(0, ns_call_fd(&self->task, probe.fd, do_attach, NULL));
	probe_target(&probe, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	EXPECT_EQ(1, probe.report->calls);
	EXPECT_EQ(0, probe.report->err);
	EXPECT_EQ(want.id, probe.report->ident.id);
	probe_close(&probe);
}

TEST_F(loader, that_hands_a_program_to_a_container_to_run)
{
	struct bpf_ns_ident want;
	struct probe probe;

	ASSERT_EQ(0, ns_start(&self->task, NULL, ALL_NS));
	ASSERT_EQ(0, probe_load(&probe, "syscall"));
	ASSERT_EQ(0, ns_ident(self->task.pid, "pid", &want));
	probe_target(&probe, self->task.pid);
	ASSERT_EQ(0, ns_call_fd(&self->task, probe.fd, do_run, NULL));
	EXPECT_EQ(1, probe.report->calls);
	EXPECT_EQ(0, probe.report->err);
	EXPECT_EQ(want.id, probe.report->ident.id);
	probe_close(&probe);
}

/* Other ways to load a program. */
static int do_skeleton(void *unused)
{
	struct raw_tp *skel;
	int err;

	libbpf_set_print(NULL);
	skel = raw_tp__open();
	if (!skel)
		return -errno;
	err = raw_tp__load(skel);
	raw_tp__destroy(skel);
	return err;
}

static int do_light_skeleton(void *unused)
{
	struct syscall_light *skel = syscall_light__open();
	int err;

	if (!skel)
		return -ENOMEM;
	err = syscall_light__load(skel);
	syscall_light__destroy(skel);
	return err;
}

static int do_plain_bpf(void *kfunc_id)
{
	struct bpf_insn insns[NR_ASK_INSNS];
	const int fds[] = { 0, ns_received_fd };
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
		.prog_name = "plain",
		.fd_array = (uintptr_t)fds,
	};
	int fd;

	ask_ident(insns, (intptr_t)kfunc_id);
	fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

TEST_F(loader, by_skeleton)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	EXPECT_EQ(0, ns_call(&self->task, do_skeleton, NULL));
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	EXPECT_EQ(-EACCES, ns_call(&self->other, do_skeleton, NULL));
}

TEST_F(loader, by_light_skeleton)
{
	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	EXPECT_EQ(0, ns_call(&self->task, do_light_skeleton, NULL));
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	EXPECT_EQ(-EACCES, ns_call(&self->other, do_light_skeleton, NULL));
	expect_reason(_metadata, self->klog, "on_syscall", self->other.pid,
		      "pid namespace");
}

TEST_F(loader, by_plain_bpf)
{
	void *id = (void *)(intptr_t)self->kfunc.id;

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	EXPECT_EQ(0, ns_call_fd(&self->task, self->kfunc.btf_fd, do_plain_bpf,
				id));
	ASSERT_EQ(0, ns_start(&self->other, NULL, CLONE_NEWPID));
	EXPECT_EQ(-EACCES, ns_call_fd(&self->other, self->kfunc.btf_fd,
				      do_plain_bpf, id));
	expect_reason(_metadata, self->klog, "plain", self->other.pid,
		      "pid namespace");
}

/* A kernel worker loads, in a callback of a program. */
static int have_worker_load(const struct bpf_insn *insns, size_t cnt)
{
	struct worker_load *skel;
	int err, tries = 200;

	libbpf_set_print(NULL);
	skel = worker_load__open_and_load();
	if (!skel)
		return -errno;
	memcpy(skel->bss->insns, insns, cnt * sizeof(*insns));
	skel->bss->insn_cnt = cnt;
	err = run_syscall_prog(bpf_program__fd(skel->progs.have_worker_load),
			       NULL, 0);
	while (!err && !__atomic_load_n(&skel->bss->is_done, __ATOMIC_ACQUIRE)) {
		usleep(100000);
		if (!--tries)
			err = -ETIMEDOUT;
	}
	if (!err)
		err = skel->bss->err;
	worker_load__destroy(skel);
	return err;
}

static int do_have_worker_load(void *kfunc_id)
{
	struct bpf_insn insns[NR_ASK_INSNS];

	ask_ident(insns, (intptr_t)kfunc_id);
	return have_worker_load(insns, ARRAY_SIZE(insns));
}

static int do_have_worker_load_nothing(void *unused)
{
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	return have_worker_load(insns, ARRAY_SIZE(insns));
}

/* A worker is in the initial namespaces, and works for other tasks. */
TEST_F(loader, that_has_a_worker_load)
{
	void *id = (void *)(intptr_t)self->kfunc.id;
	const struct ns_task *const tasks[] = { &self->task, &self->other };
	const char *const reason =
		MODULE ": prog by_worker: load by kworker/";
	char line[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, 0));
	ASSERT_EQ(0, ns_start(&self->other, NULL, ROOT_CONTAINER));
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		/* Otherwise the refusal would prove nothing. */
		ASSERT_EQ(0, ns_call(tasks[i], do_have_worker_load_nothing,
				     NULL));
		EXPECT_EQ(-EACCES, ns_call(tasks[i], do_have_worker_load, id));
		ASSERT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
		EXPECT_EQ(0, strncmp(reason, line, strlen(reason)));
		EXPECT_NE(NULL, strstr(line, "] refused, a kernel thread"));
		EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line))) {
			TH_LOG("%s", line);
		}
	}
}

/* Without a required namespace, a worker may not load either. */
TEST_F(loader, in_a_nested_pid_namespace_that_has_a_worker_load)
{
	char line[512];

	setup_loader("loader_ns=user");
	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	ASSERT_EQ(0, ns_call(&self->task, do_have_worker_load_nothing, NULL));
	EXPECT_EQ(-EACCES, ns_call(&self->task, do_have_worker_load,
				   (void *)(intptr_t)self->kfunc.id));
	ASSERT_TRUE(klog_find(self->klog, REFUSED, line, sizeof(line)));
	EXPECT_NE(NULL, strstr(line, "] refused, a kernel thread"));
}

/* Programs without a kfunc of the module are not affected. */
static int do_load_unrelated(void *arg)
{
	static const struct bpf_insn insns[] = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_pid_tgid),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	static const enum bpf_prog_type types[] = {
		BPF_PROG_TYPE_KPROBE, BPF_PROG_TYPE_TRACEPOINT,
		BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_PROG_TYPE_PERF_EVENT,
		BPF_PROG_TYPE_SYSCALL, BPF_PROG_TYPE_CGROUP_DEVICE,
		BPF_PROG_TYPE_CGROUP_SYSCTL,
	};
	struct raw_prog *prog = arg;

	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		int err;

		prog->type = types[i];
		err = fd_drop(raw_load(prog));
		if (err)
			return err;
	}
	return 0;
}

TEST_F(loader, of_unrelated_programs)
{
	char line[512];

	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	self->prog->kfunc = NULL;
	EXPECT_EQ(0, ns_call(&self->task, do_load_unrelated, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	kfunc_close(&self->kfunc);
	ASSERT_EQ(0, module_unload(MODULE));
	EXPECT_EQ(0, ns_call(&self->task, do_load_unrelated, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
	EXPECT_FALSE(klog_find(self->klog, REFUSED, line, sizeof(line)));
}

static int do_load_sample(void *arg)
{
	struct raw_prog *prog = arg;
	const struct bpf_insn insns[] = {
		BPF_MOV64_IMM(BPF_REG_1, 1),
		BPF_MOV64_IMM(BPF_REG_2, 2),
		BPF_CALL_KFUNC(prog->kfunc->id),
		BPF_EXIT_INSN(),
	};

	prog->type = BPF_PROG_TYPE_SYSCALL;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return fd_drop(raw_load(prog));
}

/* Only this module has the policy, not all kfuncs in Rust. */
TEST_F(loader, of_programs_with_kfuncs_of_another_module)
{
	SKIP_WITHOUT_MODULE(SAMPLE_MODULE);
	ASSERT_EQ(0, module_load(SAMPLE_MODULE, NULL));
	ASSERT_EQ(0, kfunc_find(&self->sample, SAMPLE_MODULE,
				"bpf_rust_sample_add"));
	self->prog->kfunc = &self->sample;
	ASSERT_EQ(0, ns_start(&self->task, NULL, ROOT_CONTAINER));
	EXPECT_EQ(0, ns_call(&self->task, do_load_sample, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
}

/* Repeated refusals do not fill the log. */
TEST_F(loader, refused_too_often_for_the_log)
{
	int i, lines = 0;

	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWPID));
	for (i = 0; i < 100; i++)
		ASSERT_EQ(-EACCES, ns_call(&self->task, do_load, self->prog));
	while (klog_find(self->klog, REFUSED, NULL, 0))
		lines++;
	EXPECT_LE(10, lines);
	EXPECT_GE(50, lines);
}

static void expect_param(struct __test_metadata *_metadata, const char *want)
{
	const char *path = "/sys/module/" MODULE "/parameters/loader_ns";
	char value[64] = "";
	FILE *f = fopen(path, "re");

	ASSERT_NE(NULL, f);
	EXPECT_NE(NULL, fgets(value, sizeof(value), f));
	fclose(f);
	value[strcspn(value, "\n")] = '\0';
	EXPECT_STREQ(want, value);
}

TEST_F(loader, who_reads_the_parameter)
{
	expect_param(_metadata, "cgroup,ipc,mnt,net,pid,time,user,uts");
	setup_loader("loader_ns=user,pid");
	expect_param(_metadata, "user,pid");
	/* As with all parameters, the last value applies. */
	setup_loader("loader_ns=pid,user loader_ns=mnt,user,user");
	expect_param(_metadata, "mnt,user,user");
	ASSERT_EQ(0, ns_start(&self->task, NULL, CLONE_NEWNS));
	expect_refused(_metadata, self->prog, self->klog, &self->task,
		       "mnt namespace");
}

/* The namespaces of agents by platform, and the loader_ns that they need. */
FIXTURE(platform)
{
	struct kfunc kfunc;
	struct kfunc sample;
	struct raw_prog *prog;
	struct ns_task task;
	struct ns_task other;
	int klog;
};

FIXTURE_VARIANT(platform)
{
	__u64 node;		/* shared by all tasks of the node, not initial */
	__u64 own;		/* further namespaces of the agent */
	const char *loader_ns;
	const char *namespaces;
};

FIXTURE_VARIANT_ADD(platform, service_with_private_tmp)
{
	.own = CLONE_NEWNS,
	.loader_ns = "cgroup,ipc,net,pid,time,user,uts",
	.namespaces = "mnt namespace",
};

FIXTURE_VARIANT_ADD(platform, pod_with_host_pid)
{
	.own = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWUTS |
	       CLONE_NEWNET,
	.loader_ns = "pid,time,user",
	.namespaces = "cgroup, ipc, mnt, net, uts namespaces",
};

FIXTURE_VARIANT_ADD(platform, kind)
{
	.node = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWUTS |
		CLONE_NEWNET | CLONE_NEWPID,
	.own = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP,
	.loader_ns = "time,user",
	.namespaces = "cgroup, ipc, mnt, net, pid, uts namespaces",
};

FIXTURE_VARIANT_ADD(platform, nspawn)
{
	.node = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWUTS |
		CLONE_NEWPID,
	.loader_ns = "net,time,user",
	.namespaces = "cgroup, ipc, mnt, pid, uts namespaces",
};

FIXTURE_VARIANT_ADD(platform, lxc)
{
	.node = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWUTS |
		CLONE_NEWPID | CLONE_NEWNET,
	.loader_ns = "time,user",
	.namespaces = "cgroup, ipc, mnt, net, pid, uts namespaces",
};

FIXTURE_VARIANT_ADD(platform, wsl2)
{
	.node = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID,
	.loader_ns = "cgroup,net,time,user",
	.namespaces = "ipc, mnt, pid, uts namespaces",
};

FIXTURE_SETUP(platform)
{
	setup_common();
}

FIXTURE_TEARDOWN(platform)
{
	teardown_common();
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

#define start_agent()							\
	do {								\
		ASSERT_EQ(0, ns_start(&self->other, NULL, variant->node)); \
		ASSERT_EQ(0, ns_start(&self->task, &self->other,	\
				      variant->own));			\
	} while (0)

/* The log has the parameter to set, which permits the load. */
TEST_F(platform, loads)
{
	bool is_nested = variant->node & CLONE_NEWPID;
	char params[64], advice[256];

	setup_loader(NULL);
	start_agent();
	EXPECT_EQ(-EACCES, ns_call(&self->task, do_load, self->prog));
	snprintf(advice, sizeof(advice), ", or%s with loader_ns=%s",
		 is_nested ? ONLY_THOSE : "", variant->loader_ns);
	expect_advice(_metadata, self->klog, "raw", self->task.pid,
		      variant->namespaces, advice);

	ns_stop(&self->task);
	ns_stop(&self->other);
	snprintf(params, sizeof(params), "loader_ns=%s", variant->loader_ns);
	setup_loader(params);
	if (is_nested && !origin_is_recorded()) {
		kfunc_close(&self->kfunc);
		ASSERT_EQ(0, kfunc_find(&self->kfunc, MODULE,
					"bpf_get_current_pid_tgid_in"));
	}
	start_agent();
	EXPECT_EQ(0, ns_call(&self->task, do_load, self->prog)) {
		TH_LOG("%s", self->prog->log);
	}
}

/* Invalid values of loader_ns. */
FIXTURE(nonsense)
{
	int klog;
};

FIXTURE_VARIANT(nonsense)
{
	const char *params;
	const char *reason;
	int err;		/* -EINVAL if 0 */
};

#define TYPES "cgroup,ipc,mnt,net,pid,time,user,uts"

FIXTURE_VARIANT_ADD(nonsense, without_user)
{
	.params = "loader_ns=cgroup,ipc,mnt,net,pid,time,uts",
	.reason = MODULE ": loader_ns=cgroup,ipc,mnt,net,pid,time,uts: \"user\" is missing, and cannot be left out",
};

FIXTURE_VARIANT_ADD(nonsense, unknown_name)
{
	.params = "loader_ns=pod,user",
	.reason = MODULE ": loader_ns=pod,user: \"pod\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, no_name)
{
	.params = "loader_ns=pid,,user",
	.reason = MODULE ": loader_ns=pid,,user: \"\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, mask)
{
	.params = "loader_ns=0x7e020080",
	.reason = MODULE ": loader_ns=0x7e020080: \"0x7e020080\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, capitals)
{
	.params = "loader_ns=PID,USER",
	.reason = MODULE ": loader_ns=PID,USER: \"PID\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, not_printable)
{
	.params = "loader_ns=user,\xc0\x9b",
	/* A backslash is escaped once more by /dev/kmsg. */
	.reason = MODULE ": loader_ns=user,\\x5cxc0\\x5cx9b: \"\\x5cxc0\\x5cx9b\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, empty)
{
	.params = "loader_ns=",
	.reason = MODULE ": loader_ns=: \"\" is none of " TYPES,
};

FIXTURE_VARIANT_ADD(nonsense, too_long)
{
	.params = "loader_ns=user,user,user,user,user,user,user,user,user,user,user,user,user",
	.reason = "loader_ns: string doesn't fit in 63 chars.",
	.err = -ENOSPC,
};

FIXTURE_VARIANT_ADD(nonsense, no_value)
{
	.params = "loader_ns",
};

FIXTURE_SETUP(nonsense)
{
	ASSERT_EQ(0, module_unload(MODULE));
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
}

FIXTURE_TEARDOWN(nonsense)
{
	close(self->klog);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

TEST_F(nonsense, refused)
{
	char command[128], line[512] = "";

	EXPECT_EQ(variant->err ?: -EINVAL,
		  module_load(MODULE, variant->params));
	EXPECT_FALSE(module_is_loaded(MODULE));
	/* The log always names the parameter. */
	EXPECT_TRUE(klog_find(self->klog, "loader_ns", line, sizeof(line)));
	if (variant->reason)
		EXPECT_STREQ(variant->reason, line);

	snprintf(command, sizeof(command), "modprobe %s %s 2>/dev/null", MODULE,
		 variant->params);
	EXPECT_NE(0, system(command));
	EXPECT_FALSE(module_is_loaded(MODULE));
}

NS_TEST_MAIN_LOADABLE(MODULE)
