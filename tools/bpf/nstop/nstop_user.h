/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of nstop that run in userspace have in common. */
#ifndef NSTOP_USER_H
#define NSTOP_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <linux/types.h>

#include "nstop.h"
#include "nstop_containers.h"

#define PIDNS_KFUNC	"bpf_get_current_pidns_ident"
#define NS_KFUNC	"bpf_get_current_ns_ident"
#define PID_KFUNC	"bpf_get_current_pid_tgid_in"
#define SKB_KFUNC	"bpf_skb_netns_ident"

#define NSEC_PER_SEC	1000000000ULL

enum {
	EXIT_MATCH = 0,
	EXIT_MISMATCH = 1,
	EXIT_ERROR = 2,
};

/* A kind of namespaces. */
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
	bool once;
	bool verbose;
	double secs;
};

extern struct options opt;

struct bpf_object;
struct bpf_program;

/* Each counts and prints, once or until a signal ends the process. */
void nstop_tasks(void);
void nstop_net(void);

/* Sets the exit status. To be called before it is printed. */
void found_mismatch(void);

/* So many files may be open that are open for a moment only. */
#define FILES_FOR_A_MOMENT	16

#define RAISE_FILES	"raise that by 'ulimit -n'"

/* How many files this process can have open. */
__u64 max_files(void);

/* Ends the process if FILES_FOR_A_MOMENT are more than can be opened. */
void check_files(void);

/* Makes room for one more after @nr elements of @size bytes. */
void *grow(void *old, size_t nr, size_t size);

bool same_ident(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b);

/* The identity of the namespace behind an open file of nsfs, or -1 and errno. */
int fd_ident(int fd, struct bpf_ns_ident *ident);

/* The sum of what a map that is per CPU has for @key: @nr numbers each. */
void read_percpu(int map, const void *key, __u64 *sum, size_t nr);

/* Puts a ? for whatever is not a letter, a digit or the like. */
void make_printable(char *text);

/* Makes @width enough for @value. */
void widen(int *width, __u64 value);

#define NSTOP_NAME_LEN	CONTAINER_TEXT_LEN

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

void wait_round(void);

/* Ends a table, or separates it from the one before. */
void start_table(void);
void end_table(void);

/* To be called before the program is loaded. */
void set_log(struct bpf_program *prog);

/*
 * Says in words why a program that calls @kfunc could not be loaded. @caps are
 * the capabilities that it takes.
 */
void explain(int error, const char *kfunc, const char *caps);

#endif /* NSTOP_USER_H */
