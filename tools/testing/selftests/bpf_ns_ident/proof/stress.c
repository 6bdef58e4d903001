// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks create and release namespaces on all CPUs as fast as possible, while
 * programs of all types call the kfuncs. Other programs are loaded and
 * unloaded, and the module is unloaded and loaded whenever no program uses it.
 *
 * A program without kfuncs keeps a record of all namespaces: it is attached to
 * the functions of the kernel that publish and remove them. Each result is
 * compared with the record.
 *
 * Takes about 15 s. With TORTURE=1 in the environment, runs until it has ten
 * million results and 100,000 namespaces.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/compiler.h>
#include <linux/netfilter.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest.h"
#include "lwt_util.h"
#include "ns_util.h"
#include "stress.h"

#define SHORT_SECS	15
#define LONG_ANSWERS	10000000ULL
#define LONG_SPACES	100000ULL

#define ROUND_MSECS	2000
#define PORT		4243
#define MAX_CPUS	64
#define NR_HOMES	3
/* At most one of this number of calls returns an error. */
#define MAX_ERROR_SHARE	10

#define LO		1
#define LO_NAME		"lo"

/* Addresses that run programs of routes. No socket listens there. */
static const struct {
	const char *prog;
	struct lwt_route route;
} routes[] = {
	{ "stress_lwt_in", { "192.0.2.1", LO_NAME, LWT_BPF_IN, RTN_LOCAL } },
	{ "stress_lwt_out", { "192.0.2.2", LO_NAME, LWT_BPF_OUT, RTN_UNICAST } },
	{ "stress_lwt_xmit", { "192.0.2.3", LO_NAME, LWT_BPF_XMIT, RTN_UNICAST } },
};

static const struct {
	const char *name;
	__u64 flag;
} types[] = {
	{ "cgroup", CLONE_NEWCGROUP },
	{ "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS },
	{ "net", CLONE_NEWNET },
	{ "pid", CLONE_NEWPID },
	{ "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },
	{ "uts", CLONE_NEWUTS },
};

/* Data that processes of the test share. */
static struct {
	bool stop;
	bool hands_off;		/* do not load or unload the module */
	bool pause;		/* start no tasks */
	__u32 prog_id;		/* of the syscall program */
	__u64 entered;		/* number of calls of setns() */
	__u64 loads;		/* number of loaded programs */
	__u64 refused_loads;	/* the module was not loaded */
	__u64 bad_loads;
	__s64 bad_load;		/* the last errno */
} *shared;

static bool is_long;
static int nr_cpus;
static struct ns_task homes[NR_HOMES];
static int home_fds[NR_HOMES][ARRAY_SIZE(types)];
static struct ns_cgroup cgroup = { .fd = -1 };
static struct stress *stress;
static int spaces_fd, counts_fd, stress_fd;
static int filter_sock = -1;
static pid_t workers[2 * MAX_CPUS + 2];
static int nr_workers;

static void clean_up(void)
{
	for (int i = 0; i < nr_workers; i++) {
		kill(workers[i], SIGKILL);
		waitpid(workers[i], NULL, 0);
	}
	for (int i = 0; i < NR_HOMES; i++)
		ns_stop(&homes[i]);
	ns_cgroup_close(&cgroup);
	module_load(MODULE, NULL);
}

static void __noreturn __printf(1, 2) give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	clean_up();
	ksft_exit_fail();
}

/* Ends the test if it cannot go on. */
#define must(CALL)							\
	({								\
		long ret_ = (CALL);					\
									\
		if (ret_ < 0)						\
			give_up("%s: %ld, errno %d", #CALL, ret_, errno); \
		ret_;							\
	})

static bool is_over(void)
{
	return __atomic_load_n(&shared->stop, __ATOMIC_RELAXED);
}

static __u64 now_msecs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}

/* For uprobes. Not static or inlined, so that libbpf finds its symbol. */
int stress_target(void);
noinline int stress_target(void)
{
	asm volatile("");
	return 0;
}

static int bring_up_lo(void)
{
	struct ifreq req = { .ifr_name = LO_NAME, .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = ioctl(sock, SIOCSIFFLAGS, &req) ? -errno : 0;

	close(sock);
	return err;
}

/* Runs programs for sockets and packets, in the net namespace of the caller. */
static void use_sockets(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int value, sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(value);

	if (sock < 0)
		return;
	getsockopt(sock, SOL_SOCKET, SO_TYPE, &value, &len);
	if (!connect(sock, (void *)&addr, sizeof(addr)))
		send(sock, &value, sizeof(value), MSG_DONTWAIT);
	close(sock);
}

static void use_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;

	if (fd < 0)
		return;
	if (read(fd, &byte, 1) < 0)
		perror(path);
	close(fd);
}

static void send_to(const char *text)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
	};

	inet_pton(AF_INET, text, &addr.sin_addr);
	sendto(sock, "", 1, MSG_DONTWAIT, (void *)&addr, sizeof(addr));
	close(sock);
}

