// SPDX-License-Identifier: GPL-2.0
/*
 * System calls, by pid namespace or by one of another kind.
 *
 * Two sources that know nothing of each other are put side by side: a BPF
 * program asks bpf_get_current_pidns_ident() on every system call whose it is,
 * and this program asks stat(2) and NS_GET_ID about /proc/PID/ns/pid of the
 * same tasks. Where they disagree the kfunc is wrong, and the exit status says
 * so. The same goes for the pids that bpf_get_current_pid_tgid_in() gives.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <ctype.h>
#include <dirent.h>
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

#include <linux/nsfs.h>
#include <linux/sched.h>
#include <linux/types.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nstop_user.h"
#include "nstop_tasks.skel.h"	/* after what it is about */

#define MAX_NOTES	10	/* mismatches that are spelled out per round */
#define MAX_TRIES	100	/* to look at a task that moves */

/* What becomes of a row. */
enum verdict {
	MATCH,
	MISMATCH,
	MOVED,		/* its callers had been in another one, or will be */
	GONE,		/* its callers were gone before they were compared */
	DENIED,		/* not allowed to look at its callers */
	NOTHING,	/* no calls, so there is nothing to compare */
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

/* A row of the table. Rows live on from round to round while they are alive. */
struct ns {
	struct bpf_ns_ident ident;
	struct ns *parent;	/* NULL: the initial one, or not known */
	bool parent_known;
	__u64 total;		/* calls since the start */

	/* This round only. */
	__u64 calls;
	bool live;		/* to be shown, or the ancestor of such a one */
	bool callers;		/* tasks of it are in the BPF map */
	unsigned int tasks;
	unsigned int matches;
	unsigned int mismatches;
	unsigned int moved;
	unsigned int denied;
	struct ns *child;
	struct ns *sibling;

	/* The first command: of the task with the lowest rank, NO_RANK: none. */
	__u64 rank;
	char comm[NSTOP_COMM_LEN];
	pid_t pid;		/* as this process sees it, 0: none */
	__s64 seen_pid;		/* as it is to be shown, -errno: not at all */
	char container[NSTOP_NAME_LEN];
};

#define NO_RANK		(~0ULL)

/* What the BPF program was told about a task. */
struct caller {
	struct nstop_task_key key;
	struct nstop_task task;
	bool alive;
};

/* What /proc says about a task: a process, or a thread. */
struct proc_task {
	pid_t pid;
	__s64 seen_pid;
	int dir;
	__u64 start;		/* in clock ticks */
	unsigned int threads;
	char comm[NSTOP_COMM_LEN];
};

/* A task for which the two sources differ. */
struct mismatch {
	pid_t pid;
	char comm[NSTOP_COMM_LEN];
	struct bpf_ns_ident told;	/* by the kfunc */
	struct bpf_ns_ident is;		/* by stat(2) and NS_GET_ID */
	__s64 told_pid;			/* by the other kfunc */
	__s64 is_pid;			/* by NS_GET_PID_IN_PIDNS */
	bool changed;
};

/* The pid namespace of opt.seen_by. The file keeps its number from others. */
static int seen_by_fd = -1;
static struct bpf_ns_ident seen_by;

static int tasks_fd;

static struct ns **rows;
static size_t nr_rows;

static struct caller *callers;
static size_t nr_callers;

/* Tasks in this round. */
static unsigned int compared;
static unsigned int denied;
static unsigned int moved;
static unsigned int mismatches;
static struct mismatch notes[MAX_NOTES];

/* What the BPF program asks. */
static const char *kfunc(void)
{
	return opt.kind->flag == CLONE_NEWPID ? PIDNS_KFUNC : NS_KFUNC;
}

static void copy_comm(char to[NSTOP_COMM_LEN], const char *from, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < NSTOP_COMM_LEN - 1 && from[i]; i++)
		to[i] = isprint((unsigned char)from[i]) ? from[i] : '?';
	to[i] = '\0';
}

static struct ns *get_row(const struct bpf_ns_ident *ident)
{
	struct ns *ns;
	size_t i;

	for (i = 0; i < nr_rows; i++)
		if (same_ident(&rows[i]->ident, ident))
			return rows[i];

	ns = calloc(1, sizeof(*ns));
	if (!ns)
		err(EXIT_ERROR, "out of memory");
	ns->ident = *ident;
	ns->rank = NO_RANK;
	rows = grow(rows, nr_rows, sizeof(*rows));
	rows[nr_rows++] = ns;
	return ns;
}

