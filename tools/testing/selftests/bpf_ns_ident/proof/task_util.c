// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/compiler.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "task_util.h"

#define PID_TGID(TGID, PID) ((__s64)(TGID) << 32 | (PID))

const struct ns_type ns_types[NR_NS_TYPES] = {
	{ "cgroup", CLONE_NEWCGROUP, true },
	{ "ipc", CLONE_NEWIPC, true },
	{ "mnt", CLONE_NEWNS, true },
	{ "net", CLONE_NEWNET, true },
	{ "pid", CLONE_NEWPID, false },
	{ "time", CLONE_NEWTIME, true },
	{ "user", CLONE_NEWUSER, false },
	{ "uts", CLONE_NEWUTS, true },
};

int task_prepare(struct probe *probe, const char *name, const char *second)
{
	struct bpf_program *prog;
	int err;

	err = probe_prepare(probe, "task");
	if (err)
		return err;
	probe->prog = bpf_object__find_program_by_name(probe->obj, name);
	if (!probe->prog)
		return -ENOENT;
	bpf_program__set_autoload(probe->prog, true);
	if (second) {
		prog = bpf_object__find_program_by_name(probe->obj, second);
		if (!prog)
			return -ENOENT;
		bpf_program__set_autoload(prog, true);
	}
	return 0;
}

int task_find_asked(struct probe *probe, struct asked **asked)
{
	struct bpf_map *map;
	size_t size;

	map = bpf_object__find_map_by_name(probe->obj, ".data.asked");
	*asked = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!*asked || size != sizeof(**asked))
		return -ENOMSG;
	for (int i = 0; i < NR_NS_TYPES; i++)
		(*asked)->ns_types[i] = ns_types[i].flag;
	return 0;
}

int task_load(struct probe *probe, const char *name, const char *second,
	      struct asked **asked)
{
	return task_prepare(probe, name, second) ?: probe_finish(probe) ?:
	       task_find_asked(probe, asked);
}

void task_aim(struct probe *probe, struct asked *asked, pid_t tgid)
{
	memset(&asked->answer, 0x5a, sizeof(asked->answer));
	asked->calls = 0;
	probe_target(probe, tgid);
}

int task_read(pid_t pid, struct task_answer *answer)
{
	struct ns_ids ids;
	char path[64];
	int err, i;

	memset(answer, 0, sizeof(*answer));
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	err = ns_read_ids(path, &ids) ?: ns_ident(pid, "pid", &answer->ident);
	if (err)
		return err;
	answer->tgid = ids.tgid[0];
	answer->pid = ids.pid[0];
	answer->own = PID_TGID(ids.tgid[ids.nr - 1], ids.pid[ids.nr - 1]);
	answer->initial = PID_TGID(ids.tgid[0], ids.pid[0]);
	for (i = 0; i < NR_NS_TYPES; i++) {
		struct ns_answer *ns = &answer->ns[i];

		ns->err = ns_ident(pid, ns_types[i].name, &ns->ident);
	}
	return 0;
}

static bool same_ident(const struct bpf_ns_ident *a,
		       const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

static const char *print_differs(pid_t pid, const char *name,
				 const struct bpf_ns_ident *want, __s64 want_ret,
				 const struct bpf_ns_ident *got, __s64 got_ret)
{
	static char text[300];

	snprintf(text, sizeof(text),
		 "task %d, %s: want %lld (%llu %llu %llu), got %lld (%llu %llu %llu)",
		 pid, name, want_ret, want->dev, want->ino, want->id,
		 got_ret, got->dev, got->ino, got->id);
	return text;
}

const char *task_differs(const struct task_answer *want,
			 const struct task_answer *got)
{
	const struct bpf_ns_ident none = {};
	int i;

#define compare(FIELD)							\
	if (want->FIELD != got->FIELD)					\
		return print_differs(want->pid, #FIELD, &none,		\
				     want->FIELD, &none, got->FIELD)
	compare(tgid);
	compare(pid);
	compare(own);
	compare(initial);
#undef compare
	if (want->err != got->err || !same_ident(&want->ident, &got->ident))
		return print_differs(want->pid, "bpf_task_pidns_ident()",
				     &want->ident, want->err,
				     &got->ident, got->err);
	for (i = 0; i < NR_NS_TYPES; i++) {
		const struct ns_answer *a = &want->ns[i], *b = &got->ns[i];

		if (a->err != b->err || !same_ident(&a->ident, &b->ident))
			return print_differs(want->pid, ns_types[i].name,
					     &a->ident, a->err,
					     &b->ident, b->err);
	}
	return NULL;
}

void task_make_busy(struct task_answer *answer)
{
	for (int i = 0; i < NR_NS_TYPES; i++)
		if (ns_types[i].in_proxy)
			answer->ns[i] = (struct ns_answer){ .err = -EBUSY };
}

/* The version has flags of the build, for example "SMP PREEMPT_RT". */
static bool version_has(const char *word)
{
	struct utsname uts;

	return !uname(&uts) && strstr(uts.version, word);
}

bool locks_have_state(void)
{
	return version_has("SMP") || !kernel_lacks("CONFIG_DEBUG_SPINLOCK");
}

bool is_preempt_rt(void)
{
	return version_has("PREEMPT_RT");
}
