// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions of a call of each kfunc and of its alternatives, and
 * prints the counts as JSON. Has to run in QEMU with -icount shift=0,sleep=off,
 * where an instruction takes a nanosecond.
 *
 *     bench [--quick] [DIR]	needs the modules of bench_modules/ in DIR; quick:
 *				only the calls
 *     bench --code DIR [FUNCTION]...	prints the machine code of functions as
 *				it is in memory, and where symbols are
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "bpf_util.h"
#include "kselftest.h"
#include "ns_util.h"

/*
 * A round is so short that most rounds have no interrupt. The round with the
 * fewest instructions counts, if another round has almost the same number.
 */
#define ROUNDS		9
#define TURNS		50
#define SAME		0.005
#define MAX_LEVEL	32
#define MAX_NAMESPACES	5000

#define MODULE_C	"bpf_ns_bench_c"
#define MODULE_RUST	"bpf_ns_bench_rust"

static struct bpf_object *obj;
static struct bench *bench;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* A row of the output: a name, and a program of progs/bench.bpf.c. */
struct row {
	const char *name;
	const char *prog;
	bool has_packet;
	int level;		/* of the task's pid namespace */
};

static const struct row nothing = { "nothing", "nothing" };

static const struct row rows[] = {
	{ "empty", "empty" },
	{ "empty C", "empty_c" },
	{ "ident", "ident" },
	{ "ident C twin", "ident_c" },
	{ "helper", "helper" },
	{ "walk", "walk" },
	{ "CO-RE", "core" },
	{ "ns_ident.bpf.h, walk", "header_walk" },
	{ "ns_ident.bpf.h, walk, CLONE_NEWNET", "header_walk_ns" },
	{ "ns_ident.bpf.h, kfunc", "header_kfunc" },
	{ "bpf_get_current_ns_ident", "ns_ident" },
	{ "bpf_get_current_ns_ident, mnt", "ns_ident_mnt" },
	{ "bpf_get_current_pid_tgid_in", "pid_tgid_in" },
	{ "bpf_get_current_pid_tgid_own", "pid_tgid_own" },
	{ "bpf_get_current_pid_tgid", "pid_tgid_helper" },
	{ "bpf_task_pidns_ident", "task_ident" },
	{ "bpf_task_ns_ident, own net", "task_ns_own" },
	{ "bpf_task_ns_ident, other pid", "task_ns_other_pid" },
	{ "bpf_task_ns_ident, other net", "task_ns_other_net" },
	{ "bpf_task_pid_tgid_in", "task_pid_tgid_in" },
	{ "bpf_sk_netns_ident", "sk_ident", .has_packet = true },
	{ "bpf_skb_netns_ident", "skb_ident", .has_packet = true },
	{ "bpf_xdp_netns_ident", "xdp_ident", .has_packet = true },
	/*
	 * For a task at this level. pid_tgid_in names the outermost namespace.
	 */
	{ "ident, 1 deep", "ident", .level = 1 },
	{ "ident, 8 deep", "ident", .level = 8 },
	{ "ident, 32 deep", "ident", .level = 32 },
	{ "bpf_get_current_pid_tgid_in, 1 deep", "pid_tgid_in", .level = 1 },
	{ "bpf_get_current_pid_tgid_in, 8 deep", "pid_tgid_in", .level = 8 },
	{ "bpf_get_current_pid_tgid_in, 32 deep", "pid_tgid_in", .level = 32 },
};

/* For a program from a nested pid namespace, about a task there. */
static const struct row own_rows[] = {
	{ "ident, nested", "ident" },
	{ "bpf_get_current_ns_ident, nested", "ns_ident" },
	{ "bpf_get_current_pid_tgid_in, nested", "pid_tgid_in" },
	{ "bpf_get_current_pid_tgid_own, nested", "pid_tgid_own" },
	{ "bpf_task_pidns_ident, nested", "task_ident" },
};

/* Loads the programs, for a caller in this pid namespace. */
static void load_object(const struct bpf_ns_ident *self)
{
	struct bpf_map *map;
	char path[1200];
	size_t size;

	snprintf(path, sizeof(path), "%s/bench.bpf.o", test_dir());
	obj = bpf_object__open_file(path, NULL);
	map = obj ? bpf_object__find_map_by_name(obj, ".data.bench") : NULL;
	if (!map || object_set_u64(obj, "ns_ident_dev", self->dev) ||
	    bpf_object__load(obj))
		die("%s cannot be loaded", path);
	bench = bpf_map__initial_value(map, &size);
	if (!bench || size != sizeof(*bench))
		die("%s differs from the module of the build", path);
	bench->self = *self;
}

