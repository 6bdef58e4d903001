// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks start, exit and change their namespaces on all CPUs, while programs ask
 * about other tasks. Each result is compared with a record of all namespaces.
 * Prints how often the result was -EBUSY, which has to be rare in programs that
 * an agent takes a snapshot with, or decides with.
 *
 * Takes about 10 s, with TORTURE=1 in the environment five minutes.
 */
#include <errno.h>
#include <linux/compiler.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "task_stress.h"
#include "task_util.h"

#define SHORT_SECS	10
#define LONG_SECS	300
#define MAX_CPUS	64
#define MAX_SPACES	(1 << 18)
#define NR_HOMES	3
#define MAX_BUSY_PERCENT 1

static const char *const names[NR_TASK_PROGS] = {
	[OF_ITERATOR] = "an iterator",
	[OF_SYSCALL] = "a syscall program",
	[OF_LSM] = "an LSM hook",
	[OF_FORK] = "sched_process_fork",
	[OF_SWITCH] = "sched_switch",
	[OF_FREE] = "sched_process_free",
	[OF_PARENT] = "a perf event",
};

static struct bpf_object *record, *obj;
static struct bpf_link *links[NR_TASK_PROGS + MAX_CPUS];
static int nr_links;
static struct ns_task homes[NR_HOMES];
static int home_fds[NR_HOMES][NR_NS_TYPES];
static pid_t workers[2 * MAX_CPUS];
static int nr_workers;
static bool *stop;
static struct stress *stress;
static int spaces_fd;

static void clean_up(void)
{
	for (int i = 0; i < nr_workers; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	for (int i = 0; i < NR_HOMES; i++)
		ns_stop(&homes[i]);
	for (int i = 0; i < nr_links; i++)
		bpf_link__destroy(links[i]);
	bpf_object__close(obj);
	bpf_object__close(record);
}

/* Ends the test if it cannot go on. */
#define must(CALL)							\
	({								\
		long ret_ = (CALL);					\
									\
		if (ret_ < 0) {						\
			ksft_print_msg("%s: %ld, errno %d\n", #CALL,	\
				       ret_, errno);			\
			clean_up();					\
			ksft_exit_fail();				\
		}							\
		ret_;							\
	})

static void read_file(const char *path)
{
	char buf[512];
	FILE *f = fopen(path, "re");

	while (f && fgets(buf, sizeof(buf), f))
		;
	if (f)
		fclose(f);
}

/* Takes the locks of this task and of its parent. */
static void use_locks(pid_t parent)
{
	struct rlimit limit;
	char path[64];

	prlimit(parent, RLIMIT_CORE, NULL, &limit);
	kill(parent, 0);
	snprintf(path, sizeof(path), "/proc/%d/status", parent);
	read_file(path);
	read_file("/proc/self/stat");
}

static void __noreturn live(unsigned int seed, pid_t parent)
{
	static const int cheap[] = {
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWCGROUP, CLONE_NEWUSER,
		CLONE_NEWNS,
	};
	char *const argv[] = { "true", NULL };

	use_locks(parent);
	for (int i = 0; i < 4; i++) {
		int type = rand_r(&seed) % NR_NS_TYPES;

		setns(home_fds[rand_r(&seed) % NR_HOMES][type],
		      ns_types[type].flag);
		unshare(cheap[rand_r(&seed) % ARRAY_SIZE(cheap)]);
	}
	/* A child without a wait(2). */
	if (rand_r(&seed) % 4 == 0 && fork() == 0)
		_exit(0);
	use_locks(parent);
	if (rand_r(&seed) % 16 == 0)
		execv("/bin/true", argv);
	_exit(0);
}

static void __noreturn churn(int cpu, unsigned int seed)
{
	static const __u64 mixes[] = {
		0, CLONE_NEWPID, CLONE_NEWPID | CLONE_NEWUSER,
		CLONE_NEWUTS | CLONE_NEWIPC, CLONE_NEWNS | CLONE_NEWTIME,
		CLONE_NEWPID | CLONE_NEWCGROUP,
	};
	pid_t self = getpid();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		struct clone_args args = { .exit_signal = SIGCHLD };
		unsigned int random = rand_r(&seed);
		pid_t pid;

		args.flags = mixes[random % ARRAY_SIZE(mixes)];
		if (random / 16 % 32 == 0)
			args.flags = ALL_NS;
		pid = syscall(SYS_clone3, &args, sizeof(args));
		if (!pid)
			live(random, self);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
	_exit(0);
}

/* Records the namespaces of all existing threads. */
static int record_existing(void)
{
	FILE *out = popen("ls -d /proc/[0-9]*/task/[0-9]* 2>/dev/null", "r");
	char line[128];
	int tid, i;

	while (out && fgets(line, sizeof(line), out)) {
		if (sscanf(line, "/proc/%*d/task/%d", &tid) != 1)
			continue;
		for (i = 0; i < NR_NS_TYPES; i++) {
			struct stress_space space = {
				.type = ns_types[i].flag,
				.made = BY_KPROBE | BY_FENTRY,
			};
			struct bpf_ns_ident ident;

			/* The task may have exited. */
			if (ns_ident(tid, ns_types[i].name, &ident))
				continue;
			space.ino = ident.ino;
			bpf_map_update_elem(spaces_fd, &ident.id, &space,
					    BPF_NOEXIST);
		}
	}
	/* ls(1) fails if a thread exits meanwhile. */
	return out && pclose(out) >= 0 ? 0 : -EIO;
}

static struct bpf_object *open_object(const char *name)
{
	char path[1200];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", test_dir(), name);
	return bpf_object__open_file(path, NULL);
}

static struct bpf_map *get_map(struct bpf_object *o, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(o, name);

	must(map ? 0 : -ENOENT);
	return map;
}

static void start_record(void)
{
	struct bpf_program *prog;

	record = open_object("stress_record");
	must(record ? 0 : -errno);
	bpf_map__set_max_entries(get_map(record, "spaces"), MAX_SPACES);
	must(bpf_object__load(record));
	spaces_fd = bpf_map__fd(get_map(record, "spaces"));
	stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE, MAP_SHARED,
		      bpf_map__fd(get_map(record, "stress")), 0);
	must(stress == MAP_FAILED ? -errno : 0);
	must(ns_ident(getpid(), "pid", &stress->initial));
	bpf_object__for_each_program(prog, record)
		must(bpf_program__attach(prog) ? 0 : -errno);
	must(record_existing());
}