/*
 * Finds out about the ancestors, one after the other, so that no more than two
 * files are open at a time.
 */
static void find_ancestors(int fd, struct ns *ns)
{
	struct bpf_ns_ident above;
	int from = fd, parent;

	while (!ns->parent_known) {
		parent = ioctl(from, NS_GET_PARENT);
		/* EPERM: the parent, if there is one, is not for us to see. */
		if (parent < 0 && errno != EPERM)
			err(EXIT_ERROR, "NS_GET_PARENT");
		if (from != fd)
			close(from);
		ns->parent_known = true;
		if (parent < 0)
			return;
		if (fd_ident(parent, &above))
			err(EXIT_ERROR, "parent namespace");
		ns->parent = get_row(&above);
		ns = ns->parent;
		from = parent;
	}
	if (from != fd)
		close(from);
}

/* The row of a namespace that is in use, and with it those of its ancestors. */
static struct ns *live_row(int fd, const struct bpf_ns_ident *ident)
{
	struct ns *ns, *up;

	ns = get_row(ident);
	if (opt.kind->has_parent)
		find_ancestors(fd, ns);
	for (up = ns; up && !up->live; up = up->parent)
		up->live = true;
	return ns;
}

static void read_calls(int fd)
{
	struct bpf_ns_ident key, *prev = NULL;
	struct ns *ns;
	__u64 total;

	while (!bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		read_percpu(fd, &key, &total, 1);
		ns = get_row(&key);
		ns->calls = total - ns->total;
		ns->total = total;
	}
	if (errno != ENOENT)
		err(EXIT_ERROR, "reading the counters");
}

static int cmp_callers(const void *a, const void *b)
{
	const struct caller *x = a, *y = b;

	return x->key.pid < y->key.pid ? -1 : x->key.pid > y->key.pid;
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
		ns = get_row(&caller->task.ident);
		ns->callers = true;
	}
	if (errno != ENOENT)
		err(EXIT_ERROR, "reading the map of tasks");
	if (nr_callers)
		qsort(callers, nr_callers, sizeof(*callers), cmp_callers);
}

/*
 * The start time in /proc/PID/stat is in clock ticks, and in the terms of the
 * time namespace of the reader, which need not be the initial one.
 */
static __u64 start_in_ticks(__u64 start)
{
	static long long offset;
	static long hz;
	long long sec, nsec;
	FILE *f;

	if (!hz) {
		hz = sysconf(_SC_CLK_TCK);
		f = fopen("/proc/self/timens_offsets", "r");
		if (f) {
			if (fscanf(f, "%*s %*d %*d boottime %lld %lld",
				   &sec, &nsec) == 2)
				offset = sec * (long long)NSEC_PER_SEC + nsec;
			fclose(f);
		}
	}
	return (start + offset) / (NSEC_PER_SEC / hz);
}

static int read_stat(struct proc_task *task)
{
	char buf[1024], *comm, *rest;
	ssize_t len;
	int fd;

	fd = openat(task->dir, "stat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (len <= 0) {
		errno = ESRCH;
		return -1;
	}
	buf[len] = '\0';

	/* The command may have anything in it, parentheses too. */
	comm = strchr(buf, '(');
	rest = strrchr(buf, ')');
	if (!comm || !rest)
		errx(EXIT_ERROR, "cannot make sense of /proc/%d/stat",
		     task->pid);
	copy_comm(task->comm, comm + 1, rest - comm - 1);

	/* Fields 3 to 22, of which 20 and 22 matter: see proc_pid_stat(5). */
	if (sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u %*d %llu",
		   &task->threads, &task->start) != 2)
		errx(EXIT_ERROR, "cannot make sense of /proc/%d/stat",
		     task->pid);
	return 0;
}

/* Is this the task whose answer it is, and not a later one of that number? */
static bool is_caller(const struct caller *caller, const struct proc_task *task)
{
	return caller->key.pid == (__u64)task->pid &&
	       start_in_ticks(caller->key.start) == task->start;
}

/*
 * Has it moved between its last system call and stat(2), or from one call to
 * another? A move is announced before it begins: ask only after stat(2).
 */
static bool has_moved(struct caller *caller)
{
	struct nstop_task now;

	if (!caller->task.moved &&
	    !bpf_map_lookup_elem(tasks_fd, &caller->key, &now))
		caller->task.moved = now.moved;
	return caller->task.moved;
}

