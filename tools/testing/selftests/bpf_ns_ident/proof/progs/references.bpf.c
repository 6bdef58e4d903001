// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that hold references to pid namespaces, and programs that iterate
 * over the pid namespaces of a task, by the kfuncs of
 * samples/rust/rust_kfunc_ref.rs.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "references.h"

/* The structures in the BTF of the module. */
struct bpf_pid_ns {
	void *opaque;
};

struct bpf_iter_pid_ns {
	__u64 opaque;
};

extern struct bpf_pid_ns *
bpf_rust_sample_ns_get(const struct task_struct *task__nullable) __ksym;
extern __u32 bpf_rust_sample_ns_ino(const struct bpf_pid_ns *ns) __ksym;
extern void bpf_rust_sample_ns_put(struct bpf_pid_ns *ns) __ksym;

/*
 * bpf_ns_test_dtor has no iterator. The programs with one are not loaded for
 * it.
 */
extern int bpf_iter_pid_ns_new(struct bpf_iter_pid_ns *it,
			       const struct task_struct *task) __ksym __weak;
extern struct bpf_pid_ns *
bpf_iter_pid_ns_next(struct bpf_iter_pid_ns *it) __ksym __weak;
extern void bpf_iter_pid_ns_destroy(struct bpf_iter_pid_ns *it) __ksym __weak;

struct bpf_ns {
	void *opaque;
};

struct bpf_iter_task_ns {
	__u64 opaque[2];
};

extern int bpf_iter_task_ns_new(struct bpf_iter_task_ns *it) __ksym __weak;
extern struct bpf_ns *
bpf_iter_task_ns_next(struct bpf_iter_task_ns *it) __ksym __weak;
extern void bpf_iter_task_ns_destroy(struct bpf_iter_task_ns *it) __ksym __weak;
extern __u64 bpf_rust_sample_type_ino(const struct bpf_ns *ns) __ksym __weak;

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

/* The map value with a reference. */
struct kept {
	struct bpf_pid_ns __kptr *ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kept);
} kept SEC(".maps");

__u32 pid;
/* 0 for no namespace. */
__u32 ino;
/* The first one is the namespace that the task lives in. */
__u32 inos[NR_INOS], nr_inos;
/* Type << 32 | ino. */
__u64 type_inos[NR_INOS];
__u32 nr_type_inos;

static struct kept *find_kept(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&kept, &key);
}

SEC("syscall")
int of_current(void *ctx)
{
	struct bpf_pid_ns *ns = bpf_rust_sample_ns_get(NULL);

	if (!ns)
		return 0;
	ino = bpf_rust_sample_ns_ino(ns);
	bpf_rust_sample_ns_put(ns);
	return 0;
}

SEC("syscall")
int of_task(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_pid_ns *ns;

	if (!task)
		return 0;
	ns = bpf_rust_sample_ns_get(task);
	if (ns) {
		ino = bpf_rust_sample_ns_ino(ns);
		bpf_rust_sample_ns_put(ns);
	}
	bpf_task_release(task);
	return 0;
}

/* Stores a reference in the map, and releases the former one. */
SEC("syscall")
int keep(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_pid_ns *ns, *old;
	struct kept *kept;

	if (!task)
		return 0;
	ns = bpf_rust_sample_ns_get(task);
	bpf_task_release(task);
	if (!ns)
		return 0;
	ino = bpf_rust_sample_ns_ino(ns);
	kept = find_kept();
	if (!kept) {
		bpf_rust_sample_ns_put(ns);
		return 0;
	}
	old = bpf_kptr_xchg(&kept->ns, ns);
	if (old)
		bpf_rust_sample_ns_put(old);
	return 0;
}

/* Takes the reference from the map. */
SEC("syscall")
int take(void *ctx)
{
	struct kept *kept = find_kept();
	struct bpf_pid_ns *ns;

	if (!kept)
		return 0;
	ns = bpf_kptr_xchg(&kept->ns, NULL);
	if (!ns)
		return 0;
	ino = bpf_rust_sample_ns_ino(ns);
	bpf_rust_sample_ns_put(ns);
	return 0;
}

SEC("syscall")
int go_up(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_pid_ns *ns;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	bpf_for_each(pid_ns, ns, task) {
		__u32 i = nr_inos;

		if (i < NR_INOS)
			inos[i] = bpf_rust_sample_ns_ino(ns);
		nr_inos = i + 1;
	}
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	return 0;
}

/* The verifier must reject all programs below. */

SEC("?syscall")
int not_given_back(void *ctx)
{
	bpf_rust_sample_ns_get(NULL);
	return 0;
}

SEC("?syscall")
int not_checked(void *ctx)
{
	bpf_rust_sample_ns_put(bpf_rust_sample_ns_get(NULL));
	return 0;
}

SEC("?syscall")
int null(void *ctx)
{
	ino = bpf_rust_sample_ns_ino(NULL);
	return 0;
}

SEC("?syscall")
int given_back_twice(void *ctx)
{
	struct bpf_pid_ns *ns = bpf_rust_sample_ns_get(NULL);

	if (!ns)
		return 0;
	bpf_rust_sample_ns_put(ns);
	bpf_rust_sample_ns_put(ns);
	return 0;
}

