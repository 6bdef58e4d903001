// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what a call of each kfunc costs, beside what else a program could
 * do, and prints the results as JSON. It never fails because of a result.
 *
 *     bench [--quick] [DIR]	needs the modules of bench_modules/ in DIR
 *     bench --code DIR [FUNCTION]...	prints the machine code of functions as
 *				it is in memory, and where symbols are
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "bpf_util.h"
#include "kselftest.h"
#include "ns_util.h"

#define MAX_ROWS	24
/*
 * Of each program, used in turn: calls take longer if addresses of the program
 * happen to be such that a CPU, or QEMU, mistakes one jump for another. How
 * often depends on how far the calls are from one another, so on what they
 * pass. The fastest copy is the one that tells what the kfunc takes.
 */
#define COPIES		9
#define MAX_ROUNDS	(11 * COPIES)
#define DEEP		3
#define MAX_NAMESPACES	5000

#define MODULE_C	"bpf_ns_bench_c"
#define MODULE_RUST	"bpf_ns_bench_rust"

static int rounds = MAX_ROUNDS;
static int turns = 100000 / CALLS_PER_TURN;

static cpu_set_t all_cpus;
static struct bpf_object *obj[COPIES];
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

struct row {
	const char *name;
	const char *prog;
	const struct ns_task *task;	/* that runs it, or NULL */
	struct bpf_ns_ident pidns;	/* that the task asks for */
	bool has_packet;
	int fd[COPIES];
	double ns[MAX_ROUNDS];		/* per call */
};

/* Those of one run, which are compared with the first two. */
struct rows {
	int cnt;
	struct row row[MAX_ROWS];
};

#define NOTHING	0
#define EMPTY	1

static int prog_fd(const char *name, int copy)
{
	int fd = bpf_program__fd(bpf_object__find_program_by_name(obj[copy], name));

	if (fd < 0)
		die("there is no program %s", name);
	return fd;
}

static struct row *add_row(struct rows *rows, const char *name,
			   const char *prog)
{
	struct row *row = &rows->row[rows->cnt++];

	if (rows->cnt > MAX_ROWS)
		die("too many rows");
	memset(row, 0, sizeof(*row));
	row->name = name;
	row->prog = prog;
	row->pidns = bench->self;
	for (int i = 0; i < COPIES; i++)
		row->fd[i] = prog_fd(prog, i);
	return row;
}

static void new_rows(struct rows *rows)
{
	rows->cnt = 0;
	add_row(rows, "nothing", "nothing");
	add_row(rows, "empty", "empty");
}

/* Returns what the program did. Also called by tasks elsewhere. */
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

static double run_row(const struct row *row, int copy)
{
	void *fd = (void *)(intptr_t)row->fd[copy];
	__u64 ns = 0;
	int i, ret;

	bench->turns = turns;
	bench->pidns = row->pidns;
	for (i = 0; i < MAX_CPUS; i++)
		bench->time[i].ns = 0;
	if (row->has_packet)
		ret = run_packet_prog(row->fd[copy]);
	else if (row->task)
		ret = ns_call(row->task, run_prog, fd);
	else
		ret = run_prog(fd);
	if (ret)
		die("running %s: %d", row->prog, ret);
	for (i = 0; i < MAX_CPUS; i++)
		ns += bench->time[i].ns;
	return (double)ns / turns / CALLS_PER_TURN;
}

/* In each round each row, so that what else the machine does meets them all. */
static void run_rows(struct rows *rows)
{
	int round, i;

	for (round = 0; round < COPIES; round++)
		for (i = 0; i < rows->cnt; i++)
			run_row(&rows->row[i], round);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < rows->cnt; i++)
			rows->row[i].ns[round] = run_row(&rows->row[i],
							 round % COPIES);
		for (i = EMPTY; i < rows->cnt; i++)
			rows->row[i].ns[round] -= rows->row[NOTHING].ns[round];
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static double median(double *values, int cnt)
{
	qsort(values, cnt, sizeof(*values), compare);
	return cnt % 2 ? values[cnt / 2] :
		(values[cnt / 2 - 1] + values[cnt / 2]) / 2;
}

