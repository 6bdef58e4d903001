// SPDX-License-Identifier: GPL-2.0
/*
 * Existing tools for programs, BTF and namespaces agree with the module and its
 * kfuncs.
 */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

#define MODULE_BTF "/sys/kernel/btf/" MODULE

/*
 * Runs a command and stores its stdout. Returns its exit status, or a negative
 * errno.
 */
__printf(2, 3)
static int run(char **out, const char *format, ...)
{
	char command[2048], buf[65536];
	size_t len, size;
	FILE *pipe, *mem;
	va_list args;
	int status;

	*out = NULL;
	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);

	mem = open_memstream(out, &size);
	pipe = popen(command, "r");
	if (!mem || !pipe)
		return -ENOMEM;
	while ((len = fread(buf, 1, sizeof(buf), pipe)))
		fwrite(buf, 1, len, mem);
	fclose(mem);
	status = pclose(pipe);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -EIO;
}

static bool has_tool(const char *name)
{
	char command[128];

	snprintf(command, sizeof(command), "command -v %s > /dev/null", name);
	return !system(command);
}

/* Uses the bpftool that was built with this test. */
#define run_bpftool(OUT, FORMAT, ...)					\
	run(OUT, "%s/bpftool " FORMAT " 2> /dev/null", test_dir(),	\
	    ##__VA_ARGS__)

#define MAX_KFUNCS 64

/* Stores the names of all kfuncs in the module's BTF, and returns their number. */
static int find_kfuncs(char names[MAX_KFUNCS][128])
{
	struct btf *vmlinux = btf__load_vmlinux_btf();
	struct btf *btf = btf__parse_split(MODULE_BTF, vmlinux);
	__u32 id, cnt = btf ? btf__type_cnt(btf) : 0;
	int found = 0;

	for (id = btf__type_cnt(vmlinux); id < cnt; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_decl_tag(t) || found == MAX_KFUNCS ||
		    strcmp(btf__name_by_offset(btf, t->name_off), "bpf_kfunc"))
			continue;
		t = btf__type_by_id(btf, t->type);
		snprintf(names[found++], sizeof(*names), "%s",
			 btf__name_by_offset(btf, t->name_off));
	}
	btf__free(btf);
	btf__free(vmlinux);
	return found;
}

FIXTURE(btf)
{
	char *module;
	char *vmlinux;
	char *out;
	char kfuncs[MAX_KFUNCS][128];
	int nr_kfuncs;
	char dir[32];
	struct bpf_object *obj;
};

FIXTURE_SETUP(btf)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, run_bpftool(&self->module,
				 "btf dump file " MODULE_BTF " format c"));
	self->nr_kfuncs = find_kfuncs(self->kfuncs);
	ASSERT_LE(1, self->nr_kfuncs);
}

FIXTURE_TEARDOWN(btf)
{
	char *out = NULL;

	bpf_object__close(self->obj);
	if (*self->dir)
		EXPECT_EQ(0, run(&out, "rm -r %s", self->dir));
	free(out);
	free(self->out);
	free(self->vmlinux);
	free(self->module);
}

/* Returns whether a header has "extern int NAME(...) __weak __ksym;". */
static bool declares(const char *header, const char *name)
{
	static const char prefix[] = "\nextern ", suffix[] = " __weak __ksym;\n";
	const char *line, *next;
	char call[130];

	snprintf(call, sizeof(call), "%s(", name);
	for (line = strstr(header, prefix); line; line = strstr(next, prefix)) {
		next = strchr(line + 1, '\n');
		if (!next)
			return false;
		if (memmem(line, next - line, call, strlen(call)) &&
		    !strncmp(next + 2 - sizeof(suffix), suffix,
			     sizeof(suffix) - 1))
			return true;
	}
	return false;
}

/* gcc and clang call the type by different names. */
#define STRUCT_OF(TYPE)							\
	"struct bpf_ns_ident {\n"					\
	"	" TYPE " dev;\n"						\
	"	" TYPE " ino;\n"						\
	"	" TYPE " id;\n"						\
	"};\n"