SEC("?syscall")
int used_after_that(void *ctx)
{
	struct bpf_pid_ns *ns = bpf_rust_sample_ns_get(NULL);

	if (!ns)
		return 0;
	bpf_rust_sample_ns_put(ns);
	ino = bpf_rust_sample_ns_ino(ns);
	return 0;
}

/* Memory of the program. */
SEC("?syscall")
int memory(void *ctx)
{
	struct bpf_pid_ns ns = {};

	ino = bpf_rust_sample_ns_ino(&ns);
	return 0;
}

/* Another program may take the reference from the map at any time. */
SEC("?syscall")
int not_taken(void *ctx)
{
	struct kept *kept = find_kept();
	struct bpf_pid_ns *ns;

	if (!kept)
		return 0;
	ns = kept->ns;
	if (ns)
		ino = bpf_rust_sample_ns_ino(ns);
	return 0;
}

SEC("?syscall")
int not_taken_under_rcu(void *ctx)
{
	struct kept *kept = find_kept();
	struct bpf_pid_ns *ns;

	if (!kept)
		return 0;
	bpf_rcu_read_lock();
	ns = kept->ns;
	if (ns)
		ino = bpf_rust_sample_ns_ino(ns);
	bpf_rcu_read_unlock();
	return 0;
}

/* A namespace of another type. */
SEC("?syscall")
int another_structure(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);

	if (!task)
		return 0;
	bpf_rust_sample_ns_put((void *)task);
	return 0;
}

/* The namespaces of the current task. */
SEC("syscall")
int all_types(void *ctx)
{
	struct bpf_ns *ns;

	bpf_rcu_read_lock();
	bpf_for_each(task_ns, ns) {
		__u32 i = nr_type_inos;

		if (i < NR_INOS)
			type_inos[i] = bpf_rust_sample_type_ino(ns);
		nr_type_inos = i + 1;
	}
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?syscall")
int task_ns_outside_rcu(void *ctx)
{
	struct bpf_iter_task_ns it;

	bpf_iter_task_ns_new(&it);
	bpf_iter_task_ns_destroy(&it);
	return 0;
}

SEC("?syscall")
int task_ns_beyond_rcu(void *ctx)
{
	struct bpf_iter_task_ns it;
	struct bpf_ns *ns;

	bpf_rcu_read_lock();
	bpf_iter_task_ns_new(&it);
	ns = bpf_iter_task_ns_next(&it);
	bpf_iter_task_ns_destroy(&it);
	bpf_rcu_read_unlock();
	if (ns)
		ino = bpf_rust_sample_type_ino(ns);
	return 0;
}

/* A pid namespace is another structure. */
SEC("?syscall")
int item_of_task_ns(void *ctx)
{
	struct bpf_ns *ns;

	bpf_rcu_read_lock();
	bpf_for_each(task_ns, ns)
		ino = bpf_rust_sample_ns_ino((void *)ns);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?syscall")
int iterator_outside_rcu(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_iter_pid_ns it;

	if (!task)
		return 0;
	bpf_iter_pid_ns_new(&it, task);
	bpf_iter_pid_ns_destroy(&it);
	bpf_task_release(task);
	return 0;
}

SEC("?syscall")
int iterator_not_ended(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_iter_pid_ns it;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_pid_ns_new(&it, task);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	return 0;
}

SEC("?syscall")
int iterator_overwritten(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_iter_pid_ns it;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_pid_ns_new(&it, task);
	__builtin_memset(&it, 0, sizeof(it));
	bpf_iter_pid_ns_destroy(&it);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	return 0;
}

/* The task may be gone at that time, and its namespace, too. */
SEC("?syscall")
int item_beyond_rcu(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_iter_pid_ns it;
	struct bpf_pid_ns *ns;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_pid_ns_new(&it, task);
	ns = bpf_iter_pid_ns_next(&it);
	bpf_iter_pid_ns_destroy(&it);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	if (ns)
		ino = bpf_rust_sample_ns_ino(ns);
	return 0;
}

/* The program has no reference. */
SEC("?syscall")
int item_given_back(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(pid);
	struct bpf_iter_pid_ns it;
	struct bpf_pid_ns *ns;

	if (!task)
		return 0;
	bpf_rcu_read_lock();
	bpf_iter_pid_ns_new(&it, task);
	ns = bpf_iter_pid_ns_next(&it);
	if (ns)
		bpf_rust_sample_ns_put(ns);
	bpf_iter_pid_ns_destroy(&it);
	bpf_rcu_read_unlock();
	bpf_task_release(task);
	return 0;
}

/* Tracing programs may run in contexts that do not permit a release. */
SEC("?fentry/bpf_fentry_test1")
int BPF_PROG(in_tracing)
{
	struct bpf_pid_ns *ns = bpf_rust_sample_ns_get(NULL);

	if (ns)
		bpf_rust_sample_ns_put(ns);
	return 0;
}

char _license[] SEC("license") = "GPL";