static int connect_pair(int listener, int ends[2])
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);

	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ends[1] = -1;
	if (!getsockname(listener, (void *)&addr, &len) &&
	    !connect(ends[0], (void *)&addr, len))
		ends[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	return ends[1] < 0 ? -errno : 0;
}

static int listen_anywhere(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(sock, (void *)&addr, sizeof(addr)) || listen(sock, 1))
		return -errno;
	return sock;
}

static void close_pair(int ends[2])
{
	/* Avoids a timewait socket for each. */
	struct linger linger = { .l_onoff = 1 };

	for (int i = 0; i < 2; i++) {
		if (ends[i] < 0)
			continue;
		setsockopt(ends[i], SOL_SOCKET, SO_LINGER, &linger,
			   sizeof(linger));
		close(ends[i]);
	}
}

/*
 * Causes events for programs that are attached in the test's own net namespace.
 */
static void __noreturn use_network(int listener)
{
	int ends[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!is_over()) {
		connect_pair(listener, ends);
		close_pair(ends);
		for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
			send_to(routes[i].route.addr);
		use_file("/proc/sys/kernel/ostype");
		usleep(2000);
	}
	_exit(0);
}

static void do_this_and_that(void)
{
	use_file("/dev/null");
	getppid();
	stress_target();
	use_sockets();
}

/* The life of a task in namespaces of its own. */
static void __noreturn live(unsigned int seed, __u64 flags, int prog)
{
	static const int cheap[] = {
		CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWCGROUP,
		CLONE_NEWUSER, CLONE_NEWNS,
	};
	size_t type = rand_r(&seed) % ARRAY_SIZE(types);
	int home = rand_r(&seed) % NR_HOMES;
	pid_t pid;

	if (flags & CLONE_NEWNET)
		bring_up_lo();
	do_this_and_that();
	run_syscall_prog(prog, NULL, 0);
	if (!setns(home_fds[home][type], types[type].flag))
		__atomic_fetch_add(&shared->entered, 1, __ATOMIC_RELAXED);
	do_this_and_that();
	unshare(cheap[rand_r(&seed) % ARRAY_SIZE(cheap)]);
	run_syscall_prog(prog, NULL, 0);
	pid = fork();
	if (!pid) {
		stress_target();
		_exit(0);
	}
	/* Half of the children are released without wait(2). */
	if (pid > 0 && rand_r(&seed) % 2)
		waitpid(pid, NULL, 0);
	do_this_and_that();
	_exit(0);
}

