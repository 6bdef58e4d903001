// SPDX-License-Identifier: GPL-2.0
/*
 * The results of all kfuncs depend on the namespaces from which a program was
 * loaded, and on nothing that happens to the program afterwards.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"
#include "origin.h"
#include "origin_stress.h"

#include "syscall.lskel.h"

#define ROOT_CONTAINER (ALL_NS & ~CLONE_NEWUSER)

/* Order of struct about. */
static const char *const type_names[NR_TYPES] = {
	"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts",
};

enum { ASK, ASK_ALL, ASK_SKB, ASK_FRAME, NR_PROGS };

static const char *const prog_names[NR_PROGS] = {
	"ask", "ask_all", "ask_skb", "ask_frame",
};

/* Programs that a task has loaded, shared with the test. */
struct loaded {
	char name[32];			/* in: of the object */
	__u32 target_id;		/* in: of the program to extend, or 0 */
	__u32 map_id, tail_id, first_id;
	__u32 prog_id[NR_PROGS];
	struct report report;		/* of another program */
	pid_t zombie;
};

static __u32 map_id(const struct bpf_object *obj, const char *name)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_object__find_map_fd_by_name(obj, name);

	return fd < 0 || bpf_map_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static __u32 prog_id(const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 || bpf_prog_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Loads an object, and keeps it until the task ends. */
static int do_load(void *arg)
{
	struct loaded *loaded = arg;
	struct bpf_program *prog;
	struct bpf_object *obj;
	char path[1200];
	int i, err;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", test_dir(), loaded->name);
	obj = bpf_object__open_file(path, NULL);
	if (!obj)
		return -errno;
	prog = bpf_object__next_program(obj, NULL);
	if (loaded->target_id) {
		int target = bpf_prog_get_fd_by_id(loaded->target_id);

		err = bpf_program__set_attach_target(prog, target, "replaceable");
		if (err)
			return err;
	}
	err = bpf_object__load(obj);
	if (err)
		return err;
	if (loaded->target_id && !bpf_program__attach_freplace(prog, 0, NULL))
		return -errno;
	loaded->map_id = map_id(obj, ".data.origin");
	loaded->tail_id = map_id(obj, "tail");
	loaded->first_id = prog_id(prog);
	for (i = 0; i < NR_PROGS; i++) {
		prog = bpf_object__find_program_by_name(obj, prog_names[i]);
		loaded->prog_id[i] = prog_id(prog);
	}
	return 0;
}

/* Runs a program on top of the task. */
static int run(void *id, void *packet, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = size);
	int err, fd = bpf_prog_get_fd_by_id((uintptr_t)id);

	if (fd < 0)
		return fd;
	err = bpf_prog_test_run_opts(fd, &opts);
	close(fd);
	return err;
}

static int do_run(void *id)
{
	return run(id, NULL, 0);
}

static int do_run_packet(void *id)
{
	char packet[64] = {};

	return run(id, packet, sizeof(packet));
}

/* Tasks in the pid namespace of the loader, and in each other one. */
enum { LOADER, SAME, INNER, SIBLING, HOST, NR_TASKS };

/* The levels of the pid namespaces of the tasks, and of the named ones. */
static const int levels[NR_TASKS] = {
	[LOADER] = 1, [SAME] = 1, [INNER] = 2, [SIBLING] = 1, [HOST] = 0,
};
static const int named_levels[NR_NAMED] = {
	[OWN] = 1, [BELOW] = 2, [BESIDE] = 1, [INITIAL] = 0,
};

/* Whether the task has a pid in the pid namespace of another one. */
static bool is_below(int task, int above)
{
	switch (above) {
	case HOST:
		return true;
	case LOADER:
	case SAME:
		return task == LOADER || task == SAME || task == INNER;
	default:
		return task == above;
	}
}

/* A task in each named namespace. */
static const int named_tasks[NR_NAMED] = {
	[OWN] = LOADER, [BELOW] = INNER, [BESIDE] = SIBLING, [INITIAL] = HOST,
};

FIXTURE(origin)
{
	struct ns_task tasks[NR_TASKS];
	struct ns_ids ids[NR_TASKS];
	struct bpf_ns_ident idents[NR_TASKS][NR_TYPES];
	struct ns_task extra;
	struct loaded *loaded, *further;
	struct origin asked;
	int map;
};

