// SPDX-License-Identifier: GPL-2.0
/*
 * Prototypes that differ from those of the module. libbpf ignores ___ and the rest
 * of a name. A weak kfunc with a mismatch is absent.
 */
#include "report.bpf.h"

struct smaller {
	__u64 dev;
	__u64 ino;
};

struct larger {
	struct bpf_ns_ident ident;
	__u64 more;
};

#define KFUNC(NAME) bpf_get_current_pidns_ident___##NAME

int KFUNC(same)(struct bpf_ns_ident *ident) __weak __ksym;
int KFUNC(smaller_struct)(struct smaller *ident) __weak __ksym;
int KFUNC(larger_struct)(struct larger *ident) __weak __ksym;
long KFUNC(long_result)(struct bpf_ns_ident *ident) __weak __ksym;
void KFUNC(no_result)(struct bpf_ns_ident *ident) __weak __ksym;
void *KFUNC(pointer_result)(struct bpf_ns_ident *ident) __weak __ksym;
int KFUNC(no_argument)(void) __weak __ksym;
int KFUNC(more_arguments)(struct bpf_ns_ident *ident, __u64 size) __weak __ksym;
int KFUNC(scalar)(__u64 ident) __weak __ksym;
int KFUNC(pointer_to_scalar)(__u64 *ident) __weak __ksym;
int KFUNC(pointer_to_void)(void *ident) __weak __ksym;

struct smaller smaller SEC(".data.smaller");
struct larger larger SEC(".data.larger");

#define EXISTS(BIT, NAME) (bpf_ksym_exists(KFUNC(NAME)) ? 1 << (BIT) : 0)

/* Returns which prototypes libbpf accepts. */
SEC("?syscall")
int compatible(void *ctx)
{
	return EXISTS(0, same) |
	       EXISTS(1, smaller_struct) |
	       EXISTS(2, larger_struct) |
	       EXISTS(3, long_result) |
	       EXISTS(4, no_result) |
	       EXISTS(5, pointer_result) |
	       EXISTS(6, no_argument) |
	       EXISTS(7, more_arguments) |
	       EXISTS(8, scalar) |
	       EXISTS(9, pointer_to_scalar) |
	       EXISTS(10, pointer_to_void);
}

/* For accepted prototypes, the kernel uses that of the module. */
SEC("?syscall")
int pass_smaller(void *ctx)
{
	KFUNC(smaller_struct)(&smaller);
	return 0;
}

SEC("?syscall")
int pass_larger(void *ctx)
{
	larger.more = POISON;
	report.err = KFUNC(larger_struct)(&larger);
	report.ident = larger.ident;
	return larger.more == POISON;
}
