/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * Namespace identity for BPF programs, on Linux 5.10 and later.
 *
 * Include this file, and call the kfuncs of the module bpf_ns_ident by their
 * names. If the module is loaded, a program calls the kfunc. Otherwise the
 * program walks the structures of the kernel. One object file does both: the
 * verifier removes the branch that is not taken.
 *
 *	bpf_get_current_pidns_ident(ident)
 *	bpf_get_current_ns_ident(ns_type, ident)
 *	bpf_get_current_pid_tgid_in(pidns)
 *	bpf_get_current_pid_tgid_own()
 *	bpf_task_pidns_ident(task, ident)
 *	bpf_task_ns_ident(task, ns_type, ident)
 *	bpf_task_pid_tgid_in(task, pidns)
 *	bpf_sk_netns_ident(sk, ident)
 *	bpf_skb_netns_ident(skb, ident)
 *	bpf_xdp_netns_ident(ctx, ident)
 *	bpf_nf_netns_ident(ctx, ident)
 *
 * Documentation/bpf/ns_ident.rst describes arguments, results and errnos. These
 * are the differences between the walk and the kfuncs:
 *
 * - Policy: each loader that may load programs that read kernel memory may use
 *   the walk, in any namespaces. Programs of all types may use it, also
 *   programs that run on top of an unrelated task.
 * - Origin: the walk reports all tasks, sockets and packets to each program, also
 *   to one from a nested pid namespace. Only bpf_get_current_pid_tgid_own()
 *   depends on the loader, by ns_ident_own.
 * - Device: the kernel does not export the device. Userspace sets ns_ident_dev.
 * - Ids: Linux before 6.18 has no ids. Then ident->id is 0, and no namespace
 *   matches a pidns->id other than 0. See ns_ident_has_ids().
 * - Races: another task may replace its nsproxy during the walk. If the task
 *   changes a namespace or exits, the walk may report the namespace of a third
 *   task. In a program that may sleep, the same applies to a pid that is
 *   released during the walk.
 * - Errnos: -EFAULT if a pointer is invalid, for example after such a race.
 *   -EOPNOTSUPP for sockets and packets in networking programs before Linux
 *   5.13, which cannot read kernel memory.
 * - Before Linux 5.13, cgroup programs cannot walk from the current task. The
 *   verifier rejects such a program.
 * - Kernel lockdown in confidentiality mode rejects all programs that walk.
 *
 * Optional definitions before the inclusion:
 *
 *	NS_IDENT_DEV		the default of ns_ident_dev, for programs that are
 *				compiled for the machine that they run on
 *	NS_IDENT_NO_KFUNCS	only walk: for loaders that reject kfuncs
 *	NS_IDENT_ONLY_KFUNCS	only call kfuncs: for loaders that reject weak symbols
 */
#ifndef __NS_IDENT_BPF_H
#define __NS_IDENT_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* ns_ident.h has the same structure, for userspace. */
#ifndef BPF_NS_IDENT
#define BPF_NS_IDENT
struct bpf_ns_ident {
	__u64 dev;	/* st_dev of the namespace's file in nsfs */
	__u64 ino;	/* st_ino of that file */
	__u64 id;	/* result of the ioctl NS_GET_ID */
};
#endif

/* vmlinux.h has no macros. */
#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP	0x02000000
#endif
#ifndef CLONE_NEWIPC
#define CLONE_NEWIPC	0x08000000
#endif
#ifndef CLONE_NEWNET
#define CLONE_NEWNET	0x40000000
#endif
#ifndef CLONE_NEWNS
#define CLONE_NEWNS	0x00020000
#endif
#ifndef CLONE_NEWPID
#define CLONE_NEWPID	0x20000000
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME	0x00000080
#endif
#ifndef CLONE_NEWUSER
#define CLONE_NEWUSER	0x10000000
#endif
#ifndef CLONE_NEWUTS
#define CLONE_NEWUTS	0x04000000
#endif

enum {
	NS_IDENT_ENOENT = 2,
	NS_IDENT_ESRCH = 3,
	NS_IDENT_EFAULT = 14,
	NS_IDENT_EINVAL = 22,
	NS_IDENT_EOPNOTSUPP = 95,
};

#if defined(NS_IDENT_NO_KFUNCS) || defined(NS_IDENT_ONLY_KFUNCS)
#define __ns_ident_weak
#else
#define __ns_ident_weak __weak
#endif

