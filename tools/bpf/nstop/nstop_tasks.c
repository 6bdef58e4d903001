// SPDX-License-Identifier: GPL-2.0
/*
 * System calls, by namespace.
 *
 * nstop compares two independent sources. A BPF program calls
 * bpf_get_current_pidns_ident() for each system call, and an iterator calls
 * bpf_task_pidns_ident() for all tasks. nstop itself uses stat(2) and NS_GET_ID
 * on /proc/PID/ns/pid of the same tasks. A difference is an error of the kfunc,
 * or of the walk in its place, and sets the exit status. The same applies to the pids of
 * bpf_get_current_pid_tgid_in() and bpf_task_pid_tgid_in().
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sched.h>
#include <linux/types.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nstop_compat.h"
#include "nstop_tasks.h"
#include "nstop_tasks.skel.h"	/* after its types */

#define MAX_NOTES	10	/* mismatches with details, per round */
#define MAX_TRIES	100	/* to read the namespace of a task that moves */

/* The result of the comparison for a namespace. */
enum verdict {
	MATCH,
	MISMATCH,
	MOVED,		/* its tasks may have changed their namespace */
	GONE,		/* its tasks were gone before the comparison */
	DENIED,		/* no permission to read /proc of its tasks */
	NOTHING,	/* no tasks to compare */
	NR_VERDICTS
};

static const char *const verdicts[NR_VERDICTS] = {
	[MATCH] = "match",
	[MISMATCH] = "MISMATCH",
	[MOVED] = "moved",
	[GONE] = "gone",
	[DENIED] = "denied",
	[NOTHING] = "-",
};

/* The results of the kfuncs for a task. */
struct caller {
	struct nstop_task_key key;
	struct nstop_task task;
	bool alive;
};

/* A task for which the two sources differ. */
struct mismatch {
	pid_t pid;
	char comm[NSTOP_COMM_LEN];
	struct bpf_ns_ident kfunc;	/* result of the kfunc */
	struct bpf_ns_ident stat;	/* result of stat(2) and NS_GET_ID */
	__s64 kfunc_pid;		/* result of the other kfunc */
	__s64 stat_pid;			/* result of NS_GET_PID_IN_PIDNS */
	bool changed;
};

/* The pid namespace of opt.seen_by. The open file prevents reuse of its inode number. */
static int seen_by_fd = -1;
static struct bpf_ns_ident seen_by;

static struct nstop_tasks_bpf *skel;
static int tasks_fd, calls_fd;
static int iter_fd;		/* the link of the iterator */
static double started;		/* time of the start of the round */

static struct caller *callers;
static size_t nr_callers;

/* Tasks in this round. */
static unsigned int compared;
static unsigned int denied;
static unsigned int moved;
static unsigned int mismatches;
static struct mismatch notes[MAX_NOTES];

/* The kfunc that the BPF program calls, or that its walk replaces. */
static const char *kfunc(void)
{
	return opt.kind->flag == CLONE_NEWPID ? PIDNS_KFUNC : NS_KFUNC;
}

static void read_calls(void)
{
	struct bpf_ns_ident key, *prev = NULL;
	struct ns *ns;
	__u64 total;

	while (!bpf_map_get_next_key(calls_fd, prev, &key)) {
		prev = &key;
		read_percpu(calls_fd, &key, &total, 1);
		ns = get_ns(&key);
		ns->calls = total - ns->total;
		ns->total = total;
	}
	if (errno != ENOENT)
		err(EXIT_ERROR, "reading the counters");
}

static int cmp_callers(const void *a, const void *b)
{
	const struct caller *x = a, *y = b;

	return x->task.pid < y->task.pid ? -1 : x->task.pid > y->task.pid;
}

static void read_callers(void)
{
	struct nstop_task_key key, *prev = NULL;
	struct caller *caller;
	struct ns *ns;

	nr_callers = 0;
	free(callers);
	callers = NULL;
	while (!bpf_map_get_next_key(tasks_fd, prev, &key)) {
		prev = &key;
		callers = grow(callers, nr_callers, sizeof(*callers));
		caller = &callers[nr_callers++];
		caller->key = key;
		caller->alive = false;
		if (bpf_map_lookup_elem(tasks_fd, &key, &caller->task))
			err(EXIT_ERROR, "reading the map of tasks");
		ns = get_ns(&caller->task.ident);
		ns->callers = true;
	}
	if (errno != ENOENT)
		err(EXIT_ERROR, "reading the map of tasks");
	if (nr_callers)
		qsort(callers, nr_callers, sizeof(*callers), cmp_callers);
}

