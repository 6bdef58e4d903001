/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The results that the kfuncs about any task must have, and the programs of
 * progs/task.bpf.c that call these kfuncs.
 *
 * Functions return 0 or a negative errno.
 */
#ifndef _TASK_UTIL_H
#define _TASK_UTIL_H

#include "bpf_util.h"
#include "ns_util.h"
#include "task.h"

/* The test cannot map the ids of a user namespace in another one. */
#define NESTED_NS (ALL_NS & ~CLONE_NEWUSER)

struct ns_type {
	const char *name;	/* in /proc/PID/ns */
	__u32 flag;		/* CLONE_NEW* */
	bool in_proxy;		/* needs the lock of another task */
};

extern const struct ns_type ns_types[NR_NS_TYPES];

/* Finds the struct asked of progs/task.bpf.h, and fills in the types. */
int task_find_asked(struct probe *probe, struct asked **asked);

/* Loads one of the programs, or two, in two steps or in one. */
int task_prepare(struct probe *probe, const char *name, const char *second);
int task_load(struct probe *probe, const char *name, const char *second,
	      struct asked **asked);

/* Clears the last results, and names the thread group to ask about. */
void task_aim(struct probe *probe, struct asked *asked, pid_t tgid);

/* Reads the results from /proc and nsfs, by thread id. */
int task_read(pid_t pid, struct task_answer *answer);

/* Returns a text with the first difference, NULL if there is none. */
const char *task_differs(const struct task_answer *want,
			 const struct task_answer *got);

/* Replaces the results that need the lock by -EBUSY. */
void task_make_busy(struct task_answer *answer);

/* Whether a spinlock has a state: not on a uniprocessor without debugging. */
bool locks_have_state(void);

/* Whether only preemptible programs of a task that waits for no lock try the lock. */
bool is_preempt_rt(void);

#endif /* _TASK_UTIL_H */