#define start(TASK, FROM, FLAGS)					\
	ASSERT_EQ(0, ns_start(&self->tasks[TASK], FROM, FLAGS))

FIXTURE_SETUP(origin)
{
	int i, j;

	self->map = -1;
	self->extra.sock = -1;
	for (i = 0; i < NR_TASKS; i++)
		self->tasks[i].sock = -1;
	if (!origin_is_recorded())
		SKIP(return, "this kernel does not record the origin of programs");
	self->loaded = ns_alloc(sizeof(*self->loaded));
	self->further = ns_alloc(sizeof(*self->further));
	ASSERT_NE(NULL, self->loaded);
	ASSERT_NE(NULL, self->further);
	libbpf_set_print(NULL);
	ASSERT_EQ(0, module_reload(MODULE, "loader_ns=user"));
	start(HOST, NULL, 0);
	start(SIBLING, NULL, ROOT_CONTAINER);
	start(LOADER, NULL, ROOT_CONTAINER);
	start(SAME, &self->tasks[LOADER], 0);
	start(INNER, &self->tasks[LOADER], ROOT_CONTAINER);
	for (i = 0; i < NR_TASKS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/status",
			 self->tasks[i].pid);
		ASSERT_EQ(0, ns_read_ids(path, &self->ids[i]));
		ASSERT_EQ(levels[i] + 1, self->ids[i].nr);
		for (j = 0; j < NR_TYPES; j++)
			ASSERT_EQ(0, ns_ident(self->tasks[i].pid, type_names[j],
					      &self->idents[i][j]));
	}
}

FIXTURE_TEARDOWN(origin)
{
	static const int order[] = { INNER, SAME, LOADER, SIBLING, HOST };

	if (self->map >= 0)
		close(self->map);
	ns_stop(&self->extra);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		ns_stop(&self->tasks[order[i]]);
	EXPECT_EQ(0, module_reload(MODULE, NULL));
}

#define load_object(TASK, NAME, LOADED)					\
	do {								\
		strcpy((LOADED)->name, NAME);				\
		ASSERT_EQ(0, ns_call(TASK, do_load, LOADED));		\
	} while (0)

#define load_from(TASK, NAME)						\
	do {								\
		load_object(TASK, NAME, self->loaded);			\
		self->map = bpf_map_get_fd_by_id(self->loaded->map_id);	\
		ASSERT_LE(0, self->map);				\
	} while (0)

static void write_args(struct __test_metadata *_metadata,
		       FIXTURE_DATA(origin) * self, __u32 other)
{
	__u32 key = 0;

	memset(&self->asked, 0, sizeof(self->asked));
	self->asked.other = other;
	for (int i = 0; i < NR_NAMED; i++)
		self->asked.named[i] = self->idents[named_tasks[i]][4];
	ASSERT_EQ(0, bpf_map_update_elem(self->map, &key, &self->asked, 0));
}

static void read_results(struct __test_metadata *_metadata,
			 FIXTURE_DATA(origin) * self)
{
	__u32 key = 0;

	ASSERT_EQ(0, bpf_map_lookup_elem(self->map, &key, &self->asked));
}

/* Runs a program on top of a task. */
static void ask(struct __test_metadata *_metadata, FIXTURE_DATA(origin) * self,
		const struct ns_task *task, __u32 other, int prog)
{
	int (*fn)(void *) = prog == ASK || prog == ASK_ALL ? do_run :
							    do_run_packet;

	write_args(_metadata, self, other);
	ASSERT_EQ(0, ns_call(task, fn,
			     (void *)(uintptr_t)self->loaded->prog_id[prog]));
	read_results(_metadata, self);
}

static void expect_answer(struct __test_metadata *_metadata, const char *name,
			  const struct answer *answer, int err,
			  const struct bpf_ns_ident *ident)
{
	static const struct bpf_ns_ident none;

	EXPECT_EQ(err, answer->err) {
		TH_LOG("%s", name);
	}
	if (err)
		ident = &none;
	EXPECT_EQ(0, memcmp(ident, &answer->ident, sizeof(*ident))) {
		TH_LOG("%s: %llu %llu %llu", name, answer->ident.dev,
		       answer->ident.ino, answer->ident.id);
	}
}

