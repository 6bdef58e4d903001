// SPDX-License-Identifier: GPL-2.0
/*
 * Counts system calls by the identity of the current task's namespace, and stores
 * the identity and the pid of each task, which nstop compares with /proc. An
 * iterator does the same for all tasks.
 */
#include <stdbool.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"
#include "nstop.h"

/* Of the kernel's <asm/thread_info.h>, and of <asm/unistd.h>. */
#define TS_COMPAT 0x0002
#define TIF_32BIT 22
#define X32_SYSCALL_BIT 0x40000000

/* The members of the kernel's types that are read. libbpf relocates them. */
struct thread_info {
	unsigned long flags;
	__u32 status;
} __attribute__((preserve_access_index));

struct task_struct {
	struct thread_info thread_info;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	__u64 start_boottime;
	char comm[NSTOP_COMM_LEN];
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct pt_regs;

const volatile struct nstop_config opts = {};

/*
 * Per CPU, so no atomic operations: the kernel does not run the program on a CPU
 * where it already runs. It counts these as missed, and nstop reports them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, NSTOP_MAX_NS);
	__type(key, struct bpf_ns_ident);
	__type(value, __u64);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NSTOP_MAX_TASKS);
	__type(key, struct nstop_task_key);
	__type(value, struct nstop_task);
} tasks SEC(".maps");

struct nstop_lost lost;

/* Set while nstop reads the maps, so that they are consistent. */
bool paused;

/* The kernel has no kfuncs. */
bool walks;

static void count_call(const struct bpf_ns_ident *ident)
{
	__u64 *count, zero = 0;

	count = bpf_map_lookup_elem(&calls, ident);
	if (!count) {
		/* An error means that another CPU has added it. */
		bpf_map_update_elem(&calls, ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&calls, ident);
	}

	if (count)
		(*count)++;
	else
		__sync_fetch_and_add(&lost.ns_full, 1);
}

/* By member, since clang replaces a copy of the structure by its initial value. */
static struct bpf_ns_ident copy(const volatile struct bpf_ns_ident *from)
{
	struct bpf_ns_ident ident = {
		.dev = from->dev,
		.ino = from->ino,
		.id = from->id,
	};

	return ident;
}

/* The pid of a process or of a thread, or -errno. */
static __s64 pick_pid(__s64 pid_tgid)
{
	if (pid_tgid < 0)
		return pid_tgid;
	return opts.per_thread ? (__u32)pid_tgid : pid_tgid >> 32;
}

/*
 * Stores the pid of the current task in the pid namespace of nstop. Returns false
 * for a task that /proc of nstop does not show.
 */
static bool set_pid(struct nstop_task *now, const struct nstop_task_key *key)
{
	struct bpf_ns_ident own = copy(&opts.own);

	if (own.ino)
		now->pid = pick_pid(bpf_get_current_pid_tgid_in(&own));
	else
		now->pid = key->pid;
	return now->pid >= 0;
}

/* The same for any task. */
static bool set_pid_of(const struct task_struct *task, struct nstop_task *now)
{
	struct bpf_ns_ident own = copy(&opts.own);

	if (own.ino)
		now->pid = pick_pid(bpf_task_pid_tgid_in(task, &own));
	else
		now->pid = BPF_CORE_READ(task, pid);
	return now->pid >= 0;
}

/* Stores the results for the current task in @now. */
static int get_results(struct nstop_task *now)
{
	struct bpf_ns_ident seen_by = copy(&opts.seen_by);
	int err;

	if (opts.ns_type == CLONE_NEWPID)
		err = bpf_get_current_pidns_ident(&now->ident);
	else
		err = bpf_get_current_ns_ident(opts.ns_type, &now->ident);
	if (err || !seen_by.ino)
		return err;

	now->seen_pid = pick_pid(bpf_get_current_pid_tgid_in(&seen_by));
	return 0;
}

/* The same for any task. */
static int get_results_of(const struct task_struct *task, struct nstop_task *now)
{
	struct bpf_ns_ident seen_by = copy(&opts.seen_by);

	/* The pid first: a task that has an identity later had a pid before. */
	if (seen_by.ino)
		now->seen_pid = pick_pid(bpf_task_pid_tgid_in(task, &seen_by));

	if (opts.ns_type == CLONE_NEWPID)
		return bpf_task_pidns_ident(task, &now->ident);
	return bpf_task_ns_ident(task, opts.ns_type, &now->ident);
}

static bool same_results(const struct nstop_task *a, const struct nstop_task *b)
{
	return a->ident.dev == b->ident.dev && a->ident.ino == b->ident.ino &&
	       a->ident.id == b->ident.id && a->seen_pid == b->seen_pid;
}

static struct nstop_task *find_task(const struct task_struct *task,
				    struct nstop_task_key *key)
{
	key->start = BPF_CORE_READ(task, start_boottime);
	key->pid = BPF_CORE_READ(task, pid);
	return bpf_map_lookup_elem(&tasks, key);
}

/* Linux before 5.12 has no atomic exchange. Nothing clears a flag. */
static void set_flag(__u64 *flag)
{
	*(volatile __u64 *)flag = 1;
}

static void remember_task(struct nstop_task *task,
			  const struct nstop_task_key *key,
			  struct nstop_task *now)
{
	if (!task) {
		bpf_map_update_elem(&tasks, key, now, BPF_NOEXIST);
		task = bpf_map_lookup_elem(&tasks, key);
	}