/* Starts tasks until the end, each in some new namespaces. */
static void __noreturn churn(int cpu, unsigned int seed)
{
	static const __u64 mixes[] = {
		CLONE_NEWPID,
		CLONE_NEWPID | CLONE_NEWUSER,
		CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC,
		CLONE_NEWUSER | CLONE_NEWCGROUP,
		CLONE_NEWNS | CLONE_NEWTIME | CLONE_NEWUTS,
		CLONE_NEWPID | CLONE_NEWCGROUP | CLONE_NEWTIME,
		0,
	};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!is_over()) {
		struct clone_args args = { .exit_signal = SIGCHLD };
		unsigned int random = rand_r(&seed);
		__u32 id = __atomic_load_n(&shared->prog_id, __ATOMIC_RELAXED);
		int prog = bpf_prog_get_fd_by_id(id);
		pid_t pid;

		args.flags = mixes[random % ARRAY_SIZE(mixes)];
		/* Net namespaces are slow, so create fewer of them. */
		if (random / 16 % 16 == 0)
			args.flags = CLONE_NEWNET | CLONE_NEWUSER;
		else if (random / 16 % 32 == 1)
			args.flags = ALL_NS;
		pid = syscall(SYS_clone3, &args, sizeof(args));
		if (!pid)
			live(random, args.flags, prog);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		if (prog >= 0)
			close(prog);
		while (__atomic_load_n(&shared->pause, __ATOMIC_RELAXED) &&
		       !is_over())
			usleep(1000);
	}
	_exit(0);
}

/* Loads programs until the end, and tries to unload the module. */
static void __noreturn load_and_unload(void)
{
	static struct raw_prog prog;
	struct kfunc kfunc = { .btf_fd = -1 };
	int fd, err = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prog.kfunc = &kfunc;
	/* The id does not change during a boot. */
	if (kfunc_find(&kfunc, MODULE, KFUNC))
		_exit(1);
	for (unsigned int i = 0; !is_over(); i++) {
		kfunc_close(&kfunc);
		while (__atomic_load_n(&shared->hands_off, __ATOMIC_RELAXED))
			usleep(1000);
		/* Without a module, the kfunc is always there. */
		fd = module_is_built_in(MODULE) ? 0 : btf_open(MODULE, &kfunc.btf_id);
		kfunc.btf_fd = fd;
		if (fd >= 0)
			fd = raw_load_type(&prog, i % 2 ? BPF_PROG_TYPE_SYSCALL :
					   BPF_PROG_TYPE_RAW_TRACEPOINT, 0);
		if (fd >= 0) {
			__atomic_fetch_add(&shared->loads, 1, __ATOMIC_RELAXED);
			close(fd);
		} else if (fd == -ENOENT || fd == -ENXIO) {
			shared->refused_loads++;
		} else {
			shared->bad_load = fd;
			shared->bad_loads++;
		}
		/* This only succeeds between two rounds. */
		err = module_unload_now(MODULE);
		if (err && err != -EAGAIN && err != -EBUSY && err != -EEXIST) {
			shared->bad_load = err;
			shared->bad_loads++;
		}
		usleep(1000);
	}
	_exit(0);
}

/* Records the namespaces of an existing task. */
static int record_existing(pid_t pid)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct stress_space space = {
			.type = types[i].flag,
			.made = BY_KPROBE | BY_FENTRY,
		};
		struct bpf_ns_ident ident;

		/* The task may have exited. */
		if (ns_ident(pid, types[i].name, &ident))
			continue;
		if (ident.dev != stress->initial.dev)
			return -EXDEV;
		space.ino = ident.ino;
		bpf_map_update_elem(spaces_fd, &ident.id, &space, BPF_NOEXIST);
	}
	return 0;
}

/* Includes threads. */
static int record_all_existing(void)
{
	FILE *out = popen("ls -d /proc/[0-9]*/task/[0-9]* 2>/dev/null", "r");
	char line[128];
	int tid, err = 0;

	while (out && !err && fgets(line, sizeof(line), out))
		if (sscanf(line, "/proc/%*d/task/%d", &tid) == 1)
			err = record_existing(tid);
	return out && !pclose(out) ? err : -EIO;
}