#define expect_ident(ANSWER, ERR, IDENT)				\
	expect_answer(_metadata, #ANSWER, &(ANSWER), ERR, IDENT)

static __s64 pid_tgid_at(const struct ns_ids *ids, int level)
{
	return (__s64)ids->tgid[level] << 32 | ids->pid[level];
}

/*
 * Checks the results about a task, for a program from the pid namespace of
 * another one.
 */
static void expect_about(struct __test_metadata *_metadata,
			 FIXTURE_DATA(origin) * self, const struct about *about,
			 int task, int from)
{
	int i, err = is_below(task, from) ? 0 : -ESRCH;

	expect_ident(about->pidns, err, &self->idents[task][4]);
	for (i = 0; i < NR_TYPES; i++)
		expect_ident(about->ns[i], err, &self->idents[task][i]);
	for (i = 0; i < NR_NAMED; i++) {
		__s64 want = -ESRCH;

		if (is_below(task, from) && is_below(named_tasks[i], from) &&
		    is_below(task, named_tasks[i]))
			want = pid_tgid_at(&self->ids[task], named_levels[i]);
		EXPECT_EQ(want, about->in[i]) {
			TH_LOG("task %d in %d from %d", task, i, from);
		}
	}
}

/* Each task as the current one, and each as another task. */
static void expect_table(struct __test_metadata *_metadata,
			 FIXTURE_DATA(origin) * self, int from)
{
	for (int task = 0; task < NR_TASKS; task++) {
		const struct bpf_ns_ident *pidns = &self->idents[task][4];
		bool is_visible = is_below(task, from);
		int err = is_visible ? 0 : -ESRCH;

		for (int other = 0; other < NR_TASKS; other++) {
			ask(_metadata, self, &self->tasks[task],
			    self->tasks[other].pid, ASK);
			ASSERT_EQ(1, self->asked.calls);
			expect_about(_metadata, self, &self->asked.another,
				     other, from);
		}
		expect_about(_metadata, self, &self->asked.current, task, from);
		expect_about(_metadata, self, &self->asked.task, task, from);
		EXPECT_EQ(is_visible ? pid_tgid_at(&self->ids[task],
						   levels[from]) : -ESRCH,
			  self->asked.own);
		EXPECT_EQ(pid_tgid_at(&self->ids[task], 0), self->asked.helper);
		expect_ident(self->asked.in_subprog, err, pidns);
		expect_ident(self->asked.in_callback, err, pidns);
		expect_ident(self->asked.in_replaceable, err, pidns);
	}
}

TEST_F(origin, on_the_host)
{
	load_from(&self->tasks[HOST], "origin");
	expect_table(_metadata, self, HOST);
}

TEST_F(origin, in_a_container)
{
	load_from(&self->tasks[LOADER], "origin");
	expect_table(_metadata, self, LOADER);
}

TEST_F(origin, in_an_inner_container)
{
	load_from(&self->tasks[INNER], "origin");
	expect_table(_metadata, self, INNER);
}

/* The loader is at level 31, with tasks above, beside and below. */
TEST_F_TIMEOUT(origin, at_the_level_before_the_last, 60)
{
	struct ns_task deep[MAX_PID_NS_LEVEL + 1], beside;
	const int from = MAX_PID_NS_LEVEL - 1;
	struct bpf_ns_ident ident;
	struct ns_ids ids;
	char path[64];
	int i;

	deep[0] = self->tasks[HOST];
	for (i = 1; i <= MAX_PID_NS_LEVEL; i++)
		ASSERT_EQ(0, ns_start(&deep[i], &deep[i - 1], CLONE_NEWPID));
	ASSERT_EQ(0, ns_start(&beside, &deep[from - 1], CLONE_NEWPID));
	load_from(&deep[from], "origin");

	for (i = 0; i <= MAX_PID_NS_LEVEL; i++) {
		int err = i < from ? -ESRCH : 0;

		ASSERT_EQ(0, ns_ident(deep[i].pid, "pid", &ident));
		snprintf(path, sizeof(path), "/proc/%d/status", deep[i].pid);
		ASSERT_EQ(0, ns_read_ids(path, &ids));
		ask(_metadata, self, &deep[i], deep[i].pid, ASK);
		expect_ident(self->asked.current.pidns, err, &ident);
		expect_ident(self->asked.another.pidns, err, &ident);
		EXPECT_EQ(err ?: pid_tgid_at(&ids, from), self->asked.own);
	}
	ask(_metadata, self, &beside, beside.pid, ASK);
	expect_ident(self->asked.current.pidns, -ESRCH, NULL);
	expect_ident(self->asked.another.pidns, -ESRCH, NULL);
	EXPECT_EQ(-ESRCH, self->asked.own);

	ns_stop(&beside);
	for (i = MAX_PID_NS_LEVEL; i; i--)
		ns_stop(&deep[i]);
}

/* Another host task runs the programs of a container. */
#define expect_nothing_on_the_host()					\
	do {								\
		ask(_metadata, self, &self->tasks[HOST],		\
		    self->tasks[SIBLING].pid, ASK);			\
		ASSERT_EQ(1, self->asked.calls);			\
		expect_ident(self->asked.current.pidns, -ESRCH, NULL);	\
		expect_ident(self->asked.another.pidns, -ESRCH, NULL);	\
		expect_ident(self->asked.in_subprog, -ESRCH, NULL);	\
		EXPECT_EQ(-ESRCH, self->asked.own);			\
	} while (0)

/* The programs outlive the loader, and its namespaces. */
TEST_F(origin, loader_is_gone)
{
	int prog;

	load_from(&self->tasks[LOADER], "origin");
	prog = bpf_prog_get_fd_by_id(self->loaded->prog_id[ASK]);
	ASSERT_LE(0, prog);
	ns_stop(&self->tasks[INNER]);
	ns_stop(&self->tasks[SAME]);
	ns_stop(&self->tasks[LOADER]);
	expect_nothing_on_the_host();
	close(prog);
}

/* A later pid namespace gets the inode number, at the same level. */
TEST_F_TIMEOUT(origin, inode_number_is_reused, 60)
{
	const struct bpf_ns_ident *first = &self->idents[LOADER][4];
	struct bpf_ns_ident ident;
	int prog;

	load_from(&self->tasks[LOADER], "origin");
	prog = bpf_prog_get_fd_by_id(self->loaded->prog_id[ASK]);
	ASSERT_LE(0, prog);
	ns_stop(&self->tasks[INNER]);
	ns_stop(&self->tasks[SAME]);
	ns_stop(&self->tasks[LOADER]);
	ASSERT_EQ(0, ns_reuse_number(&self->extra, CLONE_NEWPID, "pid", first->ino));
	ASSERT_EQ(0, ns_ident(self->extra.pid, "pid", &ident));
	ASSERT_EQ(first->dev, ident.dev);

	/* An id of 0 matches any namespace with the pair. */
	self->idents[LOADER][4].id = 0;
	ask(_metadata, self, &self->extra, self->extra.pid, ASK);
	expect_ident(self->asked.current.pidns, -ESRCH, NULL);
	expect_ident(self->asked.another.pidns, -ESRCH, NULL);
	EXPECT_EQ(-ESRCH, self->asked.current.in[OWN]);
	EXPECT_EQ(-ESRCH, self->asked.another.in[OWN]);
	EXPECT_EQ(-ESRCH, self->asked.own);
	close(prog);
}

/* Entering another pid namespace only moves the children. */
static int do_enter_and_load(void *loaded)
{
	return ns_do_setns((void *)CLONE_NEWPID) ?: do_load(loaded);
}

TEST_F(origin, loader_with_children_elsewhere)
{
	int fd = ns_open(self->tasks[INNER].pid, "pid");

	ASSERT_LE(0, fd);
	strcpy(self->loaded->name, "origin");
	ASSERT_EQ(0, ns_call_fd(&self->tasks[LOADER], fd, do_enter_and_load,
				self->loaded));
	self->map = bpf_map_get_fd_by_id(self->loaded->map_id);
	ASSERT_LE(0, self->map);
	expect_table(_metadata, self, LOADER);
	close(fd);
}

/* Zombies have a pid. */
static int do_make_zombie(void *shared_pid)
{
	pid_t pid;

	/* Tasks of tests ignore the signal. */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (!pid)
		_exit(0);
	*(pid_t *)shared_pid = pid;
	return waitid(P_PID, pid, NULL, WEXITED | WNOWAIT) ? -errno : 0;
}

static int do_reap(void *pid)
{
	return waitpid(*(pid_t *)pid, NULL, 0) < 0 ? -errno : 0;
}

TEST_F(origin, zombie)
{
	static const int froms[] = { LOADER, INNER };
	pid_t *pid = &self->loaded->zombie;
	struct bpf_ns_ident want;
	int host_pid, fd;

	ASSERT_EQ(0, ns_call(&self->tasks[LOADER], do_make_zombie, pid));
	fd = ns_open(self->tasks[LOADER].pid, "pid");
	ASSERT_LE(0, fd);
	host_pid = ioctl(fd, NS_GET_PID_FROM_PIDNS, *pid);
	ASSERT_LT(0, host_pid);
	close(fd);
	want = self->idents[LOADER][4];
	for (size_t i = 0; i < ARRAY_SIZE(froms); i++) {
		int err = froms[i] == LOADER ? 0 : -ESRCH;

		load_from(&self->tasks[froms[i]], "origin");
		ask(_metadata, self, &self->tasks[HOST], host_pid, ASK);
		expect_ident(self->asked.another.pidns, err, &want);
		EXPECT_EQ(err ?: (__s64)*pid << 32 | *pid,
			  self->asked.another.in[OWN]);
		close(self->map);
		self->map = -1;
	}
	ASSERT_EQ(0, ns_call(&self->tasks[LOADER], do_reap, pid));
}

/* An iterator over all processes has those of the host, too. */
TEST_F(origin, iterator)
{
	load_from(&self->tasks[LOADER], "origin");
	ask(_metadata, self, &self->tasks[HOST], 0, ASK_ALL);
	EXPECT_EQ(3, self->asked.nr_visible);
	EXPECT_LT(NR_TASKS, self->asked.nr_processes);
	close(self->map);
	load_from(&self->tasks[HOST], "origin");
	ask(_metadata, self, &self->tasks[LOADER], 0, ASK_ALL);
	EXPECT_EQ(self->asked.nr_processes, self->asked.nr_visible);
}

/* An extension has its own origin, and the extended program keeps its own. */
static void expect_replaced(struct __test_metadata *_metadata,
			    FIXTURE_DATA(origin) * self, int of, int by)
{
	struct origin extension;
	__u32 key = 0;
	int map;

	load_from(&self->tasks[of], "origin");
	self->further->target_id = self->loaded->prog_id[ASK];
	load_object(&self->tasks[by], "origin_replace", self->further);
	map = bpf_map_get_fd_by_id(self->further->map_id);
	ASSERT_LE(0, map);
	for (int task = 0; task < NR_TASKS; task++) {
		ask(_metadata, self, &self->tasks[task], self->tasks[task].pid,
		    ASK);
		ASSERT_EQ(1, self->asked.calls);
		ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &extension));
		expect_ident(self->asked.current.pidns,
			     is_below(task, of) ? 0 : -ESRCH,
			     &self->idents[task][4]);
		expect_ident(extension.in_replaceable,
			     is_below(task, by) ? 0 : -ESRCH,
			     &self->idents[task][4]);
		/* The extended function did not run. */
		EXPECT_EQ(0, self->asked.in_replaceable.ident.dev);
	}
	close(map);
}