	if (!task) {
		__sync_fetch_and_add(&lost.task_full, 1);
		return;
	}
	if (!same_results(task, now))
		set_flag(&task->changed);
	/* Another CPU may have added the entry. */
	if (now->moved)
		set_flag(&task->moved);
}

/* Does the number belong to another system call table? */
static bool is_foreign(const struct task_struct *task, long id)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT || id & X32_SYSCALL_BIT;
#elif defined(__TARGET_ARCH_arm64)
	return BPF_CORE_READ(task, thread_info.flags) >> TIF_32BIT & 1;
#else
	return false;
#endif
}

/* May this system call change the namespaces of the task? */
static bool is_move(const struct task_struct *task, long id)
{
	int i;

	if (opts.nr_moves && is_foreign(task, id))
		return true;
	for (i = 0; i < NSTOP_NR_MOVES && i < opts.nr_moves; i++)
		if (opts.moves[i] == id)
			return true;
	return false;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(count_sys_enter, struct pt_regs *regs, long id)
{
	/* Linux before 5.11 has no bpf_get_current_task_btf(). */
	struct task_struct *current = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(current, group_leader);
	struct nstop_task now = { .moved = is_move(current, id) };
	struct nstop_task_key key = {};
	struct nstop_task *task;

	/* Also while nstop compares, which reads the flag. */
	task = find_task(leader, &key);
	if (task && now.moved)
		set_flag(&task->moved);
	/* A thread that calls execve() becomes the leader. */
	if (opts.per_thread && current != leader) {
		task = find_task(current, &key);
		if (task && now.moved)
			set_flag(&task->moved);
	}

	/* The flag must be set before nstop reads /proc, even for a new task. */
	if (paused && !(now.moved && !task))
		return 0;
	if (!set_pid(&now, &key))
		return 0;
	if (get_results(&now)) {
		if (!paused)
			__sync_fetch_and_add(&lost.no_ident, 1);
		return 0;
	}

	if (!paused)
		count_call(&now.ident);
	if (!task)
		bpf_get_current_comm(now.comm, sizeof(now.comm));
	remember_task(task, &key, &now);
	return 0;
}

/* Stores the results for tasks without calls, and checks the results for the others. */
SEC("iter/task")
int look_at_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct nstop_task_key key = {};
	struct nstop_task now = {};
	struct nstop_task *known;

	if (!task || (!opts.per_thread && task->pid != task->tgid))
		return 0;
	if (!ns_ident_has_kfuncs() && !walks)
		walks = true;
	if (!set_pid_of(task, &now) || get_results_of(task, &now))
		return 0;

	known = find_task(task, &key);
	if (!known)
		bpf_probe_read_kernel_str(now.comm, sizeof(now.comm), task->comm);
	remember_task(known, &key, &now);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
