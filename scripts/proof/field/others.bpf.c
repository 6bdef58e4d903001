// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that do not use the module bpf_ns_ident. To load them, a library may have to read the BTF of
 * all modules.
 */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "others.h"

#define EINVAL 22

struct bpf_fou_encap {
	__be16 sport;
	__be16 dport;
};

int bpf_skb_get_fou_encap(struct __sk_buff *skb_ctx,
			  struct bpf_fou_encap *encap) __ksym;

/* No kernel has this structure. */
struct struct_of_nobody {
	int n;
} __attribute__((preserve_access_index));

/* Calls a kfunc of the module fou. The packet is not from a tunnel. */
SEC("tc")
int kfunc_of_fou(struct __sk_buff *skb)
{
	struct bpf_fou_encap encap = {};

	return bpf_skb_get_fou_encap(skb, &encap) == -EINVAL ? THERE : 0;
}

SEC("tc")
int type_of_nobody(struct __sk_buff *skb)
{
	return bpf_core_type_exists(struct struct_of_nobody) ? THERE : ABSENT;
}

char LICENSE[] SEC("license") = "GPL";