/* Returns the result of the program. Tasks in namespaces call this, too. */
static int run_prog(void *fd)
{
	return run_syscall_prog((intptr_t)fd, NULL, 0);
}

static int run_packet_prog(int fd)
{
	static char packet[ETH_ZLEN];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = 1);
	int err = bpf_prog_test_run_opts(fd, &opts);

	return err ? err : (int)opts.retval;
}

static int prog_fd(const char *name)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(obj, name));

	if (fd < 0)
		die("there is no program %s", name);
	return fd;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the values, and returns the lowest if the next one is almost equal. */
static double fewest(const char *name, double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	if (values[1] > values[0] * (1 + SAME))
		die("%s: %.2f, then %.2f: there is no clock that counts instructions",
		    name, values[0], values[1]);
	return values[0];
}

/* A call, including its share of the loop. */
static double count_row(const struct row *row, const struct ns_task *task)
{
	int fd = prog_fd(row->prog), round, ret;
	double values[ROUNDS];

	bench->turns = TURNS;
	bench->pidns = bench->self;
	for (round = 0; round < ROUNDS; round++) {
		if (row->has_packet)
			ret = run_packet_prog(fd);
		else if (task)
			ret = ns_call(task, run_prog, (void *)(intptr_t)fd);
		else
			ret = run_prog((void *)(intptr_t)fd);
		if (ret)
			die("running %s: %d", row->prog, ret);
		values[round] = (double)bench->ns / TURNS / CALLS_PER_TURN;
	}
	return fewest(row->name, values);
}

/* The pid namespace of the task below. */
static struct bpf_ns_ident *nested;

/* Loads the programs in a nested task, once, and returns the time of one. */
static int run_own_prog(void *name)
{
	static bool is_loaded;
	int ret;

	libbpf_set_print(NULL);
	if (!is_loaded)
		load_object(nested);
	is_loaded = true;
	bench->turns = TURNS;
	bench->pidns = bench->self;
	ret = run_prog((void *)(intptr_t)prog_fd(name));
	return ret ? -EIO : (int)bench->ns;
}

static double count_own_row(const struct row *row, const struct ns_task *task)
{
	double values[ROUNDS];
	int round, ns;

	for (round = 0; round < ROUNDS; round++) {
		ns = ns_call(task, run_own_prog, (void *)row->prog);
		if (ns < 0)
			die("running %s in a nested task: %d", row->prog, ns);
		values[round] = (double)ns / TURNS / CALLS_PER_TURN;
	}
	return fewest(row->name, values);
}

static const char *sep = "";

static void begin(const char *title)
{
	printf("\n  },\n  \"%s\": {", title);
	sep = "";
}

static void print(const char *name, double insns)
{
	printf("%s\n    \"%s\": %.1f", sep, name, insns);
	fflush(stdout);
	sep = ",";
}

static double loop;

/* Prints a row without the share of the loop. */
static void print_row(const struct row *row, const struct ns_task *task)
{
	print(row->name, count_row(row, task) - loop);
}

static void measure_calls(void)
{
	struct ns_task task[MAX_LEVEL + 1] = {};
	int level = 0, err;

	loop = count_row(&nothing, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		while (level < rows[i].level) {
			level++;
			err = ns_start(&task[level], level > 1 ? &task[level - 1] : NULL,
				       CLONE_NEWPID);
			if (err)
				die("a task %d deep: %d", level, err);
		}
		print_row(&rows[i], rows[i].level ? &task[rows[i].level] : NULL);
	}
	while (level)
		ns_stop(&task[level--]);

	nested = ns_alloc(sizeof(*nested));
	err = ns_start(&task[1], NULL, CLONE_NEWPID) ?:
	      ns_ident(task[1].pid, "pid", nested);
	if (err)
		die("a nested task: %d", err);
	for (size_t i = 0; i < ARRAY_SIZE(own_rows); i++)
		print(own_rows[i].name, count_own_row(&own_rows[i], &task[1]) - loop);
	ns_stop(&task[1]);
}

/* Returns a file that keeps a namespace alive without a task. */
static int open_namespace(void)
{
	struct ns_task task;
	int fd;

	fd = ns_start(&task, NULL, CLONE_NEWPID);
	if (fd)
		die("a task in a new pid namespace: %d", fd);
	fd = ns_open(task.pid, "pid");
	if (fd < 0)
		die("opening a namespace: %d", fd);
	ns_stop(&task);
	return fd;
}

