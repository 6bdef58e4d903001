/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by rows.c, which is compiled and linked as kernel code, and native.c, which
 * runs it in a process.
 */
#ifndef _NATIVE_H
#define _NATIVE_H

/* Number of calls in a turn of a loop. */
#define CALLS_PER_TURN 10

struct native_row {
	const char *name;	/* name of the row in `bench` */
	void (*loop)(unsigned long turns);
	const void *needs;	/* NULL if the object has no such function */
	int level;		/* level of the task's pid namespace */
	int (*check)(void);	/* returns 0 if the function works */
};

/* rows.c defines this as the symbol `native`. */
struct native {
	const struct native_row *row;
	int nr_rows;
	void (*init)(void);	/* called once, after patching */
	void (*set_level)(int level);

	/* Places to patch. NULL if this kernel lacks the symbol. */
	void *fentry, *mcount_start, *mcount_end;
	void *return_thunk, *retbleed, *srso, *srso_alias, *its;
	void *nofault_allowed;
};

#endif /* _NATIVE_H */