/* That of the fastest copy. */
static double row_median(const struct row *row)
{
	double best = 0;

	for (int copy = 0; copy < COPIES; copy++) {
		double values[MAX_ROUNDS / COPIES], ns;
		int cnt = 0;

		for (int round = copy; round < rounds; round += COPIES)
			values[cnt++] = row->ns[round];
		ns = median(values, cnt);
		if (!copy || ns < best)
			best = ns;
	}
	return best;
}

/* Sorts the values. */
static void print_row(const char *sep, const char *name, double ns,
		      double *values, double unit)
{
	qsort(values, rounds, sizeof(*values), compare);
	printf("%s\n    \"%s\": {\"ns\": %.2f, \"min\": %.2f, \"max\": %.2f",
	       sep, name, ns, values[0], values[rounds - 1]);
	if (unit)
		printf(", \"ratio\": %.3f", ns / unit);
	printf("}");
	fflush(stdout);
}

static void print_rows(struct rows *rows, const char *sep, int first)
{
	double unit = row_median(&rows->row[EMPTY]);

	for (int i = first; i < rows->cnt; i++) {
		struct row *row = &rows->row[i];

		print_row(sep, row->name, row_median(row), row->ns, unit);
		sep = ",";
	}
}

static void measure_calls(void)
{
	static struct rows rows;

	new_rows(&rows);
	add_row(&rows, "empty C", "empty_c");
	add_row(&rows, "ident", "ident");
	add_row(&rows, "ident C twin", "ident_c");
	add_row(&rows, "helper", "helper");
	add_row(&rows, "walk", "walk");
	add_row(&rows, "CO-RE", "core");
	add_row(&rows, "bpf_get_current_ns_ident", "ns_ident");
	add_row(&rows, "bpf_get_current_ns_ident, mnt", "ns_ident_mnt");
	add_row(&rows, "bpf_get_current_pid_tgid_in", "pid_tgid_in");
	add_row(&rows, "bpf_sk_netns_ident", "sk_ident")->has_packet = true;
	add_row(&rows, "bpf_skb_netns_ident", "skb_ident")->has_packet = true;
	add_row(&rows, "bpf_xdp_netns_ident", "xdp_ident")->has_packet = true;
	run_rows(&rows);
	print_rows(&rows, "", EMPTY);
}

/* In pid namespaces in pid namespaces, one of which asks for the outermost. */
static void measure_depth(void)
{
	static const int depths[DEEP] = { 1, 8, 32 };
	static char names[DEEP][2][64];
	struct ns_task task[33] = {};
	static struct rows rows;
	int depth, i = 0, err;

	new_rows(&rows);
	add_row(&rows, "ident, not nested", "ident");
	add_row(&rows, "bpf_get_current_pid_tgid_in, not nested", "pid_tgid_in");
	for (depth = 1; depth <= depths[DEEP - 1]; depth++) {
		err = ns_start(&task[depth], depth > 1 ? &task[depth - 1] : NULL,
			       CLONE_NEWPID);
		if (err)
			die("a task %d deep: %d", depth, err);
		if (depth != depths[i])
			continue;
		snprintf(names[i][0], 64, "ident, %d deep", depth);
		snprintf(names[i][1], 64, "bpf_get_current_pid_tgid_in, %d deep",
			 depth);
		add_row(&rows, names[i][0], "ident")->task = &task[depth];
		add_row(&rows, names[i][1], "pid_tgid_in")->task = &task[depth];
		i++;
	}
	run_rows(&rows);
	print_rows(&rows, ",", EMPTY + 1);
	for (depth = depths[DEEP - 1]; depth > 0; depth--)
		ns_stop(&task[depth]);
}

/* Keeps a namespace alive without a task in it. */
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
	static const int numbers[] = { 1, 100, MAX_NAMESPACES };
	static struct rows rows;
	struct rlimit files = { MAX_NAMESPACES + 1000, MAX_NAMESPACES + 1000 };
	static int fd[MAX_NAMESPACES];
	char name[64];
	int alive = 1;

	setrlimit(RLIMIT_NOFILE, &files);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		for (; alive < numbers[i]; alive++)
			fd[alive] = open_namespace();
		snprintf(name, sizeof(name), "ident, %d namespace%s alive", alive,
			 alive > 1 ? "s" : "");
		new_rows(&rows);
		add_row(&rows, name, "ident");
		run_rows(&rows);
		print_rows(&rows, ",", EMPTY + 1);
	}
	while (--alive > 0)
		close(fd[alive]);
}