static struct bpf_object *open_object(const char *name)
{
	char path[1200];
	struct bpf_object *obj;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", test_dir(), name);
	obj = bpf_object__open_file(path, NULL);
	if (!obj)
		give_up("cannot open %s: errno %d", path, errno);
	return obj;
}

static struct bpf_map *get_map(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	if (!map)
		give_up("there is no map %s", name);
	return map;
}

static struct bpf_object *start_record(void)
{
	struct bpf_object *obj = open_object("stress_record");
	struct bpf_program *prog;

	bpf_map__set_max_entries(get_map(obj, "spaces"),
				 is_long ? 8 * LONG_SPACES : 1 << 16);
	must(bpf_object__load(obj));
	spaces_fd = bpf_map__fd(get_map(obj, "spaces"));
	counts_fd = bpf_map__fd(get_map(obj, "counts"));
	stress_fd = bpf_map__fd(get_map(obj, "stress"));
	stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE, MAP_SHARED,
		      stress_fd, 0);
	if (stress == MAP_FAILED)
		give_up("mmap: errno %d", errno);
	must(ns_ident(getpid(), "pid", &stress->initial));
	bpf_object__for_each_program(prog, obj)
		if (!bpf_program__attach(prog))
			give_up("%s: errno %d", bpf_program__name(prog), errno);
	must(record_all_existing());
	return obj;
}

#define MAX_ATTACHED (MAX_STRESS_PROGS + MAX_CPUS)

/* The programs of one round. */
struct round {
	struct bpf_object *obj;
	struct bpf_link *links[MAX_ATTACHED];
	int nr_links;
	int syscall_fd;
	int iter_link;
	int pair[2];		/* ends of a TCP connection, the second in the map */
};

static void add_link(struct round *round, struct bpf_program *prog,
		     struct bpf_link *link)
{
	if (!link)
		give_up("%s cannot be attached: errno %d",
			bpf_program__name(prog), errno);
	round->links[round->nr_links++] = link;
}

/* Samples 10,000 times a second, on each CPU. */
static void attach_perf_event(struct round *round, struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = 100000,
	};

	for (int cpu = 0; cpu < nr_cpus; cpu++) {
		int fd = must(syscall(SYS_perf_event_open, &attr, -1, cpu, -1,
				      PERF_FLAG_FD_CLOEXEC));

		add_link(round, prog, bpf_program__attach_perf_event(prog, fd));
	}
}

static void attach_route(struct bpf_program *prog)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(bpf_program__name(prog), routes[i].prog))
			must(lwt_route_add(&routes[i].route,
					   bpf_program__fd(prog)));
}

static void attach_sockmap(struct round *round, struct bpf_program *prog)
{
	int map = bpf_map__fd(get_map(round->obj, "socks"));
	int listener = must(listen_anywhere());
	__u32 key = 0;
	__u64 sock;

	must(connect_pair(listener, round->pair));
	close(listener);
	sock = round->pair[1];
	must(bpf_prog_attach(bpf_program__fd(prog), map, BPF_SK_SKB_VERDICT, 0));
	must(bpf_map_update_elem(map, &key, &sock, BPF_ANY));
}