TEST_F(origin, extension_by_the_host)
{
	expect_replaced(_metadata, self, LOADER, HOST);
}

TEST_F(origin, extension_by_a_container)
{
	expect_replaced(_metadata, self, HOST, LOADER);
}

/* So does a program that a tail call runs. */
static void expect_tail(struct __test_metadata *_metadata,
			FIXTURE_DATA(origin) * self, int of, int by)
{
	struct origin further;
	int map, tail, prog;
	__u32 key = 0;

	load_from(&self->tasks[of], "origin");
	load_object(&self->tasks[by], "origin_tail", self->further);
	map = bpf_map_get_fd_by_id(self->further->map_id);
	ASSERT_LE(0, map);
	tail = bpf_map_get_fd_by_id(self->loaded->tail_id);
	ASSERT_LE(0, tail);
	prog = bpf_prog_get_fd_by_id(self->further->first_id);
	ASSERT_LE(0, prog);
	ASSERT_EQ(0, bpf_map_update_elem(tail, &key, &prog, 0));
	for (int task = 0; task < NR_TASKS; task++) {
		ask(_metadata, self, &self->tasks[task], self->tasks[task].pid,
		    ASK);
		ASSERT_EQ(1, self->asked.calls);
		ASSERT_EQ(0, bpf_map_lookup_elem(map, &key, &further));
		expect_ident(self->asked.current.pidns,
			     is_below(task, of) ? 0 : -ESRCH,
			     &self->idents[task][4]);
		expect_ident(further.in_tail, is_below(task, by) ? 0 : -ESRCH,
			     &self->idents[task][4]);
	}
	close(prog);
	close(tail);
	close(map);
}