TEST_F(btf, dump_declares_every_kfunc)
{
	int i;

	EXPECT_TRUE(declares(self->module, KFUNC));
	for (i = 0; i < self->nr_kfuncs; i++) {
		EXPECT_TRUE(declares(self->module, self->kfuncs[i])) {
			TH_LOG("%s", self->kfuncs[i]);
		}
	}
	EXPECT_FALSE(declares(self->module, KFUNC "_not"));
	EXPECT_NE(NULL, strstr(self->module, "extern int " KFUNC
			       "(struct bpf_ns_ident *ident) __weak __ksym;\n"));
	EXPECT_TRUE(strstr(self->module, STRUCT_OF("long long unsigned int")) ||
		    strstr(self->module, STRUCT_OF("unsigned long long")));
}

static int save(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	if (!file)
		return -errno;
	fwrite(text, 1, strlen(text), file);
	return fclose(file) ? -errno : 0;
}

/* Distributions may add the version to the name. */
static bool find_clang(char *name, size_t size)
{
	int version;

	snprintf(name, size, "%s", getenv("CLANG") ?: "clang");
	for (version = 30; !has_tool(name); version--) {
		if (version < 15)
			return false;
		snprintf(name, size, "clang-%d", version);
	}
	return true;
}

/* A program without its own declarations and without libbpf's headers. */
static const char program[] =
	"#include \"" MODULE ".h\"\n"
	"#include \"vmlinux.h\"\n"
	"\n"
	"#define SEC(NAME) __attribute__((section(NAME), used))\n"
	"\n"
	"char _license[] SEC(\"license\") = \"GPL\";\n"
	"\n"
	"SEC(\"syscall\")\n"
	"int on_syscall(__u64 *ctx)\n"
	"{\n"
	"	struct bpf_ns_ident ident;\n"
	"	int err = " KFUNC "(&ident);\n"
	"\n"
	"	ctx[0] = ident.dev;\n"
	"	ctx[1] = ident.ino;\n"
	"	ctx[2] = ident.id;\n"
	"	return err;\n"
	"}\n"
	"\n";

/*
 * The dump of a module includes the types of vmlinux, and has the same include
 * guard. So the first of both headers wins. The timeout is for a compiler in an
 * emulated machine.
 */
TEST_F_TIMEOUT(btf, dump_compiles_together_with_vmlinux_h, 180)
{
	struct bpf_ns_ident want, ident = {};
	char clang[64], path[128], *source;
	struct bpf_program *prog;
	size_t size;
	FILE *file;
	int i;

	if (!find_clang(clang, sizeof(clang)))
		SKIP(return, "clang is not installed");
	ASSERT_EQ(0, run_bpftool(&self->vmlinux,
				 "btf dump file /sys/kernel/btf/vmlinux format c"));
	EXPECT_FALSE(declares(self->vmlinux, KFUNC));

	file = open_memstream(&source, &size);
	ASSERT_NE(NULL, file);
	fputs(program, file);
	for (i = 0; i < self->nr_kfuncs; i++)
		fprintf(file, "typeof(%s) *pointer_%d;\n", self->kfuncs[i], i);
	fclose(file);

	snprintf(self->dir, sizeof(self->dir), "/tmp/ns_ident.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->dir));
	ASSERT_EQ(0, save(self->dir, MODULE ".h", self->module));
	ASSERT_EQ(0, save(self->dir, "vmlinux.h", self->vmlinux));
	ASSERT_EQ(0, save(self->dir, "prog.bpf.c", source));
	free(source);
	ASSERT_EQ(0, run(&self->out,
			 "cd %s && %s -g -O2 -Wall -Werror -Wno-missing-declarations --target=bpf -c prog.bpf.c 2>&1",
			 self->dir, clang)) {
		TH_LOG("%s", self->out);
	}

	/* The resulting program works. */
	snprintf(path, sizeof(path), "%s/prog.bpf.o", self->dir);
	self->obj = bpf_object__open(path);
	ASSERT_NE(NULL, self->obj);
	ASSERT_EQ(0, bpf_object__load(self->obj));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &want));
	prog = bpf_object__next_program(self->obj, NULL);
	EXPECT_EQ(0, run_syscall_prog(bpf_program__fd(prog), &ident,
				      sizeof(ident)));
	EXPECT_EQ(want.dev, ident.dev);
	EXPECT_EQ(want.ino, ident.ino);
	EXPECT_EQ(want.id, ident.id);
}