static void compare(struct caller *caller, const struct proc_task *task,
		    struct ns *ns)
{
	const struct bpf_ns_ident *told = &caller->task.ident;
	bool same = same_ident(told, &ns->ident);
	struct mismatch *note;

	if (same && !caller->task.changed &&
	    (!seen_by.ino || caller->task.seen_pid == task->seen_pid)) {
		compared++;
		ns->matches++;
		return;
	}

	/* Both rows: the one that was told, and the one it is in. */
	if (has_moved(caller)) {
		moved++;
		ns->moved++;
		if (!same)
			get_row(told)->moved++;
		return;
	}
	compared++;
	ns->mismatches++;
	if (!same)
		get_row(told)->mismatches++;

	if (mismatches < MAX_NOTES) {
		note = &notes[mismatches];
		note->pid = task->pid;
		copy_comm(note->comm, task->comm, sizeof(task->comm));
		note->told = *told;
		note->is = ns->ident;
		note->told_pid = caller->task.seen_pid;
		note->is_pid = task->seen_pid;
		note->changed = caller->task.changed;
	}
	mismatches++;
}

/* The pid that is to be shown for a task: one or -errno. */
static __s64 get_seen_pid(pid_t pid)
{
	int seen;

	if (!seen_by.ino)
		return pid;
	seen = ioctl(seen_by_fd, NS_GET_PID_IN_PIDNS, pid);
	return seen < 0 ? -errno : seen;
}

/* Which of the tasks of a namespace is the first: lowest pid inside, or start. */
static __u64 get_rank(const struct proc_task *task, int fd)
{
	int inner;

	if (opt.kind->flag != CLONE_NEWPID)
		return task->start;
	inner = ioctl(fd, NS_GET_PID_IN_PIDNS, task->pid);
	return inner > 0 ? (__u64)inner : NO_RANK;
}

/*
 * Opens the file of the task's namespace, and finds out about it by stat(2) and
 * NS_GET_ID. They are about one namespace, also if the task moves meanwhile.
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
		if (fd_ident(fd, ident))
			err(EXIT_ERROR, "NS_GET_ID of /proc/%d/%s", task->pid,
			    opt.kind->path);
		if ((ident->dev == st.st_dev && ident->ino == st.st_ino) ||
		    !--tries)
			break;
		close(fd);
	}
	ident->dev = st.st_dev;
	ident->ino = st.st_ino;
	return fd;
}

/* The row of a task, or NULL and errno if it is gone or not for us to see. */
static struct ns *stat_task(struct proc_task *task)
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
	ns = live_row(fd, &ident);
	rank = get_rank(task, fd);
	close(fd);

	task->seen_pid = get_seen_pid(task->pid);
	ns->tasks += opt.kind->per_thread ? 1 : task->threads;
	if (rank < ns->rank) {
		ns->rank = rank;
		ns->pid = task->pid;
		ns->seen_pid = task->seen_pid;
		copy_comm(ns->comm, task->comm, sizeof(task->comm));
		if (opt.containers)
			container_name(task->dir, ns->parent && ns->parent->parent,
				       ns->container);
	}
	return ns;
}

static void look_at_task(struct proc_task *task)
{
	struct caller key = { .key.pid = task->pid }, *caller;
	struct caller *end = callers + nr_callers;
	struct ns *ns;

	ns = stat_task(task);
	if (!ns) {
		if (errno != EACCES && errno != EPERM)
			return;
		denied++;
	}

	caller = nr_callers ? bsearch(&key, callers, nr_callers,
				      sizeof(*callers), cmp_callers) : NULL;
	if (!caller)
		return;
	while (caller > callers && caller[-1].key.pid == key.key.pid)
		caller--;
	for (; caller < end && caller->key.pid == key.key.pid; caller++) {
		if (!is_caller(caller, task))
			continue;
		caller->alive = true;
		if (ns)
			compare(caller, task, ns);
		else
			get_row(&caller->task.ident)->denied++;
	}
}

/* Looks at each of the tasks that have a directory in that one. */
static int read_tasks(int at, const char *path,
		      void (*look_at)(struct proc_task *task))
{
	struct proc_task task;
	struct dirent *de;
	char *end;
	DIR *dir;
	int fd;

	fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir)
		err(EXIT_ERROR, "%s", path);

	for (;;) {
		errno = 0;
		de = readdir(dir);
		if (!de)
			break;
		task.pid = strtol(de->d_name, &end, 10);
		if (task.pid <= 0 || *end)
			continue;
		/* Everything goes through this: it stays with the one task. */
		task.dir = openat(fd, de->d_name,
				  O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (task.dir < 0)
			continue;
		look_at(&task);
		close(task.dir);
	}
	at = errno ? -1 : 0;
	closedir(dir);
	return at;
}

