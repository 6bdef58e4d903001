/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks in namespaces of their own that run functions of a test, the identity
 * of namespaces from userspace, modules, and the kernel log.
 *
 * Functions return 0 or a result, or a negative errno.
 */
#ifndef _NS_UTIL_H
#define _NS_UTIL_H

#include <linux/sched.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

#include "report.h"

#define MODULE "bpf_ns_ident"
#define SAMPLE_MODULE "rust_kfunc"
#define REFERENCES_MODULE "rust_kfunc_ref"

/* The maximum level of a pid namespace. The initial one has level 0. */
#define MAX_PID_NS_LEVEL 32
#define NR_LEVELS (MAX_PID_NS_LEVEL + 1)

#define ALL_NS (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | \
		CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWUSER | CLONE_NEWUTS)

struct ns_task {
	pid_t pid;		/* in the test's pid namespace */
	int sock;
	bool is_child;		/* of the test itself */
};

/*
 * Starts a task by clone3() with @flags, as a child of @from, or of the caller
 * if @from is NULL. In a new user namespace, the task is root, and all ids are
 * mapped to that.
 */
int ns_start(struct ns_task *task, const struct ns_task *from, __u64 flags);

/*
 * Replaces the task by one in a new namespace that has the inode number of a
 * namespace that is gone. @type is the name of @flag.
 */
int ns_reuse_number(struct ns_task *task, __u64 flag, const char *type, __u64 ino);

/*
 * Calls @fn in the task, and returns its result. The memory behind @arg must be
 * older than the task. If @fn writes to it, it must be from ns_alloc().
 */
int ns_call(const struct ns_task *task, int (*fn)(void *arg), void *arg);

/* The same, with a file descriptor, which @fn finds in ns_received_fd. */
int ns_call_fd(const struct ns_task *task, int fd, int (*fn)(void *arg),
	       void *arg);
extern int ns_received_fd;

/* The same in two steps, if the test has to act before @fn returns. */
int ns_call_begin(const struct ns_task *task, int fd, int (*fn)(void *arg),
		  void *arg);
int ns_call_end(const struct ns_task *task);

/* Ends the task, and waits for the end. */
void ns_stop(struct ns_task *task);

/* Zeroed memory that a test shares with tasks that it starts afterwards. */
void *ns_alloc(size_t size);

/* Functions for a task. Flags are passed as pointers. */
int ns_do_getpgid(void *unused);	/* a system call that programs wait for */
int ns_do_unshare(void *flags);		/* CLONE_NEW*, cast */
int ns_do_setns(void *flags);		/* CLONE_NEW*, into ns_received_fd */

/* Opens /proc/PID/ns/NAME. */
int ns_open(pid_t pid, const char *name);

/* Reads the identity by stat(2) and NS_GET_ID. */
int ns_ident(pid_t pid, const char *name, struct bpf_ns_ident *ident);
int ns_ident_fd(int fd, struct bpf_ns_ident *ident);

/* Writes the names of the types in @flags, CLONE_NEW*, with commas in between. */
void ns_names(__u64 flags, char *text, size_t size);

/* The ids of a task, from the initial pid namespace to its own. */
struct ns_ids {
	int nr;
	pid_t tgid[NR_LEVELS];
	pid_t pid[NR_LEVELS];
};

/* Reads the ids from /proc/PID/status of the initial pid namespace. */
int ns_read_ids(const char *path, struct ns_ids *ids);

int write_file(const char *path, const char *text);

/*
 * Closes a file descriptor that was opened as a check. Returns 0, or @fd if
 * that is an error.
 */
int fd_drop(int fd);

/* Whether to run the long forms of tests: TORTURE=1 in the environment. */
bool is_torture(void);

/* Keeps the calling thread on the first or on the last of its CPUs. */
void stay_on_cpu(bool last);

