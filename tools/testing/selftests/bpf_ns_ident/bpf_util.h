/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BPF programs of tests: those from progs/, which write to a struct report, and
 * those that a test writes instruction by instruction.
 *
 * Functions return 0 or what they are asked for, or a negative errno.
 */
#ifndef _BPF_UTIL_H
#define _BPF_UTIL_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/filter.h>

#include "report.h"

#define KFUNC "bpf_get_current_pidns_ident"

#define LOG_SIZE 65536

/* Where the test itself is, and all that was built with it. */
const char *test_dir(void);

struct probe {
	struct bpf_object *obj;
	struct bpf_program *prog;	/* the first one */
	struct bpf_link *link;
	struct report *report;		/* shared with the program */
	int fd;
};

/* What the verifier said of the last one that was refused. */
extern char probe_log[LOG_SIZE];

/* Loads progs/NAME.bpf.c, in two steps or in one. */
int probe_prepare(struct probe *probe, const char *name);
int probe_finish(struct probe *probe);
int probe_load(struct probe *probe, const char *name);
/* Loads and attaches it. */
int probe_open(struct probe *probe, const char *name);
/* Starts anew, for a process. */
void probe_target(struct probe *probe, pid_t pid);
/* Waits for the next event of a program that has them. */
int probe_wait(struct probe *probe, struct report *event);
void probe_close(struct probe *probe);

/* Opens the BTF of a module that is loaded now. */
int btf_open(const char *module, __u32 *id);

/* A kfunc, and the BTF that has it. */
struct kfunc {
	int id;
	int btf_fd;
	__u32 btf_id;
};

int kfunc_find(struct kfunc *kfunc, const char *module, const char *name);
void kfunc_close(struct kfunc *kfunc);

/* The first one in a program's fd_array is for maps. */
#define BPF_CALL_KFUNC(ID)						\
	BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 1, ID)

/* Writes a program that asks KFUNC, which has that id, and does nothing else. */
#define NR_ASK_INSNS 8
void ask_ident(struct bpf_insn insns[NR_ASK_INSNS], int kfunc_id);

struct raw_prog {
	enum bpf_prog_type type;
	enum bpf_attach_type attach_type;
	__u32 flags;
	__u32 attach_btf_id;
	int attach_prog_fd;
	int token_fd;
	const char *name;
	const char *license;
	const struct bpf_insn *insns;
	size_t cnt;
	const struct kfunc *kfunc;
	char log[LOG_SIZE];
};

/* Returns a file descriptor. */
int raw_load(struct raw_prog *prog);

/* Loads a program of a type that does nothing but ask for the identity. */
int raw_load_type(struct raw_prog *prog, enum bpf_prog_type type,
		  enum bpf_attach_type attach_type);

/* Whether such a program that calls KFUNC of MODULE loads: 0 if it does. */
int module_try(struct raw_prog *prog, enum bpf_prog_type type);

/* Runs a syscall program, and returns what the program did. */
int run_syscall_prog(int fd, void *ctx, size_t size);

#endif /* _BPF_UTIL_H */