static void look_at_threads(struct proc_task *process)
{
	/* If that fails, the process is gone. */
	read_tasks(process->dir, "task", look_at_task);
}

static void read_proc(void)
{
	if (read_tasks(AT_FDCWD, "/proc", opt.kind->per_thread ?
					  look_at_threads : look_at_task))
		err(EXIT_ERROR, "/proc");
}

/*
 * Tasks that are gone make no more calls: their entries are free to go. Those
 * that moved get another one by their next call.
 */
static void forget_tasks(void)
{
	struct caller *caller;
	struct ns *ns;

	for (caller = callers; caller < callers + nr_callers; caller++) {
		if (caller->alive && !caller->task.moved)
			continue;
		/* A command for a row that has none, of the lowest pid. */
		ns = get_row(&caller->task.ident);
		if (ns->rank == NO_RANK && !ns->pid) {
			ns->pid = caller->key.pid;
			ns->seen_pid = seen_by.ino ? caller->task.seen_pid :
						     ns->pid;
			copy_comm(ns->comm, caller->task.comm, NSTOP_COMM_LEN);
		}
		bpf_map_delete_elem(tasks_fd, &caller->key);
	}
}

/*
 * A counter was read after the last task of its namespace was gone. If that
 * has not moved by then, it never will, but if somebody has kept the namespace
 * for others to enter: for them it starts anew.
 */
static void forget_rows(int fd)
{
	size_t i, kept = 0;
	struct ns *ns, *up;

	for (i = 0; i < nr_rows; i++)
		if (rows[i]->calls || rows[i]->callers)
			for (up = rows[i]; up; up = up->parent)
				up->live = true;

	for (i = 0; i < nr_rows; i++) {
		ns = rows[i];
		if (ns->live) {
			rows[kept++] = ns;
			continue;
		}
		if (ns->total)
			bpf_map_delete_elem(fd, &ns->ident);
		free(ns);
	}
	nr_rows = kept;
}

static void start_round(void)
{
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		rows[i]->calls = 0;
		rows[i]->live = false;
		rows[i]->callers = false;
		rows[i]->tasks = 0;
		rows[i]->matches = 0;
		rows[i]->mismatches = 0;
		rows[i]->moved = 0;
		rows[i]->denied = 0;
		rows[i]->rank = NO_RANK;
	}
	compared = 0;
	moved = 0;
	denied = 0;
	mismatches = 0;
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

