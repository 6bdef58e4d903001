// SPDX-License-Identifier: GPL-2.0
/* Functions that the source files of nstop share: identities, limits, and errors of the load. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/sched.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nstop_compat.h"
#include "nstop_user.h"

#define NOT_ALLOWED	"calling kernel function bpf_"	/* is not */
#define VMLINUX_BTF	"/sys/kernel/btf/vmlinux"
#define LOADER_NS	"/sys/module/" MODULE "/parameters/loader_ns"

/*
 * The initial namespaces have fixed inode numbers in nsfs, which are never used
 * for others.
 */
const struct kind kinds[] = {
	{ "cgroup", "ns/cgroup", CLONE_NEWCGROUP, INIT_INO_CGROUP,
	  .per_thread = true },
	{ "ipc", "ns/ipc", CLONE_NEWIPC, INIT_INO_IPC, .per_thread = true },
	{ "mnt", "ns/mnt", CLONE_NEWNS, INIT_INO_MNT, .per_thread = true },
	{ "net", "ns/net", CLONE_NEWNET, INIT_INO_NET, .per_thread = true },
	{ "pid", "ns/pid", CLONE_NEWPID, INIT_INO_PID, .has_parent = true },
	{ "time", "ns/time", CLONE_NEWTIME, INIT_INO_TIME,
	  .per_thread = false },
	{ "user", "ns/user", CLONE_NEWUSER, INIT_INO_USER,
	  .has_parent = true },
	{ "uts", "ns/uts", CLONE_NEWUTS, INIT_INO_UTS, .per_thread = true },
	{}
};

static char log_buf[64 * 1024];	/* of the verifier */

void *grow(void *old, size_t nr, size_t size)
{
	void *new;

	/* Doubles the size at each power of two. */
	if (nr & (nr - 1))
		return old;
	new = reallocarray(old, nr ? nr * 2 : 1, size);
	if (!new)
		err(EXIT_ERROR, "out of memory");
	return new;
}

__u64 max_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		err(EXIT_ERROR, "RLIMIT_NOFILE");
	return limit.rlim_cur;
}

static void print_too_few_files(void)
{
	warnx("the limit of open files, %llu, is too low: " RAISE_FILES,
	      max_files());
}

void check_files(void)
{
	int fds[FILES_FOR_A_MOMENT], nr = 0;

	while (nr < FILES_FOR_A_MOMENT) {
		fds[nr] = open("/", O_PATH | O_CLOEXEC);
		if (fds[nr] < 0)
			break;
		nr++;
	}
	if (nr < FILES_FOR_A_MOMENT) {
		if (errno != EMFILE)
			err(EXIT_ERROR, "/");
		print_too_few_files();
		exit(EXIT_ERROR);
	}
	while (nr > 0)
		close(fds[--nr]);
}

bool same_ident(const struct bpf_ns_ident *a, const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

void check_ident(int ret, const char *of)
{
	if (ret < 0)
		errx(EXIT_ERROR, "%s: %s", of, ns_ident_error());
}

__u64 nsfs_dev(void)
{
	__u64 dev;

	check_ident(ns_ident_get_dev(&dev), "the device of nsfs");
	return dev;
}

void add_walk_note(struct table *table)
{
	add_note(table, "info",
		 "the module " MODULE " is not loaded: the BPF programs walk the kernel's structures");
}

void read_percpu(int map, const void *key, __u64 *sum, size_t nr)
{
	int nr_cpus = libbpf_num_possible_cpus();
	__u64 *counts;
	size_t i;

	if (nr_cpus < 0)
		errx(EXIT_ERROR, "libbpf cannot read the number of CPUs");
	counts = calloc(nr_cpus * nr, sizeof(*counts));
	if (!counts)
		err(EXIT_ERROR, "out of memory");
	if (bpf_map_lookup_elem(map, key, counts))
		err(EXIT_ERROR, "reading the counters");

	memset(sum, 0, nr * sizeof(*sum));
	for (i = 0; i < nr_cpus * nr; i++)
		sum[i % nr] += counts[i];
	free(counts);
}

double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / (double)NSEC_PER_SEC;
}

void set_log(struct bpf_program *prog)
{
	bpf_program__set_log_buf(prog, log_buf, sizeof(log_buf));
	/* Statistics and errors. libbpf would load a second time to get them. */
	bpf_program__set_log_level(prog, 4);
}

static bool is_initial(const struct kind *kind)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/%s", kind->path);
	/* A kernel without that namespace type has only the initial one. */
	return stat(path, &st) || st.st_ino == kind->initial;
}

bool in_nested_pidns(void)
{
	const struct kind *kind = kinds;

	while (kind->flag != CLONE_NEWPID)
		kind++;
	return !is_initial(kind);
}

static void print_not_initial(void)
{
	const struct kind *kind;
	const char *sep = "";
	char names[128] = "";
	size_t len = 0;

	for (kind = kinds; kind->name; kind++) {
		if (is_initial(kind))
			continue;
		len += snprintf(names + len, sizeof(names) - len, "%s%s", sep,
				kind->name);
		sep = ", ";
	}

	if (len)
		warnx("this process is not in the initial %s namespace%s",
		      names, strchr(names, ',') ? "s" : "");
}

/* Is the name an element of a list with commas? */
static bool is_listed(const char *name, const char *list)
{
	size_t len = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, name, len) && (!list[len] || list[len] == ','))
			return true;
	}
	return false;
}

/* The administrator selects the namespaces that have to be initial. */
static void print_policy(void)
{
	char value[128];
	FILE *f;

	f = fopen(LOADER_NS, "re");
	if (!f)
		return;
	if (fgets(value, sizeof(value), f)) {
		value[strcspn(value, "\n")] = '\0';
		warnx("the parameter loader_ns=%s of the module lists the types that have to be initial",
		      value);
		if (in_nested_pidns() && !is_listed("pid", value))
			warnx("in a nested pid namespace, the kernel also needs CONFIG_BPF_PROG_ORIGIN");
	}
	fclose(f);
}

void explain(int error, const char *kfunc, const char *caps)
{
	__u32 id;

	if (opt.verbose)
		fputs(log_buf, stderr);

	/* libbpf returns EINVAL if it has no permission to list modules. */
	if (error == EINVAL && bpf_btf_get_next_id(0, &id) == -EPERM)
		error = EPERM;

	if (error == EMFILE) {
		print_too_few_files();
	} else if (error == EPERM) {
		warnx("the kernel does not permit this process to load the BPF program:");
		warnx("the load needs %s in the initial user namespace",
		      caps);
		print_not_initial();
	} else if (error == EACCES && strstr(log_buf, NOT_ALLOWED)) {
		warnx("the kernel refused to load the BPF program:");
		warnx("one that calls %s() can only be loaded from the initial namespaces",
		      kfunc);
		print_not_initial();
		print_policy();
		warnx("the kernel log has the reason: dmesg | grep " MODULE);
	} else if (access(VMLINUX_BTF, R_OK)) {
		warn("no BTF of the running kernel, " VMLINUX_BTF);
		warnx("the kernel needs CONFIG_DEBUG_INFO_BTF=y, and sysfs has to be mounted");
	} else {
		errno = error;
		warn("cannot load the BPF program");
		if (!opt.verbose)
			warnx("'nstop --verbose' has the details");
	}
}