#ifndef NS_IDENT_DEV
#define NS_IDENT_DEV 0
#endif

/*
 * st_dev of any file in /proc/self/ns. Userspace sets the variable before it
 * loads the program, see ns_ident_get_dev() in ns_ident.h. Only the walk uses
 * it.
 */
const volatile __u64 ns_ident_dev __ns_ident_weak = NS_IDENT_DEV;

/*
 * The pid namespace of the loader, for bpf_get_current_pid_tgid_own(). Userspace
 * sets the variable before it loads the program, see ns_ident_of_task() in
 * ns_ident.h. Otherwise the result of the walk is -EINVAL. The walk uses it, and
 * programs on a kernel that does not record the origin of programs.
 */
const volatile struct bpf_ns_ident ns_ident_own __ns_ident_weak = {};

/* The source of results. Userspace may set it before it loads the program. */
enum {
	NS_IDENT_AUTO,		/* kfuncs, if the loader finds the BTF of the module */
	NS_IDENT_WALK,		/* the walk */
	NS_IDENT_KFUNC,		/* kfuncs: the load fails without the module */
};

const volatile __u32 ns_ident_how __ns_ident_weak = NS_IDENT_AUTO;

#ifndef NS_IDENT_NO_KFUNCS
struct bpf_nf_ctx;
struct sock_common;
struct task_struct;

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ns_ident_weak __ksym;
__s64 bpf_get_current_pid_tgid_own(void) __ns_ident_weak __ksym;
int bpf_task_pidns_ident(const struct task_struct *task,
			 struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
int bpf_task_ns_ident(const struct task_struct *task, __u32 ns_type,
		      struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
__s64 bpf_task_pid_tgid_in(const struct task_struct *task,
			   const struct bpf_ns_ident *pidns) __ns_ident_weak __ksym;
int bpf_sk_netns_ident(const struct sock_common *sk,
		       struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
int bpf_skb_netns_ident(const struct __sk_buff *skb,
			struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
int bpf_xdp_netns_ident(const struct xdp_md *ctx,
			struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
int bpf_nf_netns_ident(const struct bpf_nf_ctx *ctx,
		       struct bpf_ns_ident *ident) __ns_ident_weak __ksym;
#endif

/*
 * The members of kernel structures that the walk reads. The loader library
 * looks up the offsets for the running kernel. Differences between kernels from
 * 5.10 to 7.3:
 *
 * - struct ns_common has ns_id since 6.18, first as a direct member, now in an
 *   unnamed struct ns_tree.
 * - The member numbers of struct pid was an array of one element in older
 *   kernels.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common___ns_ident {
	const void *ops;
	unsigned int inum;
	__u64 ns_id;
};

struct cgroup_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct ipc_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct mnt_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct net___ns_ident { struct ns_common___ns_ident ns; };
struct pid_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct time_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct user_namespace___ns_ident { struct ns_common___ns_ident ns; };
struct uts_namespace___ns_ident { struct ns_common___ns_ident ns; };

struct nsproxy___ns_ident {
	struct uts_namespace___ns_ident *uts_ns;
	struct ipc_namespace___ns_ident *ipc_ns;
	struct mnt_namespace___ns_ident *mnt_ns;
	struct net___ns_ident *net_ns;
	struct time_namespace___ns_ident *time_ns;
	struct cgroup_namespace___ns_ident *cgroup_ns;
};

struct upid___ns_ident {
	int nr;
	struct pid_namespace___ns_ident *ns;
};

struct pid___ns_ident {
	unsigned int level;
	struct upid___ns_ident numbers[];
};

struct cred___ns_ident {
	struct user_namespace___ns_ident *user_ns;
};

struct signal_struct___ns_ident {
	struct pid___ns_ident *pids[2];
};

struct task_struct___ns_ident {
	struct pid___ns_ident *thread_pid;
	struct nsproxy___ns_ident *nsproxy;
	/* Not cred: /proc/PID/ns/user uses the objective credentials. */
	struct cred___ns_ident *real_cred;
	struct signal_struct___ns_ident *signal;
};

/* Without net namespaces in the kernel, these structures have no net. */
struct sock_common___ns_ident {
	struct {
		struct net___ns_ident *net;
	} skc_net;
};

struct sock___ns_ident {
	struct sock_common___ns_ident __sk_common;
};

struct net_device___ns_ident {
	int ifindex;
	struct {
		struct net___ns_ident *net;
	} nd_net;
};

struct sk_buff___ns_ident {
	struct net_device___ns_ident *dev;
	struct sock___ns_ident *sk;
};

struct xdp_rxq_info___ns_ident {
	struct net_device___ns_ident *dev;
};

struct xdp_buff___ns_ident {
	struct xdp_rxq_info___ns_ident *rxq;
};

struct nf_hook_state___ns_ident {
	struct net___ns_ident *net;
};

struct bpf_nf_ctx___ns_ident {
	struct nf_hook_state___ns_ident *state;
};

/* Only a kernel that records the origin of programs has it. */
struct bpf_prog_origin___ns_ident {
};

/*
 * No kernel has this structure. The loader prints its name, see
 * __ns_ident_dev().
 */
struct set_ns_ident_dev_before_loading {
	int value;
};

#pragma clang attribute pop

enum bpf_func_id___ns_ident {
	BPF_FUNC_snprintf___ns_ident = 165,
};

enum { NS_IDENT_PIDTYPE_TGID = 1 };

/* The deepest level of pid namespaces, MAX_PID_NS_LEVEL. */
enum { NS_IDENT_MAX_LEVEL = 32 };

/* Returns whether the kfuncs are used. */
static __always_inline bool ns_ident_has_kfuncs(void)
{
#if defined(NS_IDENT_NO_KFUNCS)
	return false;
#elif defined(NS_IDENT_ONLY_KFUNCS)
	return true;
#else
	/*
	 * Not bpf_ksym_exists(), which needs the address of the kfunc in the
	 * program. For a kfunc of a module, cilium/ebpf up to 0.22 cannot load
	 * such a program.
	 */
	if (ns_ident_how == NS_IDENT_AUTO)
		return bpf_core_type_exists(struct bpf_ns_ident);
	return ns_ident_how == NS_IDENT_KFUNC;
#endif
}

/* Returns whether results have an id. Otherwise the id is 0. */
static __always_inline bool ns_ident_has_ids(void)
{
	return ns_ident_has_kfuncs() ||
	       bpf_core_field_exists(struct ns_common___ns_ident, ns_id);
}

/*
 * Networking programs may call bpf_probe_read_kernel() since shortly before the
 * kernel has bpf_snprintf().
 */
static __always_inline bool __ns_ident_net_can_read(void)
{
	return bpf_core_enum_value_exists(enum bpf_func_id___ns_ident,
					  BPF_FUNC_snprintf___ns_ident);
}

static __always_inline __u64 __ns_ident_dev(void)
{
	/*
	 * Without a device, this relocation makes the load of the program fail.
	 */
	if (!ns_ident_dev)
		return bpf_core_field_offset(struct set_ns_ident_dev_before_loading, value);
	return ns_ident_dev;
}

/*
 * Returns the address of a pointer as a plain pointer. The verifier rejects
 * arithmetic with some types of pointers, but programs may read their own
 * stack.
 */
static __always_inline void *__ns_ident_addr(const void *ptr)
{
	__u64 addr = 0;

	bpf_probe_read_kernel(&addr, sizeof(addr), &ptr);
	return (void *)addr;
}

#define __ns_ident_read(dst, src)					\
	bpf_core_read(dst, sizeof(*(dst)), src)

/* Reports the identity of a namespace, from its struct ns_common. */
static __always_inline int __ns_ident_of(const struct ns_common___ns_ident *ns,
					 struct bpf_ns_ident *ident)
{
	unsigned int inum;
	const void *ops;
	__u64 id = 0;

	if (__ns_ident_read(&ops, &ns->ops) || __ns_ident_read(&inum, &ns->inum))
		return -NS_IDENT_EFAULT;
	if (bpf_core_field_exists(ns->ns_id) && __ns_ident_read(&id, &ns->ns_id))
		return -NS_IDENT_EFAULT;
	/* Without this type in the kernel, the structure is a dummy. */
	if (!ops)
		return -NS_IDENT_EOPNOTSUPP;
	ident->dev = __ns_ident_dev();
	ident->ino = inum;
	ident->id = id;
	return 0;
}

static __always_inline int __ns_ident_none(struct bpf_ns_ident *ident, int err)
{
	ident->dev = 0;
	ident->ino = 0;
	ident->id = 0;
	return err;
}

static __always_inline struct task_struct___ns_ident *__ns_ident_current(void)
{
	return (struct task_struct___ns_ident *)bpf_get_current_task();
}

/* Reads the element of a struct pid for a level of pid namespaces. */
static __always_inline int __ns_ident_read_upid(const struct pid___ns_ident *pid,
						unsigned int level, int *nr,
						struct pid_namespace___ns_ident **ns)
{
	unsigned long at = (unsigned long)pid +
			   bpf_core_field_offset(struct pid___ns_ident, numbers) +
			   level * bpf_core_type_size(struct upid___ns_ident);
	const struct upid___ns_ident *upid = (void *)at;

	if (__ns_ident_read(nr, &upid->nr) || __ns_ident_read(ns, &upid->ns))
		return -NS_IDENT_EFAULT;
	return 0;
}

static __always_inline int __ns_ident_pidns(const struct task_struct___ns_ident *task,
					    struct bpf_ns_ident *ident)
{
	struct pid_namespace___ns_ident *ns;
	struct pid___ns_ident *pid;
	unsigned int level;
	int nr;

	/* The namespace in nsproxy is the one of future children. */
	if (__ns_ident_read(&pid, &task->thread_pid))
		return -NS_IDENT_EFAULT;
	if (!pid)
		return -NS_IDENT_ENOENT;
	if (__ns_ident_read(&level, &pid->level) ||
	    __ns_ident_read_upid(pid, level, &nr, &ns))
		return -NS_IDENT_EFAULT;
	return __ns_ident_of(&ns->ns, ident);
}

static __always_inline int __ns_ident_userns(const struct task_struct___ns_ident *task,
					     struct bpf_ns_ident *ident)
{
	struct user_namespace___ns_ident *ns;
	struct cred___ns_ident *cred;

	if (__ns_ident_read(&cred, &task->real_cred) ||
	    __ns_ident_read(&ns, &cred->user_ns))
		return -NS_IDENT_EFAULT;
	return __ns_ident_of(&ns->ns, ident);
}

/*
 * Reads a member of nsproxy, and computes the offset of its struct ns_common.
 */
#define __ns_ident_proxied(PROXY, MEMBER, NS, AT)			\
	(*(AT) = bpf_core_field_offset(typeof(*(PROXY)->MEMBER), ns),	\
	 __ns_ident_read(NS, &(PROXY)->MEMBER))

static __always_inline int __ns_ident_ns(const struct task_struct___ns_ident *task,
					 __u32 ns_type, struct bpf_ns_ident *ident)
{
	struct nsproxy___ns_ident *proxy;
	unsigned long at;
	void *ns;
	int err;

	switch (ns_type) {
	case CLONE_NEWPID:
		return __ns_ident_pidns(task, ident);
	case CLONE_NEWUSER:
		return __ns_ident_userns(task, ident);
	case CLONE_NEWCGROUP:
	case CLONE_NEWIPC:
	case CLONE_NEWNET:
	case CLONE_NEWNS:
	case CLONE_NEWTIME:
	case CLONE_NEWUTS:
		break;
	default:
		return -NS_IDENT_EINVAL;
	}
	if (__ns_ident_read(&proxy, &task->nsproxy))
		return -NS_IDENT_EFAULT;
	if (!proxy)
		return -NS_IDENT_ENOENT;
	switch (ns_type) {
	case CLONE_NEWCGROUP:
		err = __ns_ident_proxied(proxy, cgroup_ns, &ns, &at);
		break;
	case CLONE_NEWIPC:
		err = __ns_ident_proxied(proxy, ipc_ns, &ns, &at);
		break;
	case CLONE_NEWNET:
		err = __ns_ident_proxied(proxy, net_ns, &ns, &at);
		break;
	case CLONE_NEWNS:
		err = __ns_ident_proxied(proxy, mnt_ns, &ns, &at);
		break;
	case CLONE_NEWTIME:
		err = __ns_ident_proxied(proxy, time_ns, &ns, &at);
		break;
	default:
		err = __ns_ident_proxied(proxy, uts_ns, &ns, &at);
	}
	if (err)
		return -NS_IDENT_EFAULT;
	if (!ns)
		return -NS_IDENT_EOPNOTSUPP;
	return __ns_ident_of(ns + at, ident);
}

static __always_inline __s64 __ns_ident_pid_tgid(const struct task_struct___ns_ident *task,
						 const struct bpf_ns_ident *pidns)
{
	struct pid___ns_ident *pid, *tgid;
	struct pid_namespace___ns_ident *ns;
	struct signal_struct___ns_ident *sig;
	struct bpf_ns_ident ident;
	unsigned int level;
	int i, err, nr, tgid_nr;

	if (__ns_ident_read(&pid, &task->thread_pid))
		return -NS_IDENT_EFAULT;
	if (!pid)
		return -NS_IDENT_ESRCH;
	if (__ns_ident_read(&level, &pid->level))
		return -NS_IDENT_EFAULT;
	for (i = 0; i <= NS_IDENT_MAX_LEVEL; i++, level--) {
		if (__ns_ident_read_upid(pid, level, &nr, &ns))
			return -NS_IDENT_EFAULT;
		err = __ns_ident_of(&ns->ns, &ident);
		if (err)
			return err;
		if (ident.ino == pidns->ino && ident.dev == pidns->dev &&
		    (!pidns->id || ident.id == pidns->id))
			goto found;
		if (!level)
			break;
	}
	return -NS_IDENT_ESRCH;
found:
	if (__ns_ident_read(&sig, &task->signal) ||
	    __ns_ident_read(&tgid, &sig->pids[NS_IDENT_PIDTYPE_TGID]))
		return -NS_IDENT_EFAULT;
	if (!tgid)
		return -NS_IDENT_ESRCH;
	if (__ns_ident_read_upid(tgid, level, &tgid_nr, &ns))
		return -NS_IDENT_EFAULT;
	return (__u64)(__u32)tgid_nr << 32 | (__u32)nr;
}

static __always_inline int __ns_ident_sk(const struct sock_common___ns_ident *sk,
					 struct bpf_ns_ident *ident)
{
	struct net___ns_ident *net;

	if (!bpf_core_field_exists(sk->skc_net.net))
		return -NS_IDENT_EOPNOTSUPP;
	if (__ns_ident_read(&net, &sk->skc_net.net))
		return -NS_IDENT_EFAULT;
	return __ns_ident_of(&net->ns, ident);
}

static __always_inline int __ns_ident_netdev(const struct net_device___ns_ident *dev,
					     struct bpf_ns_ident *ident)
{
	struct net___ns_ident *net;

	if (!bpf_core_field_exists(dev->nd_net.net))
		return -NS_IDENT_EOPNOTSUPP;
	if (__ns_ident_read(&net, &dev->nd_net.net))
		return -NS_IDENT_EFAULT;
	return __ns_ident_of(&net->ns, ident);
}

static __always_inline int __ns_ident_skb(const struct sk_buff___ns_ident *skb,
					  struct bpf_ns_ident *ident)
{
	struct net_device___ns_ident *dev;
	struct sock___ns_ident *sk;
	int ifindex = 0;

	if (__ns_ident_read(&dev, &skb->dev) || __ns_ident_read(&sk, &skb->sk))
		return -NS_IDENT_EFAULT;
	if (dev && __ns_ident_read(&ifindex, &dev->ifindex))
		return -NS_IDENT_EFAULT;
	/*
	 * Only blackhole_netdev has no index. It replaces a removed device, for
	 * packets of all namespaces.
	 */
	if (dev && ifindex)
		return __ns_ident_netdev(dev, ident);
	if (sk)
		return __ns_ident_sk(&sk->__sk_common, ident);
	return -NS_IDENT_ENOENT;
}

static __always_inline int __ns_ident_xdp(const struct xdp_buff___ns_ident *xdp,
					  struct bpf_ns_ident *ident)
{
	struct xdp_rxq_info___ns_ident *rxq;
	struct net_device___ns_ident *dev;

	if (__ns_ident_read(&rxq, &xdp->rxq) || __ns_ident_read(&dev, &rxq->dev))
		return -NS_IDENT_EFAULT;
	return __ns_ident_netdev(dev, ident);
}

static __always_inline int __ns_ident_nf(const struct bpf_nf_ctx___ns_ident *ctx,
					 struct bpf_ns_ident *ident)
{
	struct nf_hook_state___ns_ident *state;
	struct net___ns_ident *net;

	if (__ns_ident_read(&state, &ctx->state) || __ns_ident_read(&net, &state->net))
		return -NS_IDENT_EFAULT;
	return __ns_ident_of(&net->ns, ident);
}

/*
 * Runs a walk. After an error, the identity is all zeroes, as with the kfuncs.
 */
#define __ns_ident_walk(IDENT, WALK)					\
	({								\
		int __err = (WALK);					\
									\
		__err ? __ns_ident_none(IDENT, __err) : 0;		\
	})

/*
 * The walks. Programs may call them by these names if the kfuncs cannot be
 * used, for example for a pointer that the verifier does not trust.
 */
static __always_inline int ns_ident_walk_task_pidns(const void *task,
						    struct bpf_ns_ident *ident)
{
	return __ns_ident_walk(ident, __ns_ident_pidns(task, ident));
}

static __always_inline int ns_ident_walk_task_ns(const void *task, __u32 ns_type,
						 struct bpf_ns_ident *ident)
{
	return __ns_ident_walk(ident, __ns_ident_ns(task, ns_type, ident));
}

static __always_inline __s64 ns_ident_walk_task_pid_tgid_in(const void *task,
							    const struct bpf_ns_ident *pidns)
{
	return __ns_ident_pid_tgid(task, pidns);
}

static __always_inline int ns_ident_walk_current_pidns(struct bpf_ns_ident *ident)
{
	return ns_ident_walk_task_pidns(__ns_ident_current(), ident);
}

static __always_inline int ns_ident_walk_current_ns(__u32 ns_type,
						    struct bpf_ns_ident *ident)
{
	return ns_ident_walk_task_ns(__ns_ident_current(), ns_type, ident);
}

static __always_inline __s64 ns_ident_walk_current_pid_tgid_in(const struct bpf_ns_ident *pidns)
{
	return ns_ident_walk_task_pid_tgid_in(__ns_ident_current(), pidns);
}

static __always_inline struct bpf_ns_ident __ns_ident_own(void)
{
	struct bpf_ns_ident own = { ns_ident_own.dev, ns_ident_own.ino, ns_ident_own.id };

	/* A kernel without ids has no namespace with one. */
	if (!ns_ident_has_ids())
		own.id = 0;
	return own;
}

static __always_inline __s64 ns_ident_walk_current_pid_tgid_own(void)
{
	struct bpf_ns_ident own = __ns_ident_own();

	return own.ino ? ns_ident_walk_current_pid_tgid_in(&own) : -NS_IDENT_EINVAL;
}

static __always_inline int ns_ident_walk_sk_netns(const void *sk,
						  struct bpf_ns_ident *ident)
{
	return __ns_ident_walk(ident, __ns_ident_sk(__ns_ident_addr(sk), ident));
}

static __always_inline int ns_ident_walk_skb_netns(const struct __sk_buff *skb,
						   struct bpf_ns_ident *ident)
{
	if (!__ns_ident_net_can_read())
		return __ns_ident_none(ident, -NS_IDENT_EOPNOTSUPP);
	return __ns_ident_walk(ident, __ns_ident_skb(__ns_ident_addr(skb), ident));
}

static __always_inline int ns_ident_walk_xdp_netns(const struct xdp_md *ctx,
						   struct bpf_ns_ident *ident)
{
	if (!__ns_ident_net_can_read())
		return __ns_ident_none(ident, -NS_IDENT_EOPNOTSUPP);
	return __ns_ident_walk(ident, __ns_ident_xdp(__ns_ident_addr(ctx), ident));
}

static __always_inline int ns_ident_walk_nf_netns(const void *ctx,
						  struct bpf_ns_ident *ident)
{
	return __ns_ident_walk(ident, __ns_ident_nf(__ns_ident_addr(ctx), ident));
}

/* The result of a kfunc or of a walk. */
#if defined(NS_IDENT_NO_KFUNCS)
#define __ns_ident_ask(KFUNC, WALK) (WALK)
#elif defined(NS_IDENT_ONLY_KFUNCS)
#define __ns_ident_ask(KFUNC, WALK) (KFUNC)
#else
#define __ns_ident_ask(KFUNC, WALK) (ns_ident_has_kfuncs() ? (KFUNC) : (WALK))
#endif

static __always_inline int ns_ident_current_pidns(struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_get_current_pidns_ident(ident),
			      ns_ident_walk_current_pidns(ident));
}

static __always_inline int ns_ident_current_ns(__u32 ns_type, struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_get_current_ns_ident(ns_type, ident),
			      ns_ident_walk_current_ns(ns_type, ident));
}

static __always_inline __s64 ns_ident_current_pid_tgid_in(const struct bpf_ns_ident *pidns)
{
	return __ns_ident_ask(bpf_get_current_pid_tgid_in(pidns),
			      ns_ident_walk_current_pid_tgid_in(pidns));
}

static __always_inline __s64 ns_ident_current_pid_tgid_own(void)
{
	struct bpf_ns_ident own = __ns_ident_own();

	/* A loader in a nested pid namespace cannot load the kfunc. */
	if (own.ino && !bpf_core_type_exists(struct bpf_prog_origin___ns_ident))
		return ns_ident_current_pid_tgid_in(&own);
	return __ns_ident_ask(bpf_get_current_pid_tgid_own(),
			      ns_ident_walk_current_pid_tgid_own());
}

static __always_inline int ns_ident_task_pidns(const struct task_struct *task,
					       struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_task_pidns_ident(task, ident),
			      ns_ident_walk_task_pidns(task, ident));
}

static __always_inline int ns_ident_task_ns(const struct task_struct *task, __u32 ns_type,
					    struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_task_ns_ident(task, ns_type, ident),
			      ns_ident_walk_task_ns(task, ns_type, ident));
}