TEST_F(origin, tail_call_to_a_program_of_the_host)
{
	expect_tail(_metadata, self, LOADER, HOST);
}

TEST_F(origin, tail_call_to_a_program_of_a_container)
{
	expect_tail(_metadata, self, HOST, LOADER);
}

/*
 * Sockets and packets of the loader's own net namespace. BPF_PROG_RUN makes a
 * packet in the net namespace of the task.
 */
TEST_F(origin, packets)
{
	static const int froms[] = { HOST, LOADER, INNER };
	static const int progs[] = { ASK_SKB, ASK_FRAME };

	for (size_t i = 0; i < ARRAY_SIZE(froms); i++) {
		int from = froms[i];

		load_from(&self->tasks[from], "origin");
		for (int task = 0; task < NR_TASKS * 2; task++) {
			int t = task / 2, prog = progs[task % 2];
			const struct bpf_ns_ident *net = &self->idents[t][3];
			bool is_own = net->id == self->idents[from][3].id;
			int err = from == HOST || is_own ? 0 : -ESRCH;

			ask(_metadata, self, &self->tasks[t], 0, prog);
			expect_ident(self->asked.packet, err, net);
			if (prog == ASK_SKB)
				expect_ident(self->asked.sk, err, net);
		}
		close(self->map);
		self->map = -1;
	}
}