static void attach(struct round *round, struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_uprobe_opts, uprobe, .func_name = "stress_target");
	LIBBPF_OPTS(bpf_netfilter_opts, netfilter, .pf = NFPROTO_IPV4,
		    .hooknum = NF_INET_LOCAL_OUT, .priority = 1);
	int fd = bpf_program__fd(prog);
	struct bpf_link *link;

	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_SYSCALL:
		round->syscall_fd = fd;
		return;
	case BPF_PROG_TYPE_PERF_EVENT:
		attach_perf_event(round, prog);
		return;
	case BPF_PROG_TYPE_SOCKET_FILTER:
		/* Replaces the program of the last round. */
		must(setsockopt(filter_sock, SOL_SOCKET, SO_ATTACH_BPF, &fd,
				sizeof(fd)));
		return;
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_SOCK_OPS:
		link = bpf_program__attach_cgroup(prog, cgroup.fd);
		break;
	case BPF_PROG_TYPE_SCHED_CLS:
		link = bpf_program__attach_tcx(prog, LO, NULL);
		break;
	case BPF_PROG_TYPE_XDP:
		link = bpf_program__attach_xdp(prog, LO);
		break;
	case BPF_PROG_TYPE_NETFILTER:
		link = bpf_program__attach_netfilter(prog, &netfilter);
		break;
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
		attach_route(prog);
		return;
	case BPF_PROG_TYPE_SK_SKB:
		attach_sockmap(round, prog);
		return;
	default:
		if (!strcmp(bpf_program__section_name(prog), "uprobe"))
			link = bpf_program__attach_uprobe_opts(prog, -1,
							       "/proc/self/exe",
							       0, &uprobe);
		else
			link = bpf_program__attach(prog);
	}
	add_link(round, prog, link);
	if (!strncmp(bpf_program__section_name(prog), "iter", 4))
		round->iter_link = bpf_link__fd(link);
}

/* Fails if the worker has just unloaded the module. */
static int load_round(struct round *round)
{
	int err;

	memset(round, 0, sizeof(*round));
	round->obj = open_object("stress");
	must(bpf_map__reuse_fd(get_map(round->obj, "spaces"), spaces_fd));
	must(bpf_map__reuse_fd(get_map(round->obj, "counts"), counts_fd));
	must(bpf_map__reuse_fd(get_map(round->obj, "stress"), stress_fd));
	libbpf_set_print(NULL);
	err = bpf_object__load(round->obj);
	if (err)
		bpf_object__close(round->obj);
	return err;
}

static void start_round(struct round *round)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	struct bpf_program *prog;
	int tries = 0, err;

	/* No program runs yet, and the verifier needs the CPUs. */
	__atomic_store_n(&shared->pause, true, __ATOMIC_RELAXED);
	do {
		/*
		 * On a single CPU, the worker might unload the module each
		 * time.
		 */
		__atomic_store_n(&shared->hands_off, tries >= 10,
				 __ATOMIC_RELAXED);
		must(module_load(MODULE, NULL));
		err = load_round(round);
	} while (err && ++tries < 20);
	must(err);
	__atomic_store_n(&shared->hands_off, false, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->pause, false, __ATOMIC_RELAXED);
	bpf_object__for_each_program(prog, round->obj)
		attach(round, prog);
	must(bpf_prog_get_info_by_fd(round->syscall_fd, &info, &len));
	__atomic_store_n(&shared->prog_id, info.id, __ATOMIC_RELAXED);
}

