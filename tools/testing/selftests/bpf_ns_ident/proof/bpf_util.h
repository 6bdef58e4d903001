/* SPDX-License-Identifier: GPL-2.0 */
/*
 * BPF programs for tests: programs from progs/, which write to a struct report, and
 * programs that a test builds from instructions.
 *
 * Functions return 0 or a result, or a negative errno.
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

/* Returns the directory of the test and of all files built with it. */
const char *test_dir(void);

struct probe {
	struct bpf_object *obj;
	struct bpf_program *prog;	/* first program */
	struct bpf_link *link;
	struct report *report;		/* shared with the program */
	int fd;
};

/* The verifier's log of the last rejected program. */
extern char probe_log[LOG_SIZE];

/* Loads progs/NAME.bpf.c, in two steps or in one. */
int probe_prepare(struct probe *probe, const char *name);
int probe_finish(struct probe *probe);
int probe_load(struct probe *probe, const char *name);
/* Loads and attaches progs/NAME.bpf.c. */
int probe_open(struct probe *probe, const char *name);
/* Resets the report, and selects a process. */
void probe_target(struct probe *probe, pid_t pid);
/* Waits for the next event of a program with a ring buffer. */
int probe_wait(struct probe *probe, struct report *event);
void probe_close(struct probe *probe);

/* Sets a read-only variable of programs that are not loaded yet. */
int object_set_u64(struct bpf_object *obj, const char *name, __u64 value);

/* Opens the BTF of a loaded module. */
int btf_open(const char *module, __u32 *id);

/* A kfunc, and the BTF that has it. */
struct kfunc {
	int id;
	int btf_fd;		/* 0 for vmlinux */
	__u32 btf_id;
};

int kfunc_find(struct kfunc *kfunc, const char *module, const char *name);
void kfunc_close(struct kfunc *kfunc);

/* The first entry of a program's fd_array is for maps. */
#define BPF_CALL_KFUNC(ID)						\
	BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 1, ID)

/* Writes a program that only calls KFUNC, which has that id. */
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

/* Loads a program of a type that only calls KFUNC. */
int raw_load_type(struct raw_prog *prog, enum bpf_prog_type type,
		  enum bpf_attach_type attach_type);

/* Tries to load such a program with KFUNC of MODULE. Returns 0 on success. */
int module_try(struct raw_prog *prog, enum bpf_prog_type type);

/*
 * Whether the kernel records the namespaces from which programs are loaded. Then
 * all kfuncs of MODULE can be called from a nested pid namespace.
 */
bool origin_is_recorded(void);

/* Runs a syscall program, and returns its return value. */
int run_syscall_prog(int fd, void *ctx, size_t size);

#endif /* _BPF_UTIL_H */