static int cmp_rows(const void *a, const void *b)
{
	const struct bpf_ns_ident *x = &(*(struct ns **)a)->ident;
	const struct bpf_ns_ident *y = &(*(struct ns **)b)->ident;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Links the rows into a tree with the lowest id first on each level. */
static struct ns *make_tree(void)
{
	struct ns *root = NULL, **list;
	size_t i;

	if (nr_rows)
		qsort(rows, nr_rows, sizeof(*rows), cmp_rows);
	for (i = 0; i < nr_rows; i++)
		rows[i]->child = NULL;
	for (i = nr_rows; i-- > 0;) {
		list = rows[i]->parent ? &rows[i]->parent->child : &root;
		rows[i]->sibling = *list;
		*list = rows[i];
	}
	return root;
}

/* Widths of the columns that hold large numbers. */
struct widths {
	int dev, ino, id, calls, tasks, container;
};

static void print_tree(const struct ns *ns, const struct widths *w, int depth)
{
	for (; ns; ns = ns->sibling) {
		printf("%*llu %*llu %*llu %*llu %*u %-8s  ", w->dev,
		       ns->ident.dev, w->ino, ns->ident.ino, w->id,
		       ns->ident.id, w->calls, ns->calls, w->tasks, ns->tasks,
		       verdicts[get_verdict(ns)]);
		if (opt.containers)
			printf("%-*s  ", w->container,
			       *ns->container ? ns->container : "-");
		printf("%*s", 2 * depth, "");
		if (!ns->pid)
			printf("-\n");
		else if (ns->seen_pid > 0)
			printf("%s (%lld)\n", ns->comm, ns->seen_pid);
		else
			printf("%s (-)\n", ns->comm);
		print_tree(ns->child, w, depth + 1);
	}
}

static void print_table(double secs)
{
	struct widths w = {
		.dev = strlen("ST_DEV"),
		.ino = strlen("ST_INO"),
		.id = strlen("ID"),
		.calls = strlen("CALLS"),
		.tasks = strlen("TASKS"),
		.container = strlen("CONTAINER"),
	};
	int len;
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		widen(&w.dev, rows[i]->ident.dev);
		widen(&w.ino, rows[i]->ident.ino);
		widen(&w.id, rows[i]->ident.id);
		widen(&w.calls, rows[i]->calls);
		widen(&w.tasks, rows[i]->tasks);
		len = strlen(rows[i]->container);
		if (len > w.container)
			w.container = len;
	}

	printf("System calls in %.1f s, by the %s namespace that %s() gives.\n",
	       secs, opt.kind->name, kfunc());
	printf("STAT(2): do stat(2) and NS_GET_ID on the callers' /proc/PID/%s%s agree?\n",
	       opt.kind->per_thread ? "task/TID/" : "", opt.kind->path);
	if (seen_by.ino)
		printf("PID: as " PID_KFUNC "() gives it for the pid namespace of process %d,\n"
		       "st_dev %llu, st_ino %llu, id %llu. Checked, too.\n",
		       opt.seen_by, seen_by.dev, seen_by.ino, seen_by.id);
	printf("\n%*s %*s %*s %*s %*s %-8s  ", w.dev, "ST_DEV", w.ino, "ST_INO",
	       w.id, "ID", w.calls, "CALLS", w.tasks, "TASKS", "STAT(2)");
	if (opt.containers)
		printf("%-*s  ", w.container, "CONTAINER");
	printf("FIRST COMMAND (PID)%s\n",
	       opt.kind->has_parent ? ", BELOW PARENT" : "");
	print_tree(make_tree(), &w, 0);
	printf("\n");
}

static void print_source(const char *source, const struct bpf_ns_ident *ident,
			 __s64 pid)
{
	printf("  %-7s st_dev %llu, st_ino %llu, id %llu", source, ident->dev,
	       ident->ino, ident->id);
	if (seen_by.ino)
		printf(", pid %lld", pid);
	printf("\n");
}

static void print_mismatches(void)
{
	unsigned int i;

	for (i = 0; i < mismatches && i < MAX_NOTES; i++) {
		printf("MISMATCH: task %d (%s)\n", notes[i].pid, notes[i].comm);
		print_source("kfunc", &notes[i].told, notes[i].told_pid);
		if (notes[i].changed)
			printf("          and something else later\n");
		print_source("stat(2)", &notes[i].is, notes[i].is_pid);
	}
	if (mismatches > MAX_NOTES)
		printf("MISMATCH: and %u more tasks\n",
		       mismatches - MAX_NOTES);
}

static void print_summary(void)
{
	unsigned int nr[NR_VERDICTS] = {};
	size_t i;

	for (i = 0; i < nr_rows; i++)
		nr[get_verdict(rows[i])]++;

	printf("%zu %s namespace%s: %u match, %u mismatch", nr_rows,
	       opt.kind->name, nr_rows == 1 ? "" : "s", nr[MATCH],
	       nr[MISMATCH]);
	if (nr[MOVED])
		printf(", %u moved", nr[MOVED]);
	if (nr[GONE])
		printf(", %u gone", nr[GONE]);
	if (nr[NOTHING])
		printf(", %u without calls", nr[NOTHING]);
	if (nr[DENIED])
		printf(", %u denied", nr[DENIED]);
	printf(" (%u %s%s compared)\n", compared,
	       opt.kind->per_thread ? "thread" : "process",
	       compared == 1 ? "" : opt.kind->per_thread ? "s" : "es");
	if (moved)
		printf("%u could not be compared, they had called what changes namespaces\n",
		       moved);
	if (denied)
		printf("%u processes could not be looked at, that takes CAP_SYS_PTRACE\n",
		       denied);
}

