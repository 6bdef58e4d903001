/* SPDX-License-Identifier: GPL-2.0 */
/* Declarations that the source files of nstop share. */
#ifndef NSTOP_USER_H
#define NSTOP_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

#include "ns_ident.h"
#include "nstop.h"
#include "nstop_containers.h"
#include "nstop_table.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))

#define PIDNS_KFUNC	"bpf_get_current_pidns_ident"
#define NS_KFUNC	"bpf_get_current_ns_ident"
#define SKB_KFUNC	"bpf_skb_netns_ident"

#define MODULE		"bpf_ns_ident"

#define NSEC_PER_SEC	1000000000ULL

enum {
	EXIT_MATCH = 0,
	EXIT_MISMATCH = 1,
	EXIT_ERROR = 2,
};

/* A namespace type. */
struct kind {
	const char *name;
	const char *path;	/* of its file, below /proc/PID */
	__u32 flag;		/* CLONE_NEW* */
	ino_t initial;		/* of the initial one */
	bool per_thread;	/* threads of a process may be in different ones */
	bool has_parent;
};

/* The last one has no name. */
extern const struct kind kinds[];

struct options {
	const struct kind *kind;
	pid_t seen_by;
	bool containers;
	bool net;
	bool json;
	bool live;		/* on a terminal, by ncurses */
	bool verbose;
	unsigned long count;	/* of tables, 0: until a signal or a key ends it */
	double secs;
	struct view view;
};

#define MIN_SECS	0.01
#define MAX_SECS	86400.0

extern struct options opt;

struct bpf_object;
struct bpf_program;

/* A counter of system calls or traffic, and its table. */
struct source {
	struct table table;	/* its name, type and columns are constant */
	void (*open)(void);
	/* Starts an interval. */
	void (*start)(void);
	/* Ends the interval, and fills the table. */
	void (*read)(struct table *table);
	void (*close)(void);
};

extern struct source tasks_source;
extern struct source net_source;

/* Sets the exit status. The caller calls this before it prints the table. */
void found_mismatch(void);

/* The exit status so far. */
int get_exit_status(void);

#ifdef NSTOP_NCURSES
/*
 * Shows tables until a key or a signal ends the view. @quit_fd is readable after a
 * signal. Returns false if the type of the terminal is unknown.
 */
bool run_live(struct source *source, int quit_fd);
/* Restores the settings of the terminal, and does not wait for its output. */
void restore_terminal(void);
#else
static inline bool run_live(struct source *source, int quit_fd)
{
	return false;
}

static inline void restore_terminal(void)
{
}
#endif

/* The number of files that nstop opens and closes again at the same time, at most. */
#define FILES_FOR_A_MOMENT	16

#define RAISE_FILES	"raise that by 'ulimit -n'"

/* The limit of open files of this process. */
__u64 max_files(void);

/* Ends the process if FILES_FOR_A_MOMENT are more than can be opened. */
void check_files(void);

/* Reallocates an array of @nr elements of @size bytes for one more element. */
void *grow(void *old, size_t nr, size_t size);

bool same_ident(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b);

/*
 * Prints the reason for an error of ns_ident.h about this object, and exits. Does
 * nothing if @ret is not negative.
 */
void check_ident(int ret, const char *of);

/* Returns the device of nsfs, which the programs need if they walk. Exits on an error. */
__u64 nsfs_dev(void);

/* Is the pid namespace of this process not the initial one? */
bool in_nested_pidns(void);

/* Adds the note that the programs walk the kernel's structures. */
void add_walk_note(struct table *table);

/* Adds up the @nr numbers that a per-CPU map has for @key on each CPU. */
void read_percpu(int map, const void *key, __u64 *sum, size_t nr);

#define NSTOP_NAME_LEN	CONTAINER_TEXT_LEN

/* Makes the C library decode names as UTF-8. */
void init_text(void);

/*
 * Escapes characters that are not printable in up to @len bytes, and spaces unless @spaces is set.
 * Omits the characters at the end that do not fit into @size bytes. Returns the length.
 */
size_t escape(char *to, size_t size, const char *from, size_t len, bool spaces);

/* The same in a new string of sufficient size, which the caller frees. */
char *escaped(const char *from, size_t len, bool spaces);

/* The same for the name of a container, in place. */
void make_printable(char text[NSTOP_NAME_LEN]);

/* The number of terminal columns of an escaped text. */
size_t text_width(const char *text);

/* Cuts an escaped text to @width terminal columns, and marks the cut by a +. 0 is no limit. */
void cut_text(char *text, size_t width);

/*
 * Writes the name of the container of the process with the directory @proc in
 * /proc, as container_text() does. For a process that is @nested in another
 * container, the name includes that of the container inside.
 */
static inline void container_name(int proc, bool nested,
				  char name[NSTOP_NAME_LEN])
{
	struct container container;

	container_of_proc(proc, nested, &container);
	container_text(&container, name, NSTOP_NAME_LEN);
	make_printable(name);
}

double seconds(void);

/* A task with a directory in /proc: a process, or a thread. */
struct proc_task {
	pid_t pid;
	int dir;
	__u64 start;		/* in clock ticks */
	unsigned int threads;
	char comm[NSTOP_COMM_LEN];
};

/* Calls @look_at for all processes, or for all threads. Exits if /proc cannot be read. */
void read_proc(bool threads, void (*look_at)(struct proc_task *task));

/* Reads the members that are not known yet. Returns -1 and errno if the task is gone. */
int read_stat(struct proc_task *task);

/* Exits if /proc belongs to another pid namespace than this process. */
void check_proc(void);

/* Converts the start time of a task to the unit of /proc. */
__u64 start_in_ticks(__u64 start);

/* Sets the buffer for the verifier's log. The caller does this before the load. */
void set_log(struct bpf_program *prog);

/*
 * Prints the reason why the load of a program that calls @kfunc failed. @caps are
 * the capabilities that the load needs.
 */
void explain(int error, const char *kfunc, const char *caps);

#endif /* NSTOP_USER_H */