/* Runs the programs that need an action of the test. */
static void run_round(struct round *round)
{
	__u64 end = now_msecs() + ROUND_MSECS;
	char text[256];
	int fd;

	while (now_msecs() < end) {
		must(run_syscall_prog(round->syscall_fd, NULL, 0));
		fd = must(bpf_iter_create(round->iter_link));
		while (read(fd, text, sizeof(text)) > 0)
			;
		close(fd);
		while (recv(filter_sock, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
		use_sockets();
		must(send(round->pair[0], "", 1, MSG_DONTWAIT));
		while (recv(round->pair[1], text, sizeof(text),
			    MSG_DONTWAIT) > 0)
			;
		usleep(1000);
	}
}

static void end_round(struct round *round)
{
	int none = -1, tries = 0, err;

	__atomic_store_n(&shared->prog_id, 0, __ATOMIC_RELAXED);
	for (int i = 0; i < round->nr_links; i++)
		bpf_link__destroy(round->links[i]);
	setsockopt(filter_sock, SOL_SOCKET, SO_DETACH_BPF, &none, sizeof(none));
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		must(lwt_route_del(&routes[i].route));
	/*
	 * Close the sockets, since kprobes do not run during a map operation.
	 */
	close_pair(round->pair);
	bpf_object__close(round->obj);

	/* A closed program is freed after a grace period. */
	__atomic_store_n(&shared->hands_off, true, __ATOMIC_RELAXED);
	do {
		err = module_unload(MODULE);
	} while (err == -EAGAIN && ++tries < 10);
	must(err == -EEXIST ? 0 : err);
	__atomic_store_n(&shared->hands_off, false, __ATOMIC_RELAXED);
}

/* Forks. Returns whether this is the worker. */
static bool start_worker(void)
{
	pid_t pid = must(fork());

	if (!pid)
		return true;
	workers[nr_workers++] = pid;
	must(ns_cgroup_add(&cgroup, pid));
	return false;
}

static void start_workers(void)
{
	int listener = must(listen_anywhere());

	for (int i = 0; i < 2 * nr_cpus; i++)
		if (start_worker())
			churn(i / 2, getpid());
	if (start_worker())
		load_and_unload();
	if (start_worker())
		use_network(listener);
	close(listener);
}

static void stop_workers(void)
{
	__atomic_store_n(&shared->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < nr_workers; i++)
		waitpid(workers[i], NULL, 0);
	nr_workers = 0;
}

static void get_counts(struct stress_count *sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct stress_count *counts = calloc(cpus, sizeof(*counts));
	__u32 key = 0;

	memset(sum, 0, sizeof(*sum));
	must(bpf_map_lookup_elem(counts_fd, &key, counts));
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < sizeof(*sum) / sizeof(__u64); i++)
			((__u64 *)sum)[i] += ((__u64 *)&counts[cpu])[i];
	free(counts);
}

/* Totals of the record. */
struct totals {
	__u64 spaces;
	__u64 gone;
	__u64 answers;
	__u64 asked_about;	/* namespaces with a result */
};

static void get_totals(struct totals *totals)
{
	__u64 id, *last = NULL;

	memset(totals, 0, sizeof(*totals));
	while (!bpf_map_get_next_key(spaces_fd, last, &id)) {
		struct stress_space space;

		must(bpf_map_lookup_elem(spaces_fd, &id, &space));
		totals->spaces++;
		totals->gone += space.is_gone;
		totals->answers += space.answers;
		totals->asked_about += space.answers > 0;
		last = &id;
	}
}

/* Returns the kernel memory that cannot be reclaimed, in KiB. */
static long get_memory(void)
{
	long memory = 0, kib;
	char line[128];
	FILE *file;

	/* Caches are not leaks. */
	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "SUnreclaim: %ld", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %ld", &kib) == 1 ||
		    sscanf(line, "Percpu: %ld", &kib) == 1)
			memory += kib;
	if (file)
		fclose(file);
	return memory;
}

/* A kernel worker frees net namespaces, with a delay. */
static __u64 wait_for_end(void)
{
	__u64 deadline = now_msecs() + 120 * 1000;
	__u64 made, gone;

	do {
		made = __atomic_load_n(&stress->made, __ATOMIC_SEQ_CST);
		gone = __atomic_load_n(&stress->gone, __ATOMIC_SEQ_CST);
		usleep(10000);
	} while (gone < made && now_msecs() < deadline);
	return made - gone;
}

static __u64 sum_of(const __u64 *values)
{
	__u64 sum = 0;

	for (int i = 0; i < NR_ASK; i++)
		sum += values[i];
	return sum;
}

static const char *const kfuncs[] = {
	[ASK_PIDNS] = "bpf_get_current_pidns_ident",
	[ASK_NS] = "bpf_get_current_ns_ident",
	[ASK_PID_IN] = "bpf_get_current_pid_tgid_in",
	[ASK_SK] = "bpf_sk_netns_ident",
	[ASK_SKB] = "bpf_skb_netns_ident",
	[ASK_XDP] = "bpf_xdp_netns_ident",
	[ASK_NF] = "bpf_nf_netns_ident",
};

