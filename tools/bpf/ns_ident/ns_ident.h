/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */
/*
 * Namespace identity for userspace, on Linux 5.10 and later, the counterpart of
 * ns_ident.bpf.h. The functions convert the identity from a BPF program to a
 * file descriptor for setns(2), to tasks, and to the owner and the parent.
 *
 * Functions return 0, a file descriptor or a flag, or a negative errno. After
 * an error, ns_ident_error() returns a sentence with the reason, for the user.
 *
 * If the caller may not open a namespace, the functions do not find it: see
 * ptrace(2) about /proc/PID/ns, and open_by_handle_at(2).
 */
#ifndef __NS_IDENT_H
#define __NS_IDENT_H

#ifndef _GNU_SOURCE
#error "ns_ident.h takes open_by_handle_at(2): define _GNU_SOURCE before the first inclusion"
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

/* ns_ident.bpf.h has the same structure, for BPF programs. */
#ifndef BPF_NS_IDENT
#define BPF_NS_IDENT
struct bpf_ns_ident {
	__u64 dev;	/* st_dev of the namespace's file in nsfs */
	__u64 ino;	/* st_ino of that file */
	__u64 id;	/* result of the ioctl NS_GET_ID, 0 before Linux 6.18 */
};
#endif

/* From <linux/nsfs.h>, <linux/fcntl.h> and the kernel, for older headers. */
#define __NS_IDENT_GET_USERNS	_IO(0xb7, 1)
#define __NS_IDENT_GET_PARENT	_IO(0xb7, 2)
#define __NS_IDENT_GET_NSTYPE	_IO(0xb7, 3)
#define __NS_IDENT_GET_ID	_IOR(0xb7, 13, __u64)
#define __NS_IDENT_NSFS_MAGIC	0x6e736673
#define __NS_IDENT_FD_NSFS_ROOT	(-10003)
#define __NS_IDENT_FILEID_NSFS	0xf1
#ifdef __alpha__
#define __NS_IDENT_NR_LISTNS	580
#else
#define __NS_IDENT_NR_LISTNS	470
#endif

/* struct nsfs_file_handle, with its header, for open_by_handle_at(2). */
struct __ns_ident_handle {
	__u32 bytes;
	__s32 type;
	__u64 ns_id;
	__u32 ns_type;
	__u32 ns_inum;
};

/* struct ns_id_req. */
struct __ns_ident_req {
	__u32 size;
	__u32 spare;
	__u64 ns_id;
	__u32 ns_type;
	__u32 spare2;
	__u64 user_ns_id;
};

#define NS_IDENT_ALL_TYPES						\
	(CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS |	\
	 CLONE_NEWPID | CLONE_NEWTIME | CLONE_NEWUSER | CLONE_NEWUTS)

struct __ns_ident_type {
	__u32 flag;
	const char *name;
};

static const struct __ns_ident_type __ns_ident_types[] = {
	{ CLONE_NEWCGROUP, "cgroup" },
	{ CLONE_NEWIPC, "ipc" },
	{ CLONE_NEWNS, "mnt" },
	{ CLONE_NEWNET, "net" },
	{ CLONE_NEWPID, "pid" },
	{ CLONE_NEWTIME, "time" },
	{ CLONE_NEWUSER, "user" },
	{ CLONE_NEWUTS, "uts" },
};

#define __NS_IDENT_NR_TYPES						\
	(sizeof(__ns_ident_types) / sizeof(__ns_ident_types[0]))

static inline char *__ns_ident_text(void)
{
	static __thread char text[256];

	return text;
}

/* Returns the reason of the last error of these functions in this thread. */
static inline const char *ns_ident_error(void)
{
	return __ns_ident_text();
}

__attribute__((format(printf, 2, 3)))
static inline int __ns_ident_fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(__ns_ident_text(), 256, format, args);
	va_end(args);
	return -err;
}

/*
 * Returns the name in /proc/PID/ns of a type, which is one CLONE_NEW* flag.
 * Returns NULL for other values.
 */
static inline const char *ns_ident_type_name(__u32 ns_type)
{
	for (size_t i = 0; i < __NS_IDENT_NR_TYPES; i++)
		if (__ns_ident_types[i].flag == ns_type)
			return __ns_ident_types[i].name;
	return NULL;
}

