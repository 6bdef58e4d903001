// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the results of kfuncs for each system call on the machine with one
 * another, and with a helper that only finds tasks in exactly one pid namespace.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "kfuncs.bpf.h"
#include "origin_stress.h"

struct origin_stress shared SEC(".data.origin");

static __always_inline bool is_same(const struct bpf_ns_ident *a,
				    const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

SEC("raw_tp/sys_enter")
int on_sys_enter(void *ctx)
{
	struct bpf_ns_ident ident = { POISON, POISON, POISON }, none = {};
	struct bpf_ns_ident own = shared.own;
	struct bpf_pidns_info info = {};
	__s64 pid_tgid, named;
	bool is_right;
	long plain;
	int err;

	if (!own.id)
		return 0;
	pid_tgid = bpf_get_current_pid_tgid_own();
	named = bpf_get_current_pid_tgid_in(&own);
	err = bpf_get_current_pidns_ident(&ident);
	plain = bpf_get_ns_current_pid_tgid(own.dev, own.ino, &info, sizeof(info));

	if (plain)
		is_right = pid_tgid > 0 ? !err && !is_same(&ident, &own) :
					  err == -3 && is_same(&ident, &none);
	else
		is_right = !err && is_same(&ident, &own) &&
			   pid_tgid == ((__s64)info.tgid << 32 | info.pid);
	is_right &= named == pid_tgid;
	if (!is_right) {
		shared.ident = ident;
		shared.pid_tgid = pid_tgid;
		shared.named = named;
		shared.plain = plain;
		shared.err = err;
		__sync_fetch_and_add(&shared.wrong, 1);
	}
	if (pid_tgid > 0)
		__sync_fetch_and_add(&shared.visible, 1);
	else
		__sync_fetch_and_add(&shared.invisible, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