FIXTURE(programs)
{
	struct probe probe;
	char *before;
	char *after;
	int fd;
};

FIXTURE_SETUP(programs)
{
	self->fd = -1;
}

FIXTURE_TEARDOWN(programs)
{
	free(self->before);
	free(self->after);
	probe_close(&self->probe);
	if (self->fd >= 0)
		close(self->fd);
	EXPECT_EQ(0, module_load(MODULE, NULL));
}

static int prog_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	return bpf_prog_get_info_by_fd(fd, &info, &len) ?: (int)info.id;
}

TEST_F(programs, xlated_shows_the_call_by_name)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, probe_load(&self->probe, "syscall"));
	ASSERT_EQ(0, run_bpftool(&self->after, "prog dump xlated id %d",
				 prog_id(self->probe.fd)));
	EXPECT_NE(NULL, strstr(self->after, ") call " KFUNC "#")) {
		TH_LOG("%s", self->after);
	}
}

/*
 * bpftool reads /proc/kallsyms in pieces of up to 255 characters, and parses each
 * piece as a line. A wrong address from the middle of a name makes its lookup miss
 * other symbols.
 */
TEST_F(programs, symbols_fit_into_the_lines_of_bpftool)
{
	char *line = NULL;
	size_t size = 0;
	int count = 0;
	FILE *file;

	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	ASSERT_EQ(0, module_load(MODULE, NULL));
	file = fopen("/proc/kallsyms", "r");
	ASSERT_NE(NULL, file);
	while (getline(&line, &size, file) > 0) {
		if (!strstr(line, "\t[" MODULE "]"))
			continue;
		count++;
		EXPECT_GT(256, strlen(line)) {
			TH_LOG("%s", line);
		}
	}
	free(line);
	fclose(file);
	EXPECT_LT(0, count);
}

TEST_F(programs, show_is_the_same_with_the_module)
{
	static const struct bpf_insn insns[] = {
		BPF_EMIT_CALL(BPF_FUNC_get_current_pid_tgid),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct raw_prog unrelated = {
		.type = BPF_PROG_TYPE_KPROBE,
		.name = "unrelated",
		.insns = insns,
		.cnt = ARRAY_SIZE(insns),
	};
	char line[64];

	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	ASSERT_EQ(0, module_unload(MODULE));
	self->fd = raw_load(&unrelated);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, run_bpftool(&self->before, "prog show id %d",
				 prog_id(self->fd)));
	EXPECT_NE(NULL, strstr(self->before, "kprobe  name unrelated"));

	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, probe_load(&self->probe, "syscall"));
	ASSERT_EQ(0, run_bpftool(&self->after, "prog show id %d",
				 prog_id(self->fd)));
	EXPECT_STREQ(self->before, self->after);

	/* A program that calls a kfunc is listed like any other. */
	free(self->after);
	ASSERT_EQ(0, run_bpftool(&self->after, "prog show"));
	EXPECT_NE(NULL, strstr(self->after, self->before));
	snprintf(line, sizeof(line), "%d: syscall  name on_syscall  tag ",
		 prog_id(self->probe.fd));
	EXPECT_NE(NULL, strstr(self->after, line)) {
		TH_LOG("%s", self->after);
	}
}