static inline int __ns_ident_need_name(__u32 ns_type, const char **name)
{
	*name = ns_ident_type_name(ns_type);
	if (*name)
		return 0;
	return __ns_ident_fail(EINVAL, "0x%x is not one CLONE_NEW* flag", ns_type);
}

/*
 * Reports the identity of the namespace that a file descriptor refers to.
 * Returns -EINVAL if the descriptor does not refer to a namespace. The id is 0
 * before Linux 6.18.
 */
static inline int ns_ident_of_fd(int fd, struct bpf_ns_ident *ident)
{
	struct statfs fs;
	struct stat st;
	__u64 id = 0;

	memset(ident, 0, sizeof(*ident));
	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return __ns_ident_fail(errno, "descriptor %d: stat: %s", fd, strerror(errno));
	if (fs.f_type != __NS_IDENT_NSFS_MAGIC)
		return __ns_ident_fail(EINVAL, "descriptor %d does not refer to a namespace", fd);
	if (ioctl(fd, __NS_IDENT_GET_ID, &id)) {
		if (errno != ENOTTY && errno != EINVAL)
			return __ns_ident_fail(errno, "descriptor %d: NS_GET_ID: %s", fd,
					       strerror(errno));
		id = 0;
	}
	ident->dev = st.st_dev;
	ident->ino = st.st_ino;
	ident->id = id;
	return 0;
}

/* Does the same for a file, such as /proc/PID/ns/TYPE or /run/netns/NAME. */
static inline int ns_ident_of_file(const char *path, struct bpf_ns_ident *ident)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err;

	memset(ident, 0, sizeof(*ident));
	if (fd < 0)
		return __ns_ident_fail(errno, "%s: %s", path, strerror(errno));
	err = ns_ident_of_fd(fd, ident);
	close(fd);
	if (err == -EINVAL)
		return __ns_ident_fail(EINVAL, "%s is not the file of a namespace", path);
	return err;
}

/*
 * Does the same for a task, by its thread id, or 0 for the caller, and a type,
 * which is one CLONE_NEW* flag. Returns -ENOENT if the task does not exist, or
 * if this kernel was built without that type.
 */