/* Is it the same task, and not a later one with the same pid? */
static bool is_caller(const struct caller *caller, const struct proc_task *task)
{
	return caller->task.pid == task->pid &&
	       start_in_ticks(caller->key.start) == task->start;
}

/*
 * Has the task called a system call that changes namespaces? The BPF program
 * sets the flag before the change. So the caller reads it after stat(2).
 */
static bool has_moved(struct caller *caller)
{
	struct nstop_task now;

	if (!caller->task.moved &&
	    !bpf_map_lookup_elem(tasks_fd, &caller->key, &now))
		caller->task.moved = now.moved;
	return caller->task.moved;
}

static bool is_gone(const struct proc_task *task)
{
	struct proc_task again = { .dir = task->dir, .pid = task->pid };

	return read_stat(&again) != 0;
}

static void compare(struct caller *caller, const struct proc_task *task,
		    __s64 seen_pid, struct ns *ns)
{
	const struct bpf_ns_ident *result = &caller->task.ident;
	bool same = same_ident(result, &ns->ident);
	struct mismatch *note;

	if (same && !caller->task.changed &&
	    (!seen_by.ino || caller->task.seen_pid == seen_pid)) {
		compared++;
		ns->matches++;
		return;
	}

	/* A released task has no pid. */
	if (same && !caller->task.changed && is_gone(task))
		return;

	/* Count it for both namespaces. */
	if (has_moved(caller)) {
		moved++;
		ns->moved++;
		if (!same)
			get_ns(result)->moved++;
		return;
	}
	compared++;
	ns->mismatches++;
	if (!same)
		get_ns(result)->mismatches++;

	if (mismatches < MAX_NOTES) {
		note = &notes[mismatches];
		note->pid = task->pid;
		memcpy(note->comm, task->comm, sizeof(note->comm));
		note->kfunc = *result;
		note->stat = ns->ident;
		note->kfunc_pid = caller->task.seen_pid;
		note->stat_pid = seen_pid;
		note->changed = caller->task.changed;
	}
	mismatches++;
}

/* The pid to show for a task, or -errno. */
static __s64 get_seen_pid(pid_t pid)
{
	int seen;

	if (!seen_by.ino)
		return pid;
	seen = ioctl(seen_by_fd, NS_GET_PID_IN_PIDNS, pid);
	return seen < 0 ? -errno : seen;
}

/* The first task of a namespace has the lowest rank: its pid inside, or its start time. */
static __u64 get_rank(const struct proc_task *task, int fd)
{
	int inner;

	if (opt.kind->flag != CLONE_NEWPID)
		return task->start;
	inner = ioctl(fd, NS_GET_PID_IN_PIDNS, task->pid);
	/* Linux before 6.11 */
	if (inner < 0 && errno == ENOTTY)
		return task->start;
	return inner > 0 ? (__u64)inner : NO_RANK;
}

/*
 * Opens the file of the task's namespace, and reads its identity by stat(2) and
 * NS_GET_ID. Both are of the same namespace, even if the task moves meanwhile.
 */
