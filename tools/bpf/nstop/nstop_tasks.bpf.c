// SPDX-License-Identifier: GPL-2.0
/*
 * Counts system calls by the identity of the caller's namespace, and remembers
 * which identity, and which pid, each task was given, so that userspace can
 * check.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "nstop.h"

/* Of <linux/sched.h>, <asm/thread_info.h>, <asm/unistd.h>: BTF has no macros. */
#define CLONE_NEWPID 0x20000000
#define TS_COMPAT 0x0002
#define TIF_32BIT 22
#define X32_SYSCALL_BIT 0x40000000

int bpf_get_current_pidns_ident(struct bpf_ns_ident *ident) __ksym;
int bpf_get_current_ns_ident(__u32 ns_type, struct bpf_ns_ident *ident) __ksym;
__s64 bpf_get_current_pid_tgid_in(const struct bpf_ns_ident *pidns) __ksym;

const volatile struct nstop_config opts = {};

/*
 * Per CPU, and added to without atomics: the kernel does not run the program
 * a second time on a CPU where it has not finished. It counts such runs as
 * missed instead, which userspace reports.
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

/* Set while userspace reads the maps, so that they belong together. */
bool paused;

static void count_call(const struct bpf_ns_ident *ident)
{
	__u64 *count, zero = 0;

	count = bpf_map_lookup_elem(&calls, ident);
	if (!count) {
		/* May fail because another CPU was faster, which is fine. */
		bpf_map_update_elem(&calls, ident, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&calls, ident);
	}

	if (count)
		(*count)++;
	else
		__sync_fetch_and_add(&lost.ns_full, 1);
}

/* Puts the answers for the current task into @now. */
static int ask(struct nstop_task *now)
{
	/* Copied as a whole, it would be taken for what it is at compile time. */
	struct bpf_ns_ident seen_by = {
		.dev = opts.seen_by.dev,
		.ino = opts.seen_by.ino,
		.id = opts.seen_by.id,
	};
	__s64 pid_tgid;
	int err;

	if (opts.ns_type == CLONE_NEWPID)
		err = bpf_get_current_pidns_ident(&now->ident);
	else
		err = bpf_get_current_ns_ident(opts.ns_type, &now->ident);
	if (err || !seen_by.ino)
		return err;

	pid_tgid = bpf_get_current_pid_tgid_in(&seen_by);
	if (pid_tgid < 0)
		now->seen_pid = pid_tgid;
	else
		now->seen_pid = opts.per_thread ? (__u32)pid_tgid :
						  pid_tgid >> 32;
	return 0;
}

static bool same_answers(const struct nstop_task *a, const struct nstop_task *b)
{
	return a->ident.dev == b->ident.dev && a->ident.ino == b->ident.ino &&
	       a->ident.id == b->ident.id && a->seen_pid == b->seen_pid;
}

static struct nstop_task *find_task(const struct task_struct *task,
				    struct nstop_task_key *key)
{
	key->start = task->start_boottime;
	key->pid = task->pid;
	return bpf_map_lookup_elem(&tasks, key);
}

static void remember_task(struct nstop_task *task,
			  const struct nstop_task_key *key,
			  struct nstop_task *now)
{
	if (!task) {
		bpf_get_current_comm(now->comm, sizeof(now->comm));
		bpf_map_update_elem(&tasks, key, now, BPF_NOEXIST);
		task = bpf_map_lookup_elem(&tasks, key);
	}

	if (!task)
		__sync_fetch_and_add(&lost.task_full, 1);
	else if (!same_answers(task, now))
		__sync_lock_test_and_set(&task->changed, 1);
}

/* Has it been made by a number that means something else to this program? */
static bool is_foreign(const struct task_struct *task, long id)
{
#if defined(__TARGET_ARCH_x86)
	return task->thread_info.status & TS_COMPAT || id & X32_SYSCALL_BIT;
#elif defined(__TARGET_ARCH_arm64)
	return task->thread_info.flags >> TIF_32BIT & 1;
#else
	return false;
#endif
}

/* May this system call change the namespaces that the task is in? */
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
	struct task_struct *current = bpf_get_current_task_btf();
	struct task_struct *leader = current->group_leader;
	struct nstop_task now = { .moved = is_move(current, id) };
	struct nstop_task_key key = {};
	struct nstop_task *task;

	/* Also while userspace compares, which is to know. */
	task = find_task(leader, &key);
	if (task && now.moved)
		__sync_lock_test_and_set(&task->moved, 1);
	/* A thread that calls execve() becomes the leader. */
	if (opts.per_thread && current != leader) {
		task = find_task(current, &key);
		if (task && now.moved)
			__sync_lock_test_and_set(&task->moved, 1);
	}

	if (paused)
		return 0;
	if (ask(&now)) {
		__sync_fetch_and_add(&lost.no_ident, 1);
		return 0;
	}

	count_call(&now.ident);
	remember_task(task, &key, &now);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