static inline int ns_ident_of_task(pid_t tid, __u32 ns_type, struct bpf_ns_ident *ident)
{
	const char *name;
	char path[64];
	int err;

	memset(ident, 0, sizeof(*ident));
	err = __ns_ident_need_name(ns_type, &name);
	if (err)
		return err;
	if (tid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", tid, name);
	else
		snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", name);
	return ns_ident_of_file(path, ident);
}

/*
 * Reports the device of nsfs, for ns_ident_dev of ns_ident.bpf.h. Needs /proc.
 */
static inline int ns_ident_get_dev(__u64 *dev)
{
	struct bpf_ns_ident ident;
	int err;

	err = ns_ident_of_task(0, CLONE_NEWNS, &ident);
	*dev = ident.dev;
	return err;
}

/* Returns 1 if this kernel has ids of namespaces (since Linux 6.18), or 0. */
static inline int ns_ident_has_ids(void)
{
	struct bpf_ns_ident ident;
	int err;

	err = ns_ident_of_task(0, CLONE_NEWNS, &ident);
	return err ? err : ident.id != 0;
}

/* Returns the CLONE_NEW* flag of the namespace behind a file descriptor. */
static inline int ns_ident_type(int fd)
{
	int type = ioctl(fd, __NS_IDENT_GET_NSTYPE);

	if (type < 0)
		return __ns_ident_fail(errno, "descriptor %d: NS_GET_NSTYPE: %s", fd,
				       strerror(errno));
	return type;
}

/*
 * Returns a file descriptor of the user namespace that owns a namespace.
 * Returns -EPERM if the owner is outside of the caller's user namespace, or if
 * there is none.
 */
static inline int ns_ident_owner(int fd)
{
	int owner = ioctl(fd, __NS_IDENT_GET_USERNS);

	if (owner < 0 && errno == EPERM)
		return __ns_ident_fail(EPERM, "the owner is not in the caller's user namespace");
	if (owner < 0)
		return __ns_ident_fail(errno, "descriptor %d: NS_GET_USERNS: %s", fd,
				       strerror(errno));
	return owner;
}

/*
 * Returns a file descriptor of the parent of a pid or user namespace. Returns
 * -EPERM if the parent is outside of the caller's namespace, or if there is
 * none. Returns -EINVAL for other types.
 */
static inline int ns_ident_parent(int fd)
{
	int parent = ioctl(fd, __NS_IDENT_GET_PARENT);

	if (parent < 0 && errno == EPERM)
		return __ns_ident_fail(EPERM, "the parent is outside of the caller's namespace");
	if (parent < 0 && errno == EINVAL)
		return __ns_ident_fail(EINVAL, "only pid and user namespaces have a parent");
	if (parent < 0)
		return __ns_ident_fail(errno, "descriptor %d: NS_GET_PARENT: %s", fd,
				       strerror(errno));
	return parent;
}

/*
 * Opens a namespace by its id. Linux 6.18 also requires the type and the
 * number. Since 6.19, both may be 0. Returns -ENOENT if there is no such
 * namespace, or if no task or file keeps it, and -EOPNOTSUPP before Linux 6.18.
 */
static inline int __ns_ident_open_id(__u64 id, __u32 ns_type, __u32 ino)
{
	struct __ns_ident_handle handle = {
		.bytes = 16,
		.type = __NS_IDENT_FILEID_NSFS,
		.ns_id = id,
		.ns_type = ns_type,
		.ns_inum = ino,
	};
	int fd;

	fd = open_by_handle_at(__NS_IDENT_FD_NSFS_ROOT, (struct file_handle *)&handle,
			       O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ESTALE)
		return __ns_ident_fail(ENOENT, "no namespace has the id %llu and this number now",
				       (unsigned long long)id);
	if (errno == EBADF || errno == ENOSYS)
		return __ns_ident_fail(EOPNOTSUPP, "only Linux 6.18 opens a namespace by its id");
	return __ns_ident_fail(errno, "the namespace with the id %llu: open_by_handle_at: %s",
			       (unsigned long long)id, strerror(errno));
}

/*
 * Is called with the id of a thread, and with its open directory
 * /proc/PID/task/TID/ns. A result other than 0 ends the search.
 */
typedef int (*__ns_ident_task_fn)(pid_t tid, int dir, void *ctx);

/* Calls fn() for all entries of a directory with a number as the name. */
static inline int __ns_ident_each_number(int dir, int (*fn)(int dir, pid_t nr, void *ctx),
					 void *ctx)
{
	DIR *entries = fdopendir(dir);
	struct dirent *entry;
	int ret = 0;

	if (!entries) {
		ret = -errno;
		close(dir);
		return ret;
	}
	while (!ret && (entry = readdir(entries))) {
		char *end;
		long nr = strtol(entry->d_name, &end, 10);

		if (nr > 0 && !*end)
			ret = fn(dir, nr, ctx);
	}
	closedir(entries);
	return ret;
}

struct __ns_ident_each {
	__ns_ident_task_fn fn;
	void *ctx;
};

static inline int __ns_ident_thread(int dir, pid_t tid, void *ctx)
{
	struct __ns_ident_each *each = ctx;
	char path[32];
	int ns, ret;

	snprintf(path, sizeof(path), "%d/ns", tid);
	ns = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The thread has ended, or the caller may not access it. */
	if (ns < 0)
		return 0;
	ret = each->fn(tid, ns, each->ctx);
	close(ns);
	return ret;
}

static inline int __ns_ident_process(int dir, pid_t pid, void *ctx)
{
	char path[32];
	int threads;

	snprintf(path, sizeof(path), "%d/task", pid);
	threads = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (threads < 0)
		return 0;
	return __ns_ident_each_number(threads, __ns_ident_thread, ctx);
}

static inline int __ns_ident_each_task(__ns_ident_task_fn fn, void *ctx)
{
	struct __ns_ident_each each = { fn, ctx };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (proc < 0)
		return __ns_ident_fail(errno, "/proc: %s", strerror(errno));
	return __ns_ident_each_number(proc, __ns_ident_process, &each);
}

static inline bool __ns_ident_is(const struct stat *st, const struct bpf_ns_ident *ident)
{
	return st->st_dev == ident->dev && st->st_ino == ident->ino;
}

struct __ns_ident_search {
	const struct bpf_ns_ident *ident;
	const char *name;
	int (*fn)(pid_t tid, void *ctx);
	void *ctx;
};

static inline int __ns_ident_try_task(pid_t tid, int dir, void *ctx)
{
	struct __ns_ident_search *search = ctx;
	struct bpf_ns_ident ident;
	struct stat st;
	int fd;

	if (fstatat(dir, search->name, &st, 0) || !__ns_ident_is(&st, search->ident))
		return 0;
	if (search->fn)
		return search->fn(tid, search->ctx);
	fd = openat(dir, search->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	/*
	 * The task may have changed its namespace, and the number may be
	 * reused.
	 */
	if (!ns_ident_of_fd(fd, &ident) && ident.dev == search->ident->dev &&
	    ident.ino == search->ident->ino &&
	    (!search->ident->id || ident.id == search->ident->id)) {
		*(int *)search->ctx = fd;
		return 1;
	}
	close(fd);
	return 0;
}

/*
 * Opens the namespace with this identity and a type, which is one CLONE_NEW*
 * flag.
 *
 * With an id, on Linux 6.18 and later, the result is exactly this namespace or
 * an error. Without an id, the result is the namespace that currently has this
 * dev and ino, because the kernel reuses numbers. Without an id, or in a nested
 * pid namespace, a namespace is only found if a task in /proc is in it.
 *
 * Returns a file descriptor, for example for setns(2), or -ENOENT if there is
 * no such namespace.
 */
static inline int ns_ident_open(const struct bpf_ns_ident *ident, __u32 ns_type)
{
	struct __ns_ident_search search = { .ident = ident };
	struct bpf_ns_ident found;
	int fd = -1, err;

	err = __ns_ident_need_name(ns_type, &search.name);
	if (err)
		return err;
	if (ident->id) {
		fd = __ns_ident_open_id(ident->id, ns_type, ident->ino);
		/* In a nested pid namespace, the kernel reports others as gone. */
		if (fd < 0 && fd != -EOPNOTSUPP && fd != -ENOENT)
			return fd;
	}
	if (fd >= 0) {
		err = ns_ident_of_fd(fd, &found);
		if (!err && found.dev != ident->dev)
			err = __ns_ident_fail(ENOENT, "the device of nsfs is %llu, not %llu",
					      (unsigned long long)found.dev,
					      (unsigned long long)ident->dev);
		if (!err)
			return fd;
		close(fd);
		return err;
	}
	search.ctx = &fd;
	err = __ns_ident_each_task(__ns_ident_try_task, &search);
	if (err < 0)
		return err;
	if (fd < 0)
		return __ns_ident_fail(ENOENT,
				       "no task in /proc is in the %s namespace %llu:%llu:%llu",
				       search.name, (unsigned long long)ident->dev,
				       (unsigned long long)ident->ino,
				       (unsigned long long)ident->id);
	return fd;
}

/*
 * Calls @fn with the id of each thread in /proc that is in this namespace of a
 * type, which is one CLONE_NEW* flag. If @fn returns a value other than 0, the
 * search ends and returns that value.
 */
static inline int ns_ident_tasks(const struct bpf_ns_ident *ident, __u32 ns_type,
				 int (*fn)(pid_t tid, void *ctx), void *ctx)
{
	struct __ns_ident_search search = { .ident = ident, .fn = fn, .ctx = ctx };
	int err;

	/* Another namespace may have the number now. */
	if (ident->id) {
		int fd = ns_ident_open(ident, ns_type);

		if (fd < 0)
			return fd;
		/*
		 * The descriptor stays open, so that the number is not reused.
		 */
		err = __ns_ident_need_name(ns_type, &search.name);
		if (!err)
			err = __ns_ident_each_task(__ns_ident_try_task, &search);
		close(fd);
		return err;
	}
	err = __ns_ident_need_name(ns_type, &search.name);
	return err ? err : __ns_ident_each_task(__ns_ident_try_task, &search);
}

/* Is called by ns_ident_list() for each namespace. */
typedef int (*ns_ident_list_fn)(int fd, __u32 ns_type, const struct bpf_ns_ident *ident,
				void *ctx);

struct __ns_ident_list {
	__u32 ns_types;
	ns_ident_list_fn fn;
	void *ctx;
	/* listns(2) has a namespace that the caller is not in, so it has all. */
	bool is_whole;
	/* The namespaces that a search in /proc omits. */
	struct bpf_ns_ident *seen;
	size_t nr;
};

static inline int __ns_ident_remember(struct __ns_ident_list *list,
				      const struct bpf_ns_ident *ident)
{
	struct bpf_ns_ident *seen;

	seen = realloc(list->seen, (list->nr + 1) * sizeof(*seen));
	if (!seen)
		return __ns_ident_fail(ENOMEM, "no memory for a list of namespaces");
	list->seen = seen;
	seen[list->nr++] = *ident;
	return 0;
}

/* Is the caller in the namespace? */
static inline bool __ns_ident_is_own(const struct bpf_ns_ident *ident, int type)
{
	struct bpf_ns_ident own;

	return !ns_ident_of_task(0, type, &own) && own.dev == ident->dev &&
	       own.ino == ident->ino;
}

static inline int __ns_ident_list_one(int fd, bool in_proc, struct __ns_ident_list *list)
{
	struct bpf_ns_ident ident;
	int type, err;

	type = ns_ident_type(fd);
	err = type < 0 ? type : ns_ident_of_fd(fd, &ident);
	if (!err && !in_proc && !list->is_whole)
		list->is_whole = !__ns_ident_is_own(&ident, type);
	if (!err && !list->is_whole)
		err = __ns_ident_remember(list, &ident);
	return err ? err : list->fn(fd, type, &ident, list->ctx);
}

static inline int __ns_ident_list_task(pid_t tid, int dir, void *ctx)
{
	struct __ns_ident_list *list = ctx;

	(void)tid;
	for (size_t i = 0; i < __NS_IDENT_NR_TYPES; i++) {
		struct stat st;
		size_t nr = 0;
		int fd, ret;

		if (!(__ns_ident_types[i].flag & list->ns_types) ||
		    fstatat(dir, __ns_ident_types[i].name, &st, 0))
			continue;
		while (nr < list->nr && !__ns_ident_is(&st, &list->seen[nr]))
			nr++;
		if (nr < list->nr)
			continue;
		fd = openat(dir, __ns_ident_types[i].name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		ret = __ns_ident_list_one(fd, true, list);
		close(fd);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Returns -EOPNOTSUPP before Linux 6.19, and if a seccomp filter rejects the
 * system call.
 */
static inline int __ns_ident_list_ids(struct __ns_ident_list *list)
{
	struct __ns_ident_req req = { .size = sizeof(req), .ns_type = list->ns_types };
	__u64 ids[64];
	long nr;

	for (;;) {
		nr = syscall(__NS_IDENT_NR_LISTNS, &req, ids, sizeof(ids) / sizeof(ids[0]), 0);
		/* -ENOENT is the end of the list. */
		if (nr == 0 || (nr < 0 && errno == ENOENT))
			return 0;
		if (nr < 0 && (errno == ENOSYS || errno == EPERM))
			return -EOPNOTSUPP;
		if (nr < 0)
			return __ns_ident_fail(errno, "listns: %s", strerror(errno));
		for (long i = 0; i < nr; i++) {
			int fd = __ns_ident_open_id(ids[i], 0, 0), ret;

			/*
			 * The namespace is gone, or the caller may not open it.
			 */
			if (fd == -ENOENT || fd == -EPERM || fd == -EACCES)
				continue;
			if (fd < 0)
				return fd;
			ret = __ns_ident_list_one(fd, false, list);
			close(fd);
			if (ret)
				return ret;
		}
		req.ns_id = ids[nr - 1];
	}
}

/*
 * Calls @fn with each namespace of these types, CLONE_NEW* flags, and with a
 * file descriptor that is closed afterwards. Namespaces without a task are only
 * found since Linux 6.19, by listns(2). In a nested pid namespace, listns(2) only
 * has the namespaces of the caller, so /proc adds those of its tasks. If @fn
 * returns a value other than 0, the search ends and returns that value.
 */
static inline int ns_ident_list(__u32 ns_types, ns_ident_list_fn fn, void *ctx)
{
	struct __ns_ident_list list = { .ns_types = ns_types, .fn = fn, .ctx = ctx };
	int ret;

	if (!ns_types || (ns_types & ~NS_IDENT_ALL_TYPES))
		return __ns_ident_fail(EINVAL, "0x%x are not CLONE_NEW* flags", ns_types);
	ret = __ns_ident_list_ids(&list);
	if (ret == -EOPNOTSUPP || (!ret && !list.is_whole))
		ret = __ns_ident_each_task(__ns_ident_list_task, &list);
	free(list.seen);
	return ret;
}

#endif /* __NS_IDENT_H */