static int open_ns(const struct proc_task *task, struct bpf_ns_ident *ident)
{
	int fd, tries = MAX_TRIES;
	struct stat st;

	for (;;) {
		if (fstatat(task->dir, opt.kind->path, &st, 0))
			return -1;
		fd = openat(task->dir, opt.kind->path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -1;
		check_ident(ns_ident_of_fd(fd, ident), opt.kind->path);
		if ((ident->dev == st.st_dev && ident->ino == st.st_ino) ||
		    !--tries)
			break;
		close(fd);
	}
	ident->dev = st.st_dev;
	ident->ino = st.st_ino;
	return fd;
}

/* The namespace of a task, or NULL and errno if the task is gone, or not accessible. */
static struct ns *stat_task(struct proc_task *task, __s64 *seen_pid)
{
	struct bpf_ns_ident ident;
	struct ns *ns;
	__u64 rank;
	int fd;

	if (read_stat(task))
		return NULL;
	fd = open_ns(task, &ident);
	if (fd < 0)
		return NULL;
	ns = live_ns(fd, &ident);
	rank = get_rank(task, fd);
	close(fd);

	*seen_pid = get_seen_pid(task->pid);
	ns->tasks += opt.kind->per_thread ? 1 : task->threads;
	if (rank < ns->rank) {
		ns->rank = rank;
		ns->pid = task->pid;
		ns->seen_pid = *seen_pid;
		memcpy(ns->comm, task->comm, sizeof(ns->comm));
		if (opt.containers)
			container_name(task->dir, ns->parent && ns->parent->parent,
				       ns->container);
	}
	return ns;
}

static void look_at_task(struct proc_task *task)
{
	struct caller key = { .task.pid = task->pid }, *caller;
	struct caller *end = callers + nr_callers;
	struct ns *ns;
	__s64 seen_pid;

	ns = stat_task(task, &seen_pid);
	if (!ns) {
		if (errno != EACCES && errno != EPERM)
			return;
		denied++;
	}

	caller = nr_callers ? bsearch(&key, callers, nr_callers,
				      sizeof(*callers), cmp_callers) : NULL;
	if (!caller)
		return;
	while (caller > callers && caller[-1].task.pid == task->pid)
		caller--;
	for (; caller < end && caller->task.pid == task->pid; caller++) {
		if (!is_caller(caller, task))
			continue;
		caller->alive = true;
		if (ns)
			compare(caller, task, seen_pid, ns);
		else
			get_ns(&caller->task.ident)->denied++;
	}
}

/*
 * Deletes the map entries of tasks that are gone, and of tasks that moved. The
 * next call of a moved task adds a new entry.
 */
static void forget_tasks(void)
{
	struct caller *caller;
	struct ns *ns;

	for (caller = callers; caller < callers + nr_callers; caller++) {
		if (caller->alive && !caller->task.moved)
			continue;
		/* The lowest pid, for a namespace without a command. */
		ns = get_ns(&caller->task.ident);
		if (ns->rank == NO_RANK && !ns->pid) {
			ns->pid = caller->task.pid;
			ns->seen_pid = seen_by.ino ? caller->task.seen_pid :
						     ns->pid;
			memcpy(ns->comm, caller->task.comm, sizeof(ns->comm));
		}
		bpf_map_delete_elem(tasks_fd, &caller->key);
	}
}

/*
 * Nobody calls in a namespace without tasks. If the namespace is kept, and a
 * task enters it later, its counter starts at 0.
 */
static void forget_counter(const struct ns *ns)
{
	if (ns->total)
		bpf_map_delete_elem(calls_fd, &ns->ident);
}

static enum verdict get_verdict(const struct ns *ns)
{
	if (ns->mismatches)
		return MISMATCH;
	if (ns->matches)
		return MATCH;
	if (ns->moved)
		return MOVED;
	if (ns->denied)
		return DENIED;
	if (ns->calls || ns->callers)
		return GONE;
	return NOTHING;
}

enum {
	CALLS_DEV, CALLS_INO, CALLS_ID, CALLS_CALLS, CALLS_RATE, CALLS_TOTAL, CALLS_TASKS,
	CALLS_VERDICT, CALLS_CONTAINER, CALLS_PID, CALLS_COMMAND, CALLS_PARENT,
	NR_CALLS_COLUMNS
};

static struct column columns[NR_CALLS_COLUMNS] = {
	[CALLS_DEV] = { "dev", "ST_DEV", COLUMN_NUMBER, 4 },
	[CALLS_INO] = { "ino", "ST_INO", COLUMN_NUMBER },
	[CALLS_ID] = { "id", "ID", COLUMN_NUMBER, 1 },
	[CALLS_CALLS] = { "calls", "CALLS", COLUMN_NUMBER },
	[CALLS_RATE] = { "rate", "CALLS/S", COLUMN_RATE, 6 },
	[CALLS_TOTAL] = { "total", "TOTAL", COLUMN_NUMBER, 5 },
	[CALLS_TASKS] = { "tasks", "TASKS", COLUMN_NUMBER, 3 },
	[CALLS_VERDICT] = { "verdict", "STAT(2)", COLUMN_TEXT },
	[CALLS_CONTAINER] = { "container", "CONTAINER", COLUMN_TEXT },
	[CALLS_PID] = { "pid", "PID", COLUMN_NUMBER, 2 },
	[CALLS_COMMAND] = { "command", "FIRST COMMAND", COLUMN_TEXT },
	[CALLS_PARENT] = { "parent", NULL, COLUMN_NUMBER },
};

static void add_namespace(struct table *table, struct ns *ns)
{
	enum verdict verdict = get_verdict(ns);
	size_t row = add_row(table);

	ns->row = row;
	/* A mismatch is never hidden. */
	table->rows[row].idle = !ns->calls && verdict != MISMATCH;
	set_number(table, row, CALLS_DEV, ns->ident.dev);
	set_number(table, row, CALLS_INO, ns->ident.ino);
	if (ns->ident.id)
		set_number(table, row, CALLS_ID, ns->ident.id);
	set_number(table, row, CALLS_CALLS, ns->calls);
	set_rate(table, row, CALLS_RATE, ns->calls / table->secs);
	set_number(table, row, CALLS_TOTAL, ns->total);
	set_number(table, row, CALLS_TASKS, ns->tasks);
	if (verdict != NOTHING)
		set_text(table, row, CALLS_VERDICT, strdup(verdicts[verdict]));
	if (opt.containers && *ns->container && strcmp(ns->container, "-"))
		set_text(table, row, CALLS_CONTAINER, strdup(ns->container));
	if (!ns->pid)
		return;
	if (ns->seen_pid > 0)
		set_number(table, row, CALLS_PID, ns->seen_pid);
	set_text(table, row, CALLS_COMMAND, escaped(ns->comm, sizeof(ns->comm), true));
}

static void add_parents(struct table *table)
{
	struct ns *ns;
	size_t i;

	for (i = 0; i < nr_namespaces; i++) {
		ns = namespaces[i];
		if (!ns->parent)
			continue;
		table->rows[ns->row].parent = ns->parent->row;
		if (ns->parent->ident.id)
			set_number(table, ns->row, CALLS_PARENT, ns->parent->ident.id);
	}
}

/* The text for one of the two sources. The second call after this one overwrites it. */
static const char *source_words(const struct bpf_ns_ident *ident, __s64 pid)
{
	static char buf[2][160];
	static int turn;
	int len;

	turn = !turn;
	len = snprintf(buf[turn], sizeof(buf[turn]), "st_dev %llu, st_ino %llu, id %llu",
		       ident->dev, ident->ino, ident->id);
	if (seen_by.ino)
		snprintf(buf[turn] + len, sizeof(buf[turn]) - len, ", pid %lld", pid);
	return buf[turn];
}

static void add_mismatches(struct table *table)
{
	unsigned int i;
	char *comm;

	for (i = 0; i < mismatches && i < MAX_NOTES; i++) {
		comm = escaped(notes[i].comm, sizeof(notes[i].comm), true);
		add_note(table, "mismatch", "MISMATCH: task %d (%s): %s %s%s; stat(2) %s",
			 notes[i].pid, comm, skel->bss->walks ? "walk" : "kfunc",
			 source_words(&notes[i].kfunc, notes[i].kfunc_pid),
			 notes[i].changed ? " and another one later" : "",
			 source_words(&notes[i].stat, notes[i].stat_pid));
		free(comm);
	}
	if (mismatches > MAX_NOTES)
		add_note(table, "mismatch", "MISMATCH: and %u more tasks", mismatches - MAX_NOTES);
}

static const char *plural(__u64 nr, const char *ending)
{
	return nr == 1 ? "" : ending;
}

static void summarize(struct table *table)
{
	static const char *const names[NR_VERDICTS] = {
		"match", "mismatch", "moved", "gone", "denied", "without_calls",
	};
	unsigned int nr[NR_VERDICTS] = {};
	char *more = NULL;
	size_t i, size;
	FILE *f;

	for (i = 0; i < nr_namespaces; i++)
		nr[get_verdict(namespaces[i])]++;

	f = open_memstream(&more, &size);
	if (!f)
		err(EXIT_ERROR, "out of memory");
	fprintf(f, "%zu %s namespace%s: %u match, %u mismatch", nr_namespaces, opt.kind->name,
		plural(nr_namespaces, "s"), nr[MATCH], nr[MISMATCH]);
	if (nr[MOVED])
		fprintf(f, ", %u moved", nr[MOVED]);
	if (nr[GONE])
		fprintf(f, ", %u gone", nr[GONE]);
	if (nr[NOTHING])
		fprintf(f, ", %u without calls", nr[NOTHING]);
	if (nr[DENIED])
		fprintf(f, ", %u denied", nr[DENIED]);
	fprintf(f, " (%u %s%s compared)", compared, opt.kind->per_thread ? "thread" : "process",
		plural(compared, opt.kind->per_thread ? "s" : "es"));
	if (fclose(f))
		err(EXIT_ERROR, "out of memory");
	table->summary = more;

	add_count(table, "namespaces", nr_namespaces);
	for (i = 0; i < NR_VERDICTS; i++)
		add_count(table, names[i], nr[i]);
	add_count(table, "compared", compared);
	add_count(table, "mismatches", mismatches);
	if (moved)
		add_note(table, "info",
			 "%u could not be compared: they had called setns(2) or a similar call",
			 moved);
	if (denied)
		add_note(table, "info",
			 "%u %s%s could not be read, which needs CAP_SYS_PTRACE", denied,
			 opt.kind->per_thread ? "thread" : "process",
			 plural(denied, opt.kind->per_thread ? "s" : "es"));
}

/* Adds notes about lost calls. The counters of the BPF program only grow. */
static void add_lost(struct table *table)
{
	const struct nstop_lost now = skel->bss->lost;
	struct bpf_prog_info info = {};
	static struct nstop_lost was;
	static __u64 missed;
	__u32 len = sizeof(info);
	__u64 lost;

	lost = now.ns_full - was.ns_full;
	add_count(table, "lost_namespaces_full", lost);
	if (lost)
		add_note(table, "lost",
			 "LOST: %llu calls not counted, no room for more than %d namespaces",
			 lost, NSTOP_MAX_NS);
	lost = now.task_full - was.task_full;
	add_count(table, "lost_tasks_full", lost);
	if (lost)
		add_note(table, "lost",
			 "LOST: %llu results for tasks not compared, no room for more than %d tasks",
			 lost, NSTOP_MAX_TASKS);
	lost = now.no_ident - was.no_ident;
	add_count(table, "lost_no_identity", lost);
	if (lost)
		add_note(table, "lost", "LOST: %llu calls by tasks for which %s() failed",
			 lost, kfunc());
	was = now;

	lost = 0;
	if (!bpf_prog_get_info_by_fd(bpf_program__fd(skel->progs.count_sys_enter),
				     &info, &len)) {
		lost = info.recursion_misses - missed;
		missed = info.recursion_misses;
	}
	add_count(table, "lost_nested", lost);
	if (lost)
		add_note(table, "lost",
			 "LOST: %llu calls not counted, made while another one was counted",
			 lost);
}

static void make_table(struct table *table)
{
	size_t i;
	int len;

	columns[CALLS_CONTAINER].title = opt.containers ? "CONTAINER" : NULL;
	sort_namespaces();
	for (i = 0; i < nr_namespaces; i++)
		add_namespace(table, namespaces[i]);
	add_parents(table);
	if (seen_by.ino)
		len = asprintf(&table->title,
			       "System calls in %.1f s by %s namespace; pids as in that of process %d: %s",
			       table->secs, opt.kind->name, opt.seen_by, source_words(&seen_by, 0));
	else
		len = asprintf(&table->title, "System calls in %.1f s by %s namespace",
			       table->secs, opt.kind->name);
	if (len < 0)
		err(EXIT_ERROR, "out of memory");
	add_mismatches(table);
	summarize(table);
	if (skel->bss->walks)
		add_walk_note(table);
	add_lost(table);
}

/* Runs the iterator over all tasks. */
static void run_iterator(void)
{
	char buf[64];
	int fd;

	fd = bpf_iter_create(iter_fd);
	if (fd < 0)
		err(EXIT_ERROR, "the iterator of tasks");
	/* The iterator has no output. */
	while (read(fd, buf, sizeof(buf)) < 0)
		if (errno != EAGAIN && errno != EINTR)
			err(EXIT_ERROR, "the iterator of tasks");
	close(fd);
}

static void start_calls(void)
{
	started = seconds();
	skel->bss->paused = false;
}

static void read_round(struct table *table)
{
	skel->bss->paused = true;
	table->secs = seconds() - started;
	start_namespaces();
	compared = 0;
	moved = 0;
	denied = 0;
	mismatches = 0;

	/*
	 * In this order: a task in the map and not in /proc is gone, and has
	 * made its last call.
	 */
	run_iterator();
	read_callers();
	read_proc(opt.kind->per_thread, look_at_task);
	forget_tasks();
	read_calls();
	forget_namespaces(forget_counter);
	if (mismatches)
		found_mismatch();

	make_table(table);
	/* nstop itself is one of the tasks. */
	if (!compared)
		errx(EXIT_ERROR, "not a single task could be compared");
}

/*
 * System calls that may change the namespace of a task. execve() enters a time
 * namespace, and replaces the leader by the calling thread.
 */
static const __s64 moves[NSTOP_NR_MOVES] = {
	SYS_setns, SYS_unshare, SYS_execve, SYS_execveat,
};

static void configure(struct nstop_config *config)
{
	config->ns_type = opt.kind->flag;
	config->per_thread = opt.kind->per_thread;
	if (in_nested_pidns())
		check_ident(ns_ident_of_task(0, CLONE_NEWPID, &config->own),
			    "the own pid namespace");
	config->seen_by = seen_by;
	/* A task never changes its pid namespace. */
	if (opt.kind->flag != CLONE_NEWPID)
		config->nr_moves = NSTOP_NR_MOVES;
	memcpy(config->moves, moves, sizeof(moves));
}

static void load(void)
{
	int ret;

	skel = nstop_tasks_bpf__open();
	if (!skel)
		err(EXIT_ERROR, "cannot open the BPF program");
	configure(&skel->rodata->opts);
	skel->rodata->ns_ident_dev = nsfs_dev();
	set_log(skel->progs.count_sys_enter);
	set_log(skel->progs.look_at_tasks);

	ret = nstop_tasks_bpf__load(skel);
	if (ret) {
		explain(-ret, kfunc(), "CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN");
		exit(EXIT_ERROR);
	}
	ret = nstop_tasks_bpf__attach(skel);
	if (ret)
		err(EXIT_ERROR, "cannot attach to sys_enter");
	tasks_fd = bpf_map__fd(skel->maps.tasks);
	calls_fd = bpf_map__fd(skel->maps.calls);
	iter_fd = bpf_link__fd(skel->links.look_at_tasks);
}

static void find_seen_by(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", opt.seen_by);
	seen_by_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (seen_by_fd < 0 && errno == ENOENT)
		errx(EXIT_ERROR, "there is no process %d", opt.seen_by);
	if (seen_by_fd < 0)
		err(EXIT_ERROR, "%s", path);
	check_ident(ns_ident_of_fd(seen_by_fd, &seen_by), path);
	if (ioctl(seen_by_fd, NS_GET_PID_IN_PIDNS, getpid()) < 0 && errno == ENOTTY)
		errx(EXIT_ERROR, "--pids-as-seen-by needs Linux 6.11 or newer");
}

static void check_kind(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", opt.kind->path);
	if (access(path, F_OK))
		errx(EXIT_ERROR, "this kernel has no %s namespaces",
		     opt.kind->name);
}

static void open_calls(void)
{
	/* A constant of the program, so before the load. */
	if (opt.seen_by)
		find_seen_by();
	load();
	check_files();
	check_proc();
	check_kind();
}

static void close_calls(void)
{
	nstop_tasks_bpf__destroy(skel);
}

struct source tasks_source = {
	.table = {
		.name = "calls",
		.columns = columns,
		.nr_columns = NR_CALLS_COLUMNS,
		.tree_column = CALLS_COMMAND,
	},
	.open = open_calls,
	.start = start_calls,
	.read = read_round,
	.close = close_calls,
};
