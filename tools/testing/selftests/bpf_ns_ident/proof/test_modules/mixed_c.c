// SPDX-License-Identifier: GPL-2.0
/*
 * The kfuncs in C of mixed.rs.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/module.h>

#include "mixed.h"

/* The same as in Rust, where no integer is a typedef. So the BTF has it once. */
struct bpf_ns_test_pair {
	unsigned int a;
	unsigned int b;
};

__bpf_kfunc_start_defs();

/* Returns the sum. */
__bpf_kfunc u32 bpf_ns_test_pair_sum(const struct bpf_ns_test_pair *pair)
{
	return pair->a + pair->b;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(bpf_ns_test_mixed_ids)
BTF_ID_FLAGS(func, bpf_ns_test_pair_sum)
BTF_KFUNCS_END(bpf_ns_test_mixed_ids)

static const struct btf_kfunc_id_set bpf_ns_test_mixed_set = {
	.owner	= THIS_MODULE,
	.set	= &bpf_ns_test_mixed_ids,
};

int bpf_ns_test_mixed_register(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &bpf_ns_test_mixed_set) ?:
	       register_btf_kfunc_id_set(BPF_PROG_TYPE_TRACING, &bpf_ns_test_mixed_set);
}