static void measure_number(void)
{
	struct rlimit files = { MAX_NAMESPACES + 1000, MAX_NAMESPACES + 1000 };
	static const struct row row = { "ident, 5000 namespaces alive", "ident" };
	static int fd[MAX_NAMESPACES];
	int alive;

	setrlimit(RLIMIT_NOFILE, &files);
	for (alive = 1; alive < MAX_NAMESPACES; alive++)
		fd[alive] = open_namespace();
	print_row(&row, NULL);
	while (--alive > 0)
		close(fd[alive]);
}

static int load_file(const char *dir, const char *name)
{
	char path[1200];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return err == -EEXIST ? 0 : err;
}

static long sysfs_size(const char *format, const char *module, bool is_value)
{
	struct stat st;
	char path[128];
	long size = -1;
	FILE *file;

	snprintf(path, sizeof(path), format, module);
	if (!is_value)
		return stat(path, &st) ? -1 : st.st_size;
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%ld", &size) != 1)
			size = -1;
		fclose(file);
	}
	return size;
}

static void print_memory(void)
{
	static const char *const modules[] = { MODULE_C, MODULE_RUST, MODULE };

	begin("memory");
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		printf("%s\n    \"%s\": {\"module\": %ld, \"BTF\": %ld}", sep, modules[i],
		       sysfs_size("/sys/module/%s/coresize", modules[i], true),
		       sysfs_size("/sys/kernel/btf/%s", modules[i], false));
		sep = ",";
	}
}

static void load_all(const char *dir)
{
	struct bpf_ns_ident self;
	int err;

	/* The first load runs the KUnit tests. */
	write_file("/sys/module/kunit/parameters/filter_glob", "none");
	err = load_file(dir, MODULE_C) ?: load_file(dir, MODULE_RUST) ?:
	      module_reload(MODULE, "loader_ns=user");
	if (err)
		die("loading the modules, those of bench_modules/ from %s: %s",
		    dir, strerror(-err));
	err = ns_ident(getpid(), "pid", &self);
	if (err)
		die("stat: %d", err);
	load_object(&self);
}

/* Prints NAME, ADDRESS and the bytes up to the next symbol. */
static void print_code(const char *function)
{
	unsigned long addr, found = 0, end = 0;
	char line[512], name[256];
	FILE *symbols = fopen("/proc/kallsyms", "r");

	while (symbols && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %*c %255s", &addr, name) != 2)
			continue;
		if (!found && !strcmp(name, function)) {
			found = addr;
			rewind(symbols);
		} else if (found && addr > found && (!end || addr < end)) {
			end = addr;
		}
	}
	if (symbols)
		fclose(symbols);
	if (!found)
		die("there is no function %s", function);

	bench->code_addr = found;
	bench->code_size = end && end - found < MAX_CODE ? end - found : MAX_CODE;
	if (run_prog((void *)(intptr_t)prog_fd("read_code")))
		die("%s cannot be read", function);
	printf("%s %lx ", function, found);
	for (__u32 i = 0; i < bench->code_size; i++)
		printf("%02x", bench->code[i]);
	printf("\n");
}

/* Prints ADDRESS and NAME of symbols that functions may refer to. */
static void print_symbols(void)
{
	char line[512], addr[32], name[256];
	FILE *symbols = fopen("/proc/kallsyms", "r");

	while (symbols && fgets(line, sizeof(line), symbols))
		if (sscanf(line, "%31s %*c %255s", addr, name) == 2)
			printf("%s %s\n", addr, name);
	if (symbols)
		fclose(symbols);
}

int main(int argc, char **argv)
{
	bool is_quick = false, show_code = false;
	const char *dir = test_dir();
	int arg = 1;

	if (argc > arg && !strcmp(argv[arg], "--quick")) {
		is_quick = true;
		arg++;
	} else if (argc > arg && !strcmp(argv[arg], "--code")) {
		show_code = true;
		arg++;
	}
	if (argc > arg)
		dir = argv[arg++];
	load_all(dir);
	if (show_code) {
		for (; arg < argc; arg++)
			print_code(argv[arg]);
		print_symbols();
		return 0;
	}

	printf("{\n  \"rows\": {");
	measure_calls();
	if (!is_quick) {
		measure_number();
		bpf_object__close(obj);
		print_memory();
	}
	printf("\n  }\n}\n");
	return 0;
}
