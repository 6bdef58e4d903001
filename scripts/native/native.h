/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the two halves of the benchmark in a process share: rows.c, which is
 * compiled and linked as code of the kernel, and native.c.
 */
#ifndef _NATIVE_H
#define _NATIVE_H

/* A turn of a loop is that many calls. */
#define CALLS_PER_TURN 10

struct native_row {
	const char *name;	/* as `bench` has it */
	void (*loop)(unsigned long turns);
	const void *needs;	/* NULL if the object has no such function */
	int level;		/* of the task's pid namespace */
	int (*check)(void);	/* returns 0 if the function does what it should */
};

/* Where rows.c finds it is the symbol `native`. */
struct native {
	const struct native_row *row;
	int nr_rows;
	void (*init)(void);	/* once, after patching */
	void (*set_level)(int level);

	/* What to patch, NULL where this kernel has no such symbol. */
	void *fentry, *mcount_start, *mcount_end;
	void *return_thunk, *retbleed, *srso, *srso_alias, *its;
	void *nofault_allowed;
};

#endif /* _NATIVE_H */