struct runner {
	pthread_t thread;
	pthread_barrier_t *start;
	int fd;
	bool last_cpu;
};

static void *run_on_cpu(void *arg)
{
	struct runner *runner = arg;

	sched_setaffinity(0, sizeof(all_cpus), &all_cpus);
	stay_on_cpu(runner->last_cpu);
	for (int i = 0; i < rounds; i++) {
		pthread_barrier_wait(runner->start);
		if (run_prog((void *)(intptr_t)runner->fd))
			die("a program does not run");
		pthread_barrier_wait(runner->start);
	}
	return NULL;
}

/* Calls per nanosecond of all CPUs together. */
static void run_on_cpus(const char *prog, int cnt, double *values)
{
	struct runner runner[2];
	pthread_barrier_t start;

	pthread_barrier_init(&start, NULL, cnt + 1);
	for (int i = 0; i < cnt; i++) {
		runner[i].start = &start;
		runner[i].last_cpu = i;
		runner[i].fd = prog_fd(prog, 0);
		pthread_create(&runner[i].thread, NULL, run_on_cpu, &runner[i]);
	}
	bench->turns = 10 * turns;
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < MAX_CPUS; i++)
			bench->time[i].ns = 0;
		pthread_barrier_wait(&start);
		pthread_barrier_wait(&start);
		values[round] = 0;
		for (int i = 0; i < MAX_CPUS; i++)
			if (bench->time[i].ns)
				values[round] += 10. * turns * CALLS_PER_TURN /
						 bench->time[i].ns;
	}
	for (int i = 0; i < cnt; i++)
		pthread_join(runner[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

static void measure_cpus(void)
{
	static const char *const progs[] = { "nothing", "empty", "ident" };
	double one[MAX_ROUNDS], two[MAX_ROUNDS];
	const char *sep = "";

	printf("\n  },\n  \"throughput of two CPUs to that of one\": {");
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
			run_on_cpus(progs[i], 1, one);
			run_on_cpus(progs[i], 2, two);
			printf("%s\n    \"%s\": %.3f", sep, progs[i],
			       median(two, rounds) / median(one, rounds));
			sep = ",";
		}
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* Calls a kfunc with a place for an identity, or if there is none, a helper. */
static double load_time(const struct kfunc *kfunc, size_t size)
{
	int fd_array[] = { 0, kfunc ? kfunc->btf_fd : 0 };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE,
		    .fd_array = fd_array);
	const struct bpf_insn call = kfunc ?
		(struct bpf_insn)BPF_CALL_KFUNC(kfunc->id) :
		(struct bpf_insn)BPF_EMIT_CALL(BPF_FUNC_ktime_get_ns);
	struct bpf_insn insns[4096] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
		call,
		BPF_MOV64_IMM(BPF_REG_0, 0),
	};
	double start;
	size_t i;
	int fd;

	for (i = 7; i < size - 1; i++)
		insns[i] = (struct bpf_insn)BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, i);
	insns[i] = (struct bpf_insn)BPF_EXIT_INSN();
	start = now();
	fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "load", "GPL", insns, size, &opts);
	start = now() - start;
	if (fd < 0)
		die("loading a program: %d", fd);
	close(fd);
	return start;
}