/* Attaches a netfilter program in the task's net namespace. */
static int do_attach_netfilter(void *id)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .netfilter = { .pf = NFPROTO_IPV4,
				   .hooknum = NF_INET_LOCAL_OUT,
				   .priority = 1 });
	int fd = bpf_prog_get_fd_by_id((uintptr_t)id);

	return fd < 0 ? fd : bpf_link_create(fd, 0, BPF_NETFILTER, &opts);
}

/* Sends a packet to nobody. In a new net namespace, the device is down. */
static int do_send(void *unused)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int err, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr))
		return -errno;
	err = sendto(fd, "", 1, 0, (void *)&to, sizeof(to)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

TEST_F(origin, netfilter)
{
	static const int tasks[] = { LOADER, INNER, HOST };

	SKIP_WITHOUT("CONFIG_NETFILTER_BPF_LINK");
	load_from(&self->tasks[LOADER], "origin_nf");
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		const struct ns_task *task = &self->tasks[tasks[i]];

		ASSERT_LE(0, ns_call(task, do_attach_netfilter,
				     (void *)(uintptr_t)self->loaded->first_id));
		write_args(_metadata, self, 0);
		ASSERT_EQ(0, ns_call(task, do_send, NULL));
		read_results(_metadata, self);
		ASSERT_LT(0, self->asked.calls);
		expect_ident(self->asked.packet,
			     tasks[i] == LOADER ? 0 : -ESRCH,
			     &self->idents[tasks[i]][3]);
	}
}

/* Loads by a light skeleton, in the kernel. The task is the target. */
static int do_light_skeleton(void *report)
{
	struct syscall_light *skel = syscall_light__open_and_load();
	int err;

	if (!skel)
		return -errno;
	skel->data_report->report.target = ((struct report *)report)->target;
	err = run_syscall_prog(skel->progs.on_syscall.prog_fd, NULL, 0);
	*(struct report *)report = skel->data_report->report;
	syscall_light__destroy(skel);
	return err;
}

TEST_F(origin, light_skeleton)
{
	const struct bpf_ns_ident *want = &self->idents[LOADER][4];
	struct report *report = &self->loaded->report;

	report->target = self->tasks[LOADER].pid;
	ASSERT_EQ(0, ns_call(&self->tasks[LOADER], do_light_skeleton, report));
	EXPECT_EQ(1, report->calls);
	EXPECT_EQ(0, report->err);
	EXPECT_EQ(0, memcmp(want, &report->ident, sizeof(*want)));
}

#define STRESS_SECS	5

