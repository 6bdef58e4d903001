// SPDX-License-Identifier: GPL-2.0
/*
 * Kfuncs in C, only for comparison: one that does nothing, and a copy of
 * bpf_get_current_pidns_ident(). Every loader may use them.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/kdev_t.h>
#include <linux/module.h>
#include <linux/nsfs.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

struct bpf_ns_ident {
	__u64 dev;
	__u64 ino;
	__u64 id;
};

static __always_inline int report(struct bpf_ns_ident *ident)
{
	struct pid_namespace *pid_ns = ns_of_pid(READ_ONCE(current->thread_pid));

	if (!pid_ns) {
		memset(ident, 0, sizeof(*ident));
		return -ENOENT;
	}
	ident->dev = huge_encode_dev(ns_dev(&pid_ns->ns));
	ident->ino = pid_ns->ns.inum;
	ident->id = pid_ns->ns.ns_id;
	return 0;
}

static noinline __cold int tell_with_lock(struct bpf_ns_ident *ident)
{
	guard(rcu)();
	return report(ident);
}

__bpf_kfunc_start_defs();

__bpf_kfunc int bpf_bench_c_empty(void)
{
	return 0;
}

__bpf_kfunc int bpf_bench_c_ident(struct bpf_ns_ident *ident)
{
	/* Only a task after exit_notify() may be released at the same time. */
	if (unlikely(READ_ONCE(current->exit_state)))
		return tell_with_lock(ident);
	return report(ident);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(kfunc_ids)
BTF_ID_FLAGS(func, bpf_bench_c_empty)
BTF_ID_FLAGS(func, bpf_bench_c_ident)
BTF_KFUNCS_END(kfunc_ids)

static const struct btf_kfunc_id_set kfunc_set = {
	.owner = THIS_MODULE,
	.set = &kfunc_ids,
};

static int __init bpf_ns_bench_init(void)
{
	return register_btf_kfunc_id_set(BPF_PROG_TYPE_SYSCALL, &kfunc_set);
}
module_init(bpf_ns_bench_init);

static void __exit bpf_ns_bench_exit(void)
{
}
module_exit(bpf_ns_bench_exit);

MODULE_DESCRIPTION("Kfuncs in C to compare those of bpf_ns_ident with");
MODULE_LICENSE("GPL");