static __always_inline __s64 ns_ident_task_pid_tgid_in(const struct task_struct *task,
						       const struct bpf_ns_ident *pidns)
{
	return __ns_ident_ask(bpf_task_pid_tgid_in(task, pidns),
			      ns_ident_walk_task_pid_tgid_in(task, pidns));
}

/* For a socket in a networking program, which is a struct bpf_sock there. */
static __always_inline int ns_ident_bpf_sock_netns(const void *sk,
						   struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_sk_netns_ident(sk, ident),
			      __ns_ident_net_can_read() ?
			      ns_ident_walk_sk_netns(sk, ident) :
			      __ns_ident_none(ident, -NS_IDENT_EOPNOTSUPP));
}

/* For a struct sock or a struct sock_common. */
static __always_inline int ns_ident_sock_netns(const void *sk,
					       struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_sk_netns_ident(sk, ident),
			      ns_ident_walk_sk_netns(sk, ident));
}

static __always_inline int ns_ident_skb_netns(const struct __sk_buff *skb,
					      struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_skb_netns_ident(skb, ident),
			      ns_ident_walk_skb_netns(skb, ident));
}

static __always_inline int ns_ident_xdp_netns(const struct xdp_md *ctx,
					      struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_xdp_netns_ident(ctx, ident),
			      ns_ident_walk_xdp_netns(ctx, ident));
}

