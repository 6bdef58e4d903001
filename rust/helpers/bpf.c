// SPDX-License-Identifier: GPL-2.0

#ifdef CONFIG_RUST_BPF_KUNIT_TEST

#include <linux/array_size.h>

/* The context types of programs, by their name in BTF. */
static const char *const bpf_ctx_types[] = {
#define BPF_PROG_TYPE(_id, _name, prog_ctx_type, kern_ctx_type) #prog_ctx_type,
#define BPF_MAP_TYPE(_id, _ops)
#define BPF_LINK_TYPE(_id, _name)
#include <linux/bpf_types.h>
#undef BPF_PROG_TYPE
#undef BPF_MAP_TYPE
#undef BPF_LINK_TYPE
};

const char *rust_helper_bpf_ctx_type(size_t i)
{
	return i < ARRAY_SIZE(bpf_ctx_types) ? bpf_ctx_types[i] : NULL;
}

#endif /* CONFIG_RUST_BPF_KUNIT_TEST */