static void add_link(struct bpf_link *link)
{
	must(link ? 0 : -errno);
	links[nr_links++] = link;
}

static void attach_perf_event(struct bpf_program *prog, int nr_cpus)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = 1000000,
	};

	for (int cpu = 0; cpu < nr_cpus; cpu++) {
		int fd = must(syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
				      PERF_FLAG_FD_CLOEXEC));

		add_link(bpf_program__attach_perf_event(prog, fd));
	}
}

static struct bpf_program *get_prog(const char *name)
{
	return bpf_object__find_program_by_name(obj, name);
}

static int start_programs(int nr_cpus)
{
	struct bpf_program *prog;
	int iter = -1;

	obj = open_object("task_stress");
	must(obj ? 0 : -errno);
	if (!kernel_has_bpf_lsm())
		bpf_program__set_autoload(get_prog("task_of_lsm"), false);
	must(bpf_map__reuse_fd(get_map(obj, "spaces"), spaces_fd));
	must(bpf_map__reuse_fd(get_map(obj, "stress"),
			       bpf_map__fd(get_map(record, "stress"))));
	must(bpf_object__load(obj));
	bpf_object__for_each_program(prog, obj) {
		if (!bpf_program__autoload(prog) ||
		    bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL)
			continue;
		if (bpf_program__type(prog) == BPF_PROG_TYPE_PERF_EVENT) {
			attach_perf_event(prog, nr_cpus);
			continue;
		}
		add_link(bpf_program__attach(prog));
		if (!strcmp(bpf_program__name(prog), "task_of_iterator"))
			iter = bpf_link__fd(links[nr_links - 1]);
	}
	return iter;
}

static void run_iterator(int link)
{
	int fd = must(bpf_iter_create(link));
	char byte;

	must(read(fd, &byte, 1));
	close(fd);
}

/* Of all CPUs. */
static void get_count(__u32 prog, struct task_stress_count *sum)
{
	int nr_cpus = libbpf_num_possible_cpus();
	struct task_stress_count *counts = calloc(nr_cpus, sizeof(*counts));

	*sum = (struct task_stress_count){};
	must(counts ? 0 : -ENOMEM);
	must(bpf_map_lookup_elem(bpf_map__fd(get_map(obj, "task_counts")), &prog,
				 counts));
	for (int i = 0; i < nr_cpus; i++) {
		sum->right += counts[i].right;
		sum->none += counts[i].none;
		sum->busy += counts[i].busy;
		sum->need_lock += counts[i].need_lock;
		sum->unknown += counts[i].unknown;
		sum->wrong += counts[i].wrong;
	}
	free(counts);
}