/* Whatever is not in the table. The counters only grow: print what is new. */
static void print_lost(const struct nstop_tasks_bpf *skel)
{
	const struct nstop_lost now = skel->bss->lost;
	struct bpf_prog_info info = {};
	static struct nstop_lost was;
	static __u64 missed;
	__u32 len = sizeof(info);

	if (now.ns_full != was.ns_full)
		printf("LOST: %llu calls not counted, no room for more than %d namespaces\n",
		       now.ns_full - was.ns_full, NSTOP_MAX_NS);
	if (now.task_full != was.task_full)
		printf("LOST: %llu calls by tasks not compared, no room for more than %d tasks\n",
		       now.task_full - was.task_full, NSTOP_MAX_TASKS);
	if (now.no_ident != was.no_ident)
		printf("LOST: %llu calls by tasks that %s() has no answer for\n",
		       now.no_ident - was.no_ident, kfunc());
	was = now;

	if (!bpf_prog_get_info_by_fd(bpf_program__fd(skel->progs.count_sys_enter),
				     &info, &len)) {
		if (info.recursion_misses != missed)
			printf("LOST: %llu calls not counted, made while another was\n",
			       info.recursion_misses - missed);
		missed = info.recursion_misses;
	}
}

static void do_round(struct nstop_tasks_bpf *skel, double secs)
{
	int calls_fd = bpf_map__fd(skel->maps.calls);

	start_round();

	/*
	 * In this order: what is in the map of tasks and not in /proc has been
	 * there and is gone, and so is what it has done to the counters.
	 */
	read_callers();
	read_proc();
	forget_tasks();
	read_calls(calls_fd);
	forget_rows(calls_fd);
	if (mismatches)
		found_mismatch();

	start_table();
	print_table(secs);
	print_mismatches();
	print_summary();
	print_lost(skel);
	end_table();
}

static void run(struct nstop_tasks_bpf *skel)
{
	double start = seconds();

	do {
		wait_round();
		skel->bss->paused = true;
		do_round(skel, seconds() - start);
		skel->bss->paused = false;
		start = seconds();

		/* This process called too, so there is at least one. */
		if (!compared)
			errx(EXIT_ERROR, "not a single task could be compared");
	} while (!opt.once);
}

/*
 * The system calls after which a task may be in another namespace. execve()
 * is for time namespaces, and lets a thread take the place of the leader.
 */
static const __s64 moves[NSTOP_NR_MOVES] = {
	SYS_setns, SYS_unshare, SYS_execve, SYS_execveat,
};

static void configure(struct nstop_config *config)
{
	config->ns_type = opt.kind->flag;
	config->per_thread = opt.kind->per_thread;
	config->seen_by = seen_by;
	/* A pid namespace is for life. */
	if (opt.kind->flag != CLONE_NEWPID)
		config->nr_moves = NSTOP_NR_MOVES;
	memcpy(config->moves, moves, sizeof(moves));
}

static struct nstop_tasks_bpf *load(void)
{
	struct nstop_tasks_bpf *skel;
	int ret;

	skel = nstop_tasks_bpf__open();
	if (!skel)
		err(EXIT_ERROR, "cannot open the BPF program");
	configure(&skel->rodata->opts);
	set_log(skel->progs.count_sys_enter);

	ret = nstop_tasks_bpf__load(skel);
	if (ret) {
		explain(-ret, kfunc(), "CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN");
		exit(EXIT_ERROR);
	}
	ret = nstop_tasks_bpf__attach(skel);
	if (ret)
		err(EXIT_ERROR, "cannot attach to sys_enter");
	tasks_fd = bpf_map__fd(skel->maps.tasks);
	return skel;
}

/* Pids come from /proc, so it must show those that this process goes by. */
static void check_proc(void)
{
	char self[16];
	ssize_t len;

	len = readlink("/proc/self", self, sizeof(self) - 1);
	if (len < 0)
		err(EXIT_ERROR, "/proc/self");
	self[len] = '\0';
	if (atoi(self) != getpid())
		errx(EXIT_ERROR, "/proc belongs to another pid namespace than this process");
}

static void find_seen_by(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", opt.seen_by);
	seen_by_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (seen_by_fd < 0 && errno == ENOENT)
		errx(EXIT_ERROR, "there is no process %d", opt.seen_by);
	if (seen_by_fd < 0 || fd_ident(seen_by_fd, &seen_by))
		err(EXIT_ERROR, "%s", path);
}

static void check_kind(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/%s", opt.kind->path);
	if (access(path, F_OK))
		errx(EXIT_ERROR, "this kernel has no %s namespaces",
		     opt.kind->name);
}

void nstop_tasks(void)
{
	struct nstop_tasks_bpf *skel;

	/* The program is to know of it when it is loaded. */
	if (opt.seen_by)
		find_seen_by();
	skel = load();
	check_files();
	check_proc();
	check_kind();
	run(skel);
	nstop_tasks_bpf__destroy(skel);
}
