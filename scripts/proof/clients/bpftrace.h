/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For `import` of bpftrace, which compiles C without other headers. WEAK selects the declaration. The
 * functions need an argument.
 */
typedef unsigned long long u64;
typedef unsigned int u32;

struct bpf_ns_ident { u64 dev, ino, id; };

#define CLONE_NEWNET	0x40000000
#define ABSENT		1000001

int bpf_get_current_ns_ident(u32 ns_type, struct bpf_ns_ident *ident)
	__attribute__((section(".ksyms"))) WEAK;

int client_netns_id(int unused)
{
	struct bpf_ns_ident ident = {};
	int err;

	if (!bpf_get_current_ns_ident)
		return ABSENT;
	err = bpf_get_current_ns_ident(CLONE_NEWNET, &ident);
	return err ? err : (int)ident.id;
}