/*
 * Programs that run on top of tasks without an nsproxy or without pids. Each
 * exit of a task runs two of these programs.
 */
static const struct {
	int prog;
	bool is_certain;
	const char *where;
} at_exit[] = {
	{ 2, true, "the last sched_switch" },
	{ 5, true, "the return from exit_nsproxy_namespaces()" },
	{ 7, false, "the return from release_task() on itself" },
	{ 11, false, "an interrupt after any of these" },
};

/* Only these programs get errors, and only few of them. */
static bool errors_are_at_exit(const struct stress_count *count)
{
	__u64 errors[MAX_STRESS_PROGS];
	bool is_ok = true;

	memcpy(errors, stress->none_by_prog, sizeof(errors));
	for (size_t i = 0; i < ARRAY_SIZE(at_exit); i++) {
		ksft_print_msg("%llu errors at %s\n", errors[at_exit[i].prog],
			       at_exit[i].where);
		if (at_exit[i].is_certain && !errors[at_exit[i].prog])
			is_ok = false;
		errors[at_exit[i].prog] = 0;
	}
	for (int i = 0; i < MAX_STRESS_PROGS; i++) {
		if (errors[i])
			ksft_print_msg("%llu errors in program %d, which never meets such a task\n",
				       errors[i], i);
		is_ok = is_ok && !errors[i];
	}
	for (int i = 0; i < NR_ASK; i++)
		is_ok = is_ok && count->none[i] <= count->asked[i] / MAX_ERROR_SHARE &&
			count->late[i] <= count->none[i];
	return is_ok;
}

static void print_counts(const struct stress_count *count)
{
	for (int i = 0; i < NR_ASK; i++)
		ksft_print_msg("%-28s %9llu asked %9llu right %7llu none (%llu late) %llu wrong\n",
			       kfuncs[i], count->asked[i], count->right[i],
			       count->none[i], count->late[i], count->wrong[i]);
}

static void print_wrong(void)
{
	ksft_print_msg("not as recorded, by program %u: %s type %#x returned %lld, %llu %llu %llu\n",
		       stress->prog, kfuncs[stress->kfunc], stress->type,
		       stress->ret, stress->ident.dev, stress->ident.ino,
		       stress->ident.id);
	ksft_print_msg("recorded for that id: ino %u type %#x gone %u\n",
		       stress->space.ino, stress->space.type,
		       stress->space.is_gone);
}

/*
 * The memory is compared with the memory after this number of rounds, when
 * caches are full.
 */
#define WARM_UP (is_long ? 10 : 1)

static bool is_enough(__u64 start, int rounds)
{
	struct stress_count count;

	if (rounds <= WARM_UP)
		return false;
	if (!is_long)
		return now_msecs() - start >= SHORT_SECS * 1000;
	get_counts(&count);
	ksft_print_msg("%llu answers, %llu namespaces\n", sum_of(count.right),
		       stress->made);
	return sum_of(count.right) >= LONG_ANSWERS &&
	       stress->made >= LONG_SPACES;
}

static void set_up(void)
{
	struct rlimit files = { 4096, 4096 };
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	setrlimit(RLIMIT_NOFILE, &files);
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_cpus > MAX_CPUS)
		nr_cpus = MAX_CPUS;
	shared = ns_alloc(sizeof(*shared));
	if (!shared)
		give_up("no memory");
	must(module_load(MODULE, NULL));
	must(ns_cgroup_open(&cgroup));
	must(bring_up_lo());
	filter_sock = must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	must(bind(filter_sock, (void *)&addr, sizeof(addr)));
	for (int i = 0; i < NR_HOMES; i++) {
		must(ns_start(&homes[i], NULL, ALL_NS));
		for (size_t j = 0; j < ARRAY_SIZE(types); j++)
			home_fds[i][j] = must(ns_open(homes[i].pid,
						      types[j].name));
	}
}

