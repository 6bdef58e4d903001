/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the tests and their BPF programs. */
#ifndef _IDENT_H
#define _IDENT_H

/* An argument of getpgid(2) that only the tests pass. */
#define MAGIC_PID 0x6e736964

struct bpf_ns_ident {
	unsigned long long dev;
	unsigned long long ino;
	unsigned long long id;
};

struct answer {
	int err;
	int pid;		/* of the current task, in the initial namespace */
	int calls;
	struct bpf_ns_ident ident;
};

#endif /* _IDENT_H */