static __always_inline int ns_ident_nf_netns(const struct bpf_nf_ctx *ctx,
					     struct bpf_ns_ident *ident)
{
	return __ns_ident_ask(bpf_nf_netns_ident(ctx, ident),
			      ns_ident_walk_nf_netns(ctx, ident));
}

/*
 * From here on, the names of the kfuncs are macros for these functions. With
 * parentheses, as in (bpf_get_current_pidns_ident)(ident), the name is the
 * kfunc.
 */
#define bpf_get_current_pidns_ident(ident) ns_ident_current_pidns(ident)
#define bpf_get_current_ns_ident(ns_type, ident) ns_ident_current_ns(ns_type, ident)
#define bpf_get_current_pid_tgid_in(pidns) ns_ident_current_pid_tgid_in(pidns)
#define bpf_get_current_pid_tgid_own() ns_ident_current_pid_tgid_own()
#define bpf_task_pidns_ident(task, ident) ns_ident_task_pidns(task, ident)
#define bpf_task_ns_ident(task, ns_type, ident) ns_ident_task_ns(task, ns_type, ident)
#define bpf_task_pid_tgid_in(task, pidns) ns_ident_task_pid_tgid_in(task, pidns)
#define bpf_sk_netns_ident(sk, ident)					\
	_Generic((sk),							\
		 struct bpf_sock *: ns_ident_bpf_sock_netns,		\
		 const struct bpf_sock *: ns_ident_bpf_sock_netns,	\
		 default: ns_ident_sock_netns)(sk, ident)
#define bpf_skb_netns_ident(skb, ident) ns_ident_skb_netns(skb, ident)
#define bpf_xdp_netns_ident(ctx, ident) ns_ident_xdp_netns(ctx, ident)
#define bpf_nf_netns_ident(ctx, ident) ns_ident_nf_netns(ctx, ident)

#endif /* __NS_IDENT_BPF_H */