/* Returns the number of events that both recording programs may have missed. */
static __u64 get_misses(struct bpf_object *record)
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

/* With an incomplete record, a difference may be an error of the record. */
static void result_by_record(bool is_ok, __u64 misses, const char *name)
{
	if (is_ok || !misses)
		ksft_test_result(is_ok, "%s\n", name);
	else
		ksft_test_result_skip("%s, the record may lack %llu events\n",
				      name, misses);
}

int main(void)
{
	struct bpf_object *record;
	struct stress_count count;
	struct totals totals;
	int i, rounds = 0;
	long before = 0, more;
	__u64 start, left, misses, made_before = 0;
	struct round round;

	ksft_print_header();
	ksft_set_plan(11);
	setvbuf(stdout, NULL, _IOLBF, 0);
	is_long = is_torture();
	set_up();
	record = start_record();
	start_workers();
	start = now_msecs();
	do {
		start_round(&round);
		run_round(&round);
		end_round(&round);
		rounds++;
		if (rounds == WARM_UP) {
			made_before = stress->made;
			before = get_memory();
		}
	} while (!is_enough(start, rounds));
	stop_workers();
	left = wait_for_end();
	more = get_memory() - before;
	get_counts(&count);
	get_totals(&totals);
	print_counts(&count);
	ksft_print_msg("%llu namespaces created, %llu with a result, %llu entered\n",
		       stress->made, totals.asked_about, shared->entered);
	ksft_print_msg("%llu programs loaded, and %d times the module\n",
		       shared->loads, rounds);

	misses = get_misses(record);
	result_by_record(!stress->not_recorded &&
			 stress->made <= totals.spaces, misses,
			 "every namespace is recorded");
	if (stress->has_wrong)
		print_wrong();
	ksft_test_result(!sum_of(count.wrong), "no answer is wrong\n");
	ksft_test_result(errors_are_at_exit(&count), "errors are for tasks at their end\n");
	result_by_record(!sum_of(count.unknown), misses,
			 "every answer is of a namespace that is recorded");
	/* Each call is counted once, by its result. */
	ksft_test_result(sum_of(count.asked) == sum_of(count.right) +
			 sum_of(count.none) + sum_of(count.wrong) +
			 sum_of(count.unknown) &&
			 totals.answers == sum_of(count.right) -
			 count.right[ASK_PID_IN], "no answer is lost\n");
	for (i = 0; i < NR_ASK && count.right[i]; i++)
		;
	ksft_test_result(i == NR_ASK, "every kfunc has answered\n");
	if (i < NR_ASK)
		ksft_print_msg("not %s\n", kfuncs[i]);
	for (i = 0; i < NR_STRESS_PROGS && stress->by_prog[i]; i++)
		;
	ksft_test_result(i == NR_STRESS_PROGS, "every program has asked\n");
	if (i < NR_STRESS_PROGS)
		ksft_print_msg("not program %d\n", i);
	result_by_record(!left, misses, "every namespace came to its end");
	if (left)
		ksft_print_msg("%llu did not\n", left);
	/* The smallest object of a namespace is larger. */
	ksft_test_result(more < 4096 + (long)(stress->made - made_before) / 16,
			 "no memory is lost\n");
	ksft_print_msg("%ld KiB more than %llu namespaces ago\n", more,
		       stress->made - made_before);
	ksft_test_result(shared->loads && !shared->bad_loads,
			 "others load and unload programs\n");
	if (shared->bad_loads)
		ksft_print_msg("%llu times not, the last error is %lld\n",
			       shared->bad_loads, shared->bad_load);
	ksft_test_result(stress->made_types == ALL_NS && shared->entered &&
			 (!is_long || (sum_of(count.right) >= LONG_ANSWERS &&
				       stress->made >= LONG_SPACES)),
			 "it was enough\n");
	bpf_object__close(record);
	clean_up();
	ksft_finished();
}