/* Where the kfunc may try the lock on all kernels, and others hold it briefly. */
static bool is_too_busy(enum task_stress_prog prog,
			const struct task_stress_count *count)
{
	return (prog == OF_ITERATOR || prog == OF_SYSCALL || prog == OF_LSM) &&
	       count->busy * 100 > count->need_lock * MAX_BUSY_PERCENT;
}

/* Events that both recording programs may have missed: see stress.c. */
static __u64 get_misses(void)
{
	__u64 by_kprobe = 0, by_fentry = 0;
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, record) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info);

		must(bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info,
					     &len));
		if (info.type == BPF_PROG_TYPE_KPROBE)
			by_kprobe += info.recursion_misses;
		else
			by_fentry += info.recursion_misses;
	}
	return by_kprobe < by_fentry ? by_kprobe : by_fentry;
}

static void print_wrong(void)
{
	struct task_stress_wrong *wrong;
	size_t size;

	wrong = bpf_map__initial_value(get_map(obj, ".data.wrong"), &size);
	if (!wrong || !wrong->is_there)
		return;
	ksft_print_msg("in %s, task %u, type %#x: %lld, dev %llu ino %llu id %llu\n",
		       names[wrong->prog], wrong->pid, wrong->type, wrong->ret,
		       wrong->ident.dev, wrong->ident.ino, wrong->ident.id);
	ksft_print_msg("recorded: ino %u, type %#x, gone as %llu of %llu\n",
		       wrong->space.ino, wrong->space.type, wrong->space.gone_as,
		       wrong->gone);
}

int main(void)
{
	struct task_stress_count count, sum = {};
	int nr_cpus, iter, i, j, nr_silent = 0, nr_busy = 0;
	bool has_lsm = kernel_has_bpf_lsm();
	__u64 misses;
	time_t end;

	ksft_print_header();
	skip_all_without(MODULE);
	ksft_set_plan(5);
	must(module_load(MODULE, NULL));
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	stop = ns_alloc(sizeof(*stop));
	must(stop ? 0 : -ENOMEM);

	start_record();
	for (i = 0; i < NR_HOMES; i++) {
		must(ns_start(&homes[i], NULL, ALL_NS));
		for (j = 0; j < NR_NS_TYPES; j++)
			home_fds[i][j] = must(ns_open(homes[i].pid,
						      ns_types[j].name));
	}
	iter = start_programs(nr_cpus);
	for (i = 0; i < 2 * nr_cpus; i++) {
		workers[i] = must(fork());
		if (!workers[i])
			churn(i % nr_cpus, i + 1);
		nr_workers++;
	}
	end = time(NULL) + (is_torture() ? LONG_SECS : SHORT_SECS);
	while (time(NULL) < end) {
		run_iterator(iter);
		must(run_syscall_prog(bpf_program__fd(get_prog("task_of_syscall")),
				      NULL, 0));
		/* Calls the LSM hook for each process. */
		must(kill(-1, 0));
	}
	__atomic_store_n(stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < nr_workers; i++)
		waitpid(workers[i], NULL, 0);
	nr_workers = 0;

	for (i = 0; i < NR_TASK_PROGS; i++) {
		get_count(i, &count);
		ksft_print_msg("%-18s %8llu right %7llu none, %6llu -EBUSY of %llu with lock\n",
			       names[i], count.right, count.none, count.busy,
			       count.need_lock);
		/* A task that is freed still has its user namespace. */
		if (!count.right && (has_lsm || i != OF_LSM))
			nr_silent++;
		nr_busy += is_too_busy(i, &count);
		sum.right += count.right;
		sum.unknown += count.unknown;
		sum.wrong += count.wrong;
	}
	ksft_print_msg("%llu namespaces made, %llu gone\n", stress->made,
		       stress->gone);
	print_wrong();
	ksft_test_result(!sum.wrong, "no answer is wrong\n");
	misses = get_misses();
	if (misses && (sum.unknown || stress->not_recorded))
		ksft_test_result_skip("the record may lack %llu events\n", misses);
	else
		ksft_test_result(!sum.unknown && !stress->not_recorded,
				 "every answer is of a recorded namespace\n");
	ksft_test_result(!nr_silent, "every program has answers\n");
	ksft_test_result(!nr_busy,
			 "-EBUSY is rare in an iterator, by syscall and in an LSM hook\n");
	ksft_test_result(stress->made_types == ALL_NS && stress->gone,
			 "namespaces of all types were made, and some gone\n");
	clean_up();
	ksft_finished();
}