/* A cgroup, in a hierarchy that the test mounts if there is none. */
struct ns_cgroup {
	char mount[32];		/* of that hierarchy */
	char path[64];
	int fd;			/* -1 if it is closed */
};

int ns_cgroup_open(struct ns_cgroup *cgroup);
int ns_cgroup_add(const struct ns_cgroup *cgroup, pid_t pid);
/* Its tasks must have ended. */
int ns_cgroup_close(struct ns_cgroup *cgroup);

/* Returns the file of a module, -ENOENT, or -EEXIST if the module is built in. */
int module_open(const char *name);
/* Loads the unmodified file of a module. @params may be NULL. */
int module_load_fd(int fd, const char *params);
/* Whether the module is built in, loaded, or can be loaded. */
bool module_is_there(const char *name);
bool module_is_built_in(const char *name);
/* Returns the file in memory that the caller frees, or NULL. */
void *module_read(const char *name, size_t *size);
int module_load_image(const void *image, size_t size);
/* Returns 0 if the module is loaded already, or is built in and has no @params. */
int module_load(const char *name, const char *params);
/*
 * Both return 0 if the module is not loaded, and -EEXIST if it is built in. The
 * first one tries once, the second one waits until closed programs have been
 * freed.
 */
int module_unload_now(const char *name);
int module_unload(const char *name);
bool module_is_loaded(const char *name);
/* Whether the module was built out of tree. */
bool module_is_out_of_tree(const char *name);
int module_reload(const char *name, const char *params);

/* Opens the kernel log, for later messages. */
int klog_open(void);
/* Finds the next line that contains @text. */
bool klog_find(int klog, const char *text, char *line, size_t size);

/*
 * Skip tests that the kernel does not support. A missing option is only
 * detected if the kernel, or /boot, has the configuration.
 */
bool kernel_lacks(const char *option);
bool kernel_is_before(int version, int patchlevel);
bool kernel_has_bpf_lsm(void);

#define SKIP_WITHOUT(OPTION)						\
	do {								\
		if (kernel_lacks(OPTION))				\
			SKIP(return, "this kernel has no " OPTION);	\
	} while (0)

#define SKIP_WITHOUT_BPF_LSM()						\
	do {								\
		if (!kernel_has_bpf_lsm())				\
			SKIP(return, "bpf is not among the active LSMs"); \
	} while (0)

#define SKIP_WITHOUT_MODULE(NAME)					\
	do {								\
		if (!module_is_there(NAME))				\
			SKIP(return, "there is no module " NAME);	\
	} while (0)

#define SKIP_WITHOUT_LOADABLE_MODULE(NAME)				\
	do {								\
		SKIP_WITHOUT_MODULE(NAME);				\
		if (module_is_built_in(NAME))				\
			SKIP(return, NAME " is built in");		\
	} while (0)

/* Both skip all tests and exit, if no test can run. */
void skip_all_without(const char *module);
void skip_all_without_loadable(const char *module);

/*
 * In place of TEST_HARNESS_MAIN. $TIMEOUT_FACTOR multiplies the seconds that each
 * test may take, for a kernel with debug features.
 */
#define NS_TEST_MAIN(NAME) NS_TEST_MAIN_IF(skip_all_without(NAME))

/* For tests of which all need a module that they can unload. */
#define NS_TEST_MAIN_LOADABLE(NAME)					\
	NS_TEST_MAIN_IF(skip_all_without_loadable(NAME))

#define NS_TEST_MAIN_IF(SKIP_ALL)					\
	int main(int argc, char **argv)					\
	{								\
		const char *factor = getenv("TIMEOUT_FACTOR");		\
		struct __fixture_metadata *f;				\
		struct __test_metadata *t;				\
									\
		SKIP_ALL;						\
		for (f = __fixture_list; factor && f; f = f->next)	\
			for (t = f->tests; t; t = t->next)		\
				t->timeout *= atoi(factor);		\
		return test_harness_run(argc, argv);			\
	}

#endif /* _NS_UTIL_H */