TEST_F_TIMEOUT(programs, feature_is_the_same_with_the_module, 600)
{
	SKIP_WITHOUT_LOADABLE_MODULE(MODULE);
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, run_bpftool(&self->before, "feature probe"));
	EXPECT_NE(NULL, strstr(self->before, "program_type syscall is available"));
	EXPECT_FALSE(module_is_loaded(MODULE));

	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, run_bpftool(&self->after, "feature probe"));
	EXPECT_EQ(0, strcmp(self->before, self->after));
}

/* Compares tools for namespaces with a program, for the same task. */
FIXTURE(task)
{
	struct probe probe;
	struct ns_task task;
	struct bpf_ns_ident ident;	/* result of the program */
	char *out;
};

FIXTURE_VARIANT(task)
{
	__u64 flags;
};

FIXTURE_VARIANT_ADD(task, initial)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(task, child)
{
	.flags = CLONE_NEWPID,
};

FIXTURE_SETUP(task)
{
	self->task.sock = -1;
	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, probe_open(&self->probe, "anyone"));
	ASSERT_EQ(0, ns_start(&self->task, NULL, variant->flags));
	probe_target(&self->probe, self->task.pid);
	ASSERT_EQ(0, ns_call(&self->task, ns_do_getpgid, NULL));
	ASSERT_EQ(1, self->probe.report->calls);
	ASSERT_EQ(0, self->probe.report->err);
	self->ident = self->probe.report->ident;
}

FIXTURE_TEARDOWN(task)
{
	ns_stop(&self->task);
	probe_close(&self->probe);
	free(self->out);
}

TEST_F(task, readlink_agrees)
{
	char want[64];

	if (!has_tool("readlink"))
		SKIP(return, "readlink is not installed");
	snprintf(want, sizeof(want), "pid:[%llu]\n", self->ident.ino);
	EXPECT_EQ(0, run(&self->out, "readlink /proc/%d/ns/pid",
			 self->task.pid));
	EXPECT_STREQ(want, self->out);
}

TEST_F(task, stat_agrees)
{
	char want[64];

	if (!has_tool("stat"))
		SKIP(return, "stat is not installed");
	snprintf(want, sizeof(want), "%llu %llu\n", self->ident.dev,
		 self->ident.ino);
	EXPECT_EQ(0, run(&self->out, "stat -L -c '%%d %%i' /proc/%d/ns/pid",
			 self->task.pid));
	EXPECT_STREQ(want, self->out);
}

TEST_F(task, lsns_agrees)
{
	int err = -1, tries;
	char want[64];

	if (!has_tool("lsns"))
		SKIP(return, "lsns is not installed");
	snprintf(want, sizeof(want), "%llu\n", self->ident.ino);
	/* lsns reads all tasks, and fails if one exits meanwhile. */
	for (tries = 0; err && tries < 10; tries++)
		err = run(&self->out, "lsns -n -r -t pid -o NS -p %d",
			  self->task.pid);
	EXPECT_EQ(0, err);
	EXPECT_STREQ(want, self->out);
}

/* A task that enters a namespace gets the same result as the task in it. */
TEST_F(task, nsenter_agrees)
{
	char want[64];

	if (!has_tool("nsenter"))
		SKIP(return, "nsenter is not installed");
	snprintf(want, sizeof(want), "pid:[%llu]\n", self->ident.ino);
	probe_target(&self->probe, 1);
	EXPECT_EQ(0, run(&self->out,
			 "nsenter --target %d --pid sh -c 'kill -0 %d 2>/dev/null; readlink /proc/self/ns/pid'",
			 self->task.pid, MAGIC_PID));
	EXPECT_STREQ(want, self->out);
	EXPECT_EQ(1, self->probe.report->calls);
	EXPECT_NE(self->task.pid, (pid_t)self->probe.report->pid_tgid);
	EXPECT_EQ(0, self->probe.report->err);
	EXPECT_EQ(self->ident.dev, self->probe.report->ident.dev);
	EXPECT_EQ(self->ident.ino, self->probe.report->ident.ino);
	EXPECT_EQ(self->ident.id, self->probe.report->ident.id);
}

NS_TEST_MAIN(MODULE)