/* Loads a program that is called for each system call of the machine. */
static int do_load_stress(void *loaded)
{
	struct bpf_object *obj;
	struct bpf_map *map;
	char path[1200];
	size_t size;
	struct origin_stress *shared;

	snprintf(path, sizeof(path), "%s/origin_stress.bpf.o", test_dir());
	obj = bpf_object__open_file(path, NULL);
	if (!obj)
		return -errno;
	map = bpf_object__find_map_by_name(obj, ".data.origin");
	shared = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!shared || size != sizeof(*shared))
		return -ENOMSG;
	shared->own = *(struct bpf_ns_ident *)loaded;
	if (bpf_object__load(obj))
		return -errno;
	if (!bpf_program__attach(bpf_object__next_program(obj, NULL)))
		return -errno;
	((struct bpf_ns_ident *)loaded)->dev = map_id(obj, ".data.origin");
	return 0;
}

/* Returns the number of wrong results, or a negative errno. */
static int load_and_run(void)
{
	struct bpf_ns_ident *arg = ns_alloc(sizeof(*arg));
	struct ns_task loader = { .sock = -1 }, inner = { .sock = -1 };
	struct origin_stress results = {};
	__u32 key = 0;
	int fd, err;

	err = arg ? ns_start(&loader, NULL, CLONE_NEWPID) : -ENOMEM;
	err = err ?: ns_ident(loader.pid, "pid", arg);
	err = err ?: ns_call(&loader, do_load_stress, arg);
	err = err ?: ns_start(&inner, &loader, CLONE_NEWPID);
	for (int i = 0; !err && i < 20; i++)
		err = ns_call(&loader, ns_do_getpgid, NULL) ?:
		      ns_call(&inner, ns_do_getpgid, NULL);
	ns_stop(&inner);
	if (!err) {
		fd = bpf_map_get_fd_by_id(arg->dev);
		err = fd < 0 ? fd : bpf_map_lookup_elem(fd, &key, &results);
		close(fd);
	}
	ns_stop(&loader);
	munmap(arg, sizeof(*arg));
	if (!err && (!results.visible || !results.invisible))
		return -ENODATA;
	if (results.wrong)
		printf("# err %lld, ident %llu %llu %llu, own %lld, in %lld, helper %lld\n",
		       results.err, results.ident.dev, results.ident.ino,
		       results.ident.id, results.pid_tgid, results.named,
		       results.plain);
	return err ?: (int)results.wrong;
}

/* Several programs at a time, from namespaces that come and go. */
TEST_F_TIMEOUT(origin, loaders_come_and_go, 120)
{
	int nr = 2 * (int)sysconf(_SC_NPROCESSORS_ONLN), status;
	unsigned int *rounds = ns_alloc(sizeof(*rounds));
	time_t end = time(NULL) + STRESS_SECS * (is_torture() ? 20 : 1);

	ASSERT_NE(NULL, rounds);
	for (int i = 0; i < nr; i++) {
		if (fork())
			continue;
		do {
			int wrong = load_and_run();

			if (wrong) {
				printf("# %d\n", wrong);
				_exit(1);
			}
			__sync_fetch_and_add(rounds, 1);
		} while (time(NULL) < end);
		_exit(0);
	}
	for (int i = 0; i < nr; i++) {
		ASSERT_LT(0, wait(&status));
		EXPECT_EQ(0, status);
	}
	EXPECT_LE(nr, *rounds);
	TH_LOG("%u loaders", *rounds);
}

/* The prototype with the argument of the verifier is not a kfunc. */
TEST_F(origin, prototype_of_the_verifier)
{
	struct raw_prog *prog = calloc(1, sizeof(*prog));
	struct kfunc kfunc;

	ASSERT_NE(NULL, prog);
	ASSERT_EQ(0, kfunc_find(&kfunc, MODULE, KFUNC "_impl"));
	prog->kfunc = &kfunc;
	/* There is no function of that name. */
	EXPECT_EQ(-EINVAL, raw_load_type(prog, BPF_PROG_TYPE_SYSCALL, 0));
	EXPECT_NE(NULL, strstr(prog->log,
			       "cannot find address for kernel function " KFUNC "_impl")) {
		TH_LOG("%s", prog->log);
	}
	kfunc_close(&kfunc);
	free(prog);
}

NS_TEST_MAIN_LOADABLE(MODULE)