static void measure_loads(void)
{
	static const struct {
		const char *name, *module, *kfunc;
	} progs[] = {
		{ "none" },
		{ "in C", MODULE_C, "bpf_bench_c_ident" },
		{ "ours", MODULE, KFUNC },
	};
	static const int sizes[] = { 8, 200, 2000 };
	double values[3][MAX_ROUNDS];
	struct kfunc kfunc[3];
	const char *sep = "";
	char name[64];

	for (size_t p = 1; p < 3; p++)
		if (kfunc_find(&kfunc[p], progs[p].module, progs[p].kfunc))
			die("there is no %s", progs[p].kfunc);
	printf("\n  },\n  \"loading a program\": {");
	for (size_t s = 0; s < 3; s++) {
		for (int round = 0; round < rounds; round++) {
			for (size_t p = 0; p < 3; p++) {
				double best = load_time(p ? &kfunc[p] : NULL, sizes[s]);

				for (int i = 0; i < 4; i++) {
					double ns = load_time(p ? &kfunc[p] : NULL, sizes[s]);

					best = ns < best ? ns : best;
				}
				values[p][round] = best;
			}
		}
		for (size_t p = 0; p < 3; p++) {
			snprintf(name, sizeof(name), "%d instructions, kfunc: %s",
				 sizes[s], progs[p].name);
			print_row(sep, name, median(values[p], rounds), values[p],
				  p ? median(values[0], rounds) : 0);
			sep = ",";
		}
	}
	for (size_t p = 1; p < 3; p++)
		kfunc_close(&kfunc[p]);
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

static void measure_modules(const char *dir)
{
	static const char *const modules[] = { MODULE_C, MODULE_RUST, MODULE };
	const char *sep = "";
	double values[MAX_ROUNDS];

	printf("\n  },\n  \"loading a module\": {");
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		for (int round = 0; round < rounds; round++) {
			bool is_ours = !strcmp(modules[i], MODULE);
			int err = module_unload(modules[i]);

			values[round] = now();
			err = err ?: is_ours ? module_load(modules[i], NULL) :
					       load_file(dir, modules[i]);
			values[round] = now() - values[round];
			if (err)
				die("%s: %d", modules[i], err);
		}
		print_row(sep, modules[i], median(values, rounds), values, 0);
		sep = ",";
	}
	printf("\n  },\n  \"memory\": {");
	sep = "";
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++) {
		printf("%s\n    \"%s\": {\"module\": %ld, \"BTF\": %ld}", sep, modules[i],
		       sysfs_size("/sys/module/%s/coresize", modules[i], true),
		       sysfs_size("/sys/kernel/btf/%s", modules[i], false));
		sep = ",";
	}
}

static void load_all(const char *dir)
{
	char path[1200];
	struct bpf_map *map, *first = NULL;
	size_t size;
	int err;

	/* Once is enough for its KUnit tests. */
	write_file("/sys/module/kunit/parameters/filter_glob", "none");
	err = load_file(dir, MODULE_C) ?: load_file(dir, MODULE_RUST) ?:
	      module_load(MODULE, NULL);
	if (err)
		die("loading the modules, those of bench_modules/ from %s: %s",
		    dir, strerror(-err));

	snprintf(path, sizeof(path), "%s/bench.bpf.o", test_dir());
	for (int i = 0; i < COPIES; i++) {
		obj[i] = bpf_object__open_file(path, NULL);
		map = obj[i] ? bpf_object__find_map_by_name(obj[i], ".data.bench") : NULL;
		/* All have the variables of the first one. */
		if (!map || (first && bpf_map__reuse_fd(map, bpf_map__fd(first))) ||
		    bpf_object__load(obj[i]))
			die("%s cannot be loaded", path);
		first = first ?: map;
	}
	bench = bpf_map__initial_value(first, &size);
	if (!bench || size != sizeof(*bench))
		die("%s is not what this was built with", path);
	err = ns_ident(getpid(), "pid", &bench->self);
	if (err)
		die("stat: %d", err);
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
	if (run_prog((void *)(intptr_t)prog_fd("read_code", 0)))
		die("%s cannot be read", function);
	printf("%s %lx ", function, found);
	for (__u32 i = 0; i < bench->code_size; i++)
		printf("%02x", bench->code[i]);
	printf("\n");
}

/* Prints ADDRESS and NAME of what functions may refer to. */
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
	const char *dir = test_dir();
	bool show_code = false;
	int arg = 1;

	if (argc > arg && !strcmp(argv[arg], "--quick")) {
		rounds = COPIES;
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

	sched_getaffinity(0, sizeof(all_cpus), &all_cpus);
	stay_on_cpu(true);
	printf("{\n  \"rounds\": %d,\n  \"copies\": %d,\n  \"calls\": %d,\n  \"rows\": {",
	       rounds, COPIES, turns * CALLS_PER_TURN);
	measure_calls();
	measure_depth();
	measure_number();
	measure_cpus();
	measure_loads();
	for (int i = 0; i < COPIES; i++)
		bpf_object__close(obj[i]);
	measure_modules(dir);
	printf("\n  }\n}\n");
	return 0;
}
