// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/compiler.h>
#include <linux/lsm.h>
#include <linux/membarrier.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "kselftest.h"
#include "ns_util.h"

/* From <linux/module.h>, which the headers in tools/ hide. */
#ifndef MODULE_INIT_COMPRESSED_FILE
#define MODULE_INIT_COMPRESSED_FILE 4
#endif

int ns_received_fd = -1;

struct request {
	int (*fn)(void *arg);
	void *arg;
};

static int send_with_fd(int sock, const void *data, size_t size, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *cmsg = (struct cmsghdr *)control;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -errno;
}

/* Receives a message, a file descriptor, and the pid of the sender. */
static int recv_with(int sock, void *data, size_t size, int *fd, pid_t *pid)
{
	char control[CMSG_SPACE(sizeof(*fd)) +
		     CMSG_SPACE(sizeof(struct ucred))] = {};
	struct iovec iov = { data, size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	ssize_t got;

	do {
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got != (ssize_t)size)
		return got < 0 ? -errno : -ESRCH;

	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS && fd) {
			memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
		} else if (cmsg->cmsg_type == SCM_CREDENTIALS && pid) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
			*pid = cred.pid;
		}
	}
	return 0;
}

static void __noreturn serve(int sock)
{
	struct request req;
	int ret = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Children of the task are released without wait(2). */
	signal(SIGCHLD, SIG_IGN);
	/* Sends a first message, with which the test gets the pid. */
	for (;;) {
		if (send_with_fd(sock, &ret, sizeof(ret), -1))
			_exit(1);
		if (recv_with(sock, &req, sizeof(req), &ns_received_fd, NULL))
			_exit(0);
		ret = req.fn(req.arg);
		if (ns_received_fd >= 0) {
			close(ns_received_fd);
			ns_received_fd = -1;
		}
	}
}

static int start_here(__u64 flags, int sock)
{
	struct clone_args args = {
		.flags = flags,
		.exit_signal = SIGCHLD,
	};
	pid_t pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		serve(sock);
	return pid < 0 ? -errno : pid;
}

static int do_start(void *flags)
{
	/* The caller closes the received descriptor. */
	int sock = fcntl(ns_received_fd, F_DUPFD_CLOEXEC, 3);
	int pid = start_here((uintptr_t)flags, sock);

	close(sock);
	return pid < 0 ? pid : 0;
}

static int map_ids(pid_t pid)
{
	static const char *const maps[] = { "uid_map", "gid_map" };
	char path[64];
	int err = 0;

	for (size_t i = 0; i < 2 && !err; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, maps[i]);
		err = write_file(path, "0 0 4294967295");
	}
	return err;
}

int ns_start(struct ns_task *task, const struct ns_task *from, __u64 flags)
{
	int socks[2], one = 1, hello, ret;

	*task = (struct ns_task){ .pid = -1, .sock = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks))
		return -errno;
	setsockopt(socks[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));

	if (from) {
		ret = ns_call_fd(from, socks[1], do_start, (void *)(uintptr_t)flags);
	} else {
		ret = start_here(flags, socks[1]);
		task->is_child = ret > 0;
		if (ret > 0)
			task->pid = ret;
	}
	close(socks[1]);
	task->sock = socks[0];
	if (ret >= 0)
		ret = recv_with(task->sock, &hello, sizeof(hello), NULL, &task->pid);
	if (!ret && (flags & CLONE_NEWUSER))
		ret = map_ids(task->pid);
	if (ret)
		ns_stop(task);
	return ret;
}

int ns_call_begin(const struct ns_task *task, int fd, int (*fn)(void *arg),
		  void *arg)
{
	struct request req = { fn, arg };

	return send_with_fd(task->sock, &req, sizeof(req), fd);
}

int ns_call_end(const struct ns_task *task)
{
	int ret, err;

	err = recv_with(task->sock, &ret, sizeof(ret), NULL, NULL);
	return err ?: ret;
}

int ns_call_fd(const struct ns_task *task, int fd, int (*fn)(void *arg),
	       void *arg)
{
	return ns_call_begin(task, fd, fn, arg) ?: ns_call_end(task);
}

int ns_call(const struct ns_task *task, int (*fn)(void *arg), void *arg)
{
	return ns_call_fd(task, -1, fn, arg);
}

void ns_stop(struct ns_task *task)
{
	if (task->pid > 0) {
		int pidfd = syscall(SYS_pidfd_open, task->pid, 0);

		if (pidfd >= 0) {
			struct pollfd exited = { pidfd, POLLIN };

			syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
			poll(&exited, 1, -1);
			close(pidfd);
		} else if (task->is_child) {
			/* Too many files are open. A child keeps its pid. */
			kill(task->pid, SIGKILL);
		}
		if (task->is_child)
			waitpid(task->pid, NULL, 0);
	}
	if (task->sock >= 0)
		close(task->sock);
	*task = (struct ns_task){ .pid = -1, .sock = -1 };
}

void *ns_alloc(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

int ns_do_getpgid(void *unused)
{
	/* The number exceeds the maximum pid, so there is no such process. */
	return syscall(SYS_getpgid, MAGIC_PID) == -1 && errno == ESRCH ? 0 : -EIO;
}

int ns_do_unshare(void *flags)
{
	return unshare((uintptr_t)flags) ? -errno : 0;
}

int ns_do_setns(void *flags)
{
	return setns(ns_received_fd, (uintptr_t)flags) ? -errno : 0;
}

int ns_open(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ns_ident_fd(int fd, struct bpf_ns_ident *ident)
{
	struct stat st;

	/* Kernels before 6.18 have no ids. */
	ident->id = 0;
	if (fstat(fd, &st) || (ioctl(fd, NS_GET_ID, &ident->id) && errno != ENOTTY))
		return -errno;
	ident->dev = st.st_dev;
	ident->ino = st.st_ino;
	return 0;
}

int ns_ident(pid_t pid, const char *name, struct bpf_ns_ident *ident)
{
	int fd = ns_open(pid, name);
	int err;

	if (fd < 0)
		return fd;
	err = ns_ident_fd(fd, ident);
	close(fd);
	return err;
}

int ns_reuse_number(struct ns_task *task, __u64 flag, const char *type, __u64 ino)
{
	struct bpf_ns_ident ident = {};
	int held[512], nr = 0, err = 0;

	/*
	 * nsfs uses the lowest free number. The open file of a namespace keeps a
	 * lower one in use, until the kernel has freed this one.
	 */
	while (!err && ident.ino != ino) {
		if (nr == ARRAY_SIZE(held)) {
			err = -EAGAIN;
			break;
		}
		ns_stop(task);
		err = ns_start(task, NULL, flag);
		if (err)
			break;
		held[nr] = ns_open(task->pid, type);
		err = held[nr] < 0 ? held[nr] : ns_ident_fd(held[nr], &ident);
		nr += held[nr] >= 0;
	}
	while (nr > 0)
		close(held[--nr]);
	return err;
}

static int parse_ids(const char *line, const char *key, pid_t ids[NR_LEVELS])
{
	size_t len = strlen(key);
	char *end;
	int nr = 0;

	if (strncmp(line, key, len))
		return 0;
	for (line += len; nr < NR_LEVELS; line = end) {
		ids[nr] = strtol(line, &end, 10);
		if (end == line)
			break;
		nr++;
	}
	return nr;
}

int ns_read_ids(const char *path, struct ns_ids *ids)
{
	int nr, tgids = 0, pids = 0;
	char line[1024];
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		nr = parse_ids(line, "NStgid:", ids->tgid);
		if (nr)
			tgids = nr;
		nr = parse_ids(line, "NSpid:", ids->pid);
		if (nr)
			pids = nr;
	}
	fclose(f);
	ids->nr = pids;
	return pids && pids == tgids ? 0 : -EPROTO;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -errno;
	close(fd);
	return err;
}

int fd_drop(int fd)
{
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

bool is_torture(void)
{
	const char *torture = getenv("TORTURE");

	return torture && *torture;
}

void stay_on_cpu(bool last)
{
	cpu_set_t cpus, one;
	int cpu;

	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &cpus))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!last)
			break;
	}
	sched_setaffinity(0, sizeof(one), &one);
}

int ns_cgroup_open(struct ns_cgroup *cgroup)
{
	const char *root = "/sys/fs/cgroup";
	int err;

	*cgroup = (struct ns_cgroup){ .fd = -1 };
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK)) {
		char dir[] = "/tmp/ns_ident.XXXXXX";

		if (!mkdtemp(dir))
			return -errno;
		if (mount("none", dir, "cgroup2", 0, NULL)) {
			err = -errno;
			rmdir(dir);
			return err;
		}
		strcpy(cgroup->mount, dir);
		root = cgroup->mount;
	}
	snprintf(cgroup->path, sizeof(cgroup->path), "%s/ns_ident.%d", root,
		 getpid());
	if (mkdir(cgroup->path, 0755)) {
		err = -errno;
		ns_cgroup_close(cgroup);
		return err;
	}
	cgroup->fd = open(cgroup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->fd < 0) {
		err = -errno;
		rmdir(cgroup->path);
		ns_cgroup_close(cgroup);
		return err;
	}
	return 0;
}

int ns_cgroup_add(const struct ns_cgroup *cgroup, pid_t pid)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup->path);
	snprintf(text, sizeof(text), "%d", pid);
	return write_file(path, text);
}

int ns_cgroup_close(struct ns_cgroup *cgroup)
{
	int err = 0;

	if (cgroup->fd >= 0) {
		close(cgroup->fd);
		err = rmdir(cgroup->path) ? -errno : 0;
	}
	if (*cgroup->mount) {
		if (umount2(cgroup->mount, MNT_DETACH) && !err)
			err = -errno;
		rmdir(cgroup->mount);
	}
	*cgroup = (struct ns_cgroup){ .fd = -1 };
	return err;
}

bool module_is_loaded(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

bool module_is_out_of_tree(const char *name)
{
	char path[64], taint[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/%s/taint", name);
	file = fopen(path, "r");
	if (file && !fgets(taint, sizeof(taint), file))
		taint[0] = 0;
	if (file)
		fclose(file);
	return strchr(taint, 'O');
}

/* modprobe returns the path. finit_module(2) returns an errno. */
int module_open(const char *name)
{
	char command[128], line[4096], *path = NULL;
	bool built_in = false;
	FILE *out;

	snprintf(command, sizeof(command),
		 "modprobe --show-depends --ignore-install %s 2>/dev/null", name);
	out = popen(command, "r");
	while (out && fgets(line, sizeof(line), out)) {
		if (!strncmp(line, "insmod ", 7))
			path = strtok(line + 7, "\n ");
		else if (!strncmp(line, "builtin ", 8))
			built_in = true;
	}
	if (out)
		pclose(out);
	if (built_in)
		return -EEXIST;
	return path ? open(path, O_RDONLY | O_CLOEXEC) : -ENOENT;
}

void *module_read(const char *name, size_t *size)
{
	int fd = module_open(name);
	char *image = NULL;
	struct stat st;
	ssize_t got = 0;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st))
		image = malloc(st.st_size);
	for (*size = 0; image && *size < (size_t)st.st_size; *size += got) {
		got = read(fd, image + *size, st.st_size - *size);
		if (got <= 0) {
			free(image);
			image = NULL;
		}
	}
	close(fd);
	return image;
}

int module_load_image(const void *image, size_t size)
{
	return syscall(SYS_init_module, image, size, "") ? -errno : 0;
}

int module_load_fd(int fd, const char *params)
{
	int flags = 0;
	__u8 magic[4];

	if (pread(fd, magic, 4, 0) != 4)
		return -EIO;
	if (memcmp(magic, "\177ELF", 4))
		flags = MODULE_INIT_COMPRESSED_FILE;
	return syscall(SYS_finit_module, fd, params ?: "", flags) ? -errno : 0;
}

/* As module_open(). Keeps the result, since modprobe is slow. */
static int module_file(const char *name)
{
	static char cached_name[32];
	static int cached = -ENOENT;

	if (cached == -ENOENT || strcmp(cached_name, name)) {
		if (cached >= 0)
			close(cached);
		cached = module_open(name);
		snprintf(cached_name, sizeof(cached_name), "%s", name);
	}
	return cached;
}

bool module_is_there(const char *name)
{
	int fd;

	if (module_is_loaded(name))
		return true;
	fd = module_file(name);
	return fd >= 0 || fd == -EEXIST;
}

bool module_is_built_in(const char *name)
{
	return !module_is_loaded(name) && module_file(name) == -EEXIST;
}

int module_load(const char *name, const char *params)
{
	int fd, err;

	if (module_is_loaded(name))
		return 0;
	fd = module_file(name);
	if (fd == -EEXIST && (!params || !*params))
		return 0;
	if (fd < 0)
		return fd;
	err = module_load_fd(fd, params);
	return err == -EEXIST ? 0 : err;
}

int module_unload_now(const char *name)
{
	if (syscall(SYS_delete_module, name, O_NONBLOCK))
		return errno != ENOENT ? -errno : module_is_built_in(name) ? -EEXIST : 0;
	return 0;
}

int module_unload(const char *name)
{
	time_t deadline = time(NULL) + 20;
	int err;

	for (;;) {
		err = module_unload_now(name);
		if (err != -EAGAIN || time(NULL) > deadline)
			return err;
		/* A closed program is freed after a grace period. */
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	}
}

int module_reload(const char *name, const char *params)
{
	/* The parameters of built-in code are those of the boot. */
	if (module_is_built_in(name))
		return module_load(name, params);
	return module_unload(name) ?: module_load(name, params);
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	lseek(fd, 0, SEEK_END);
	return fd;
}

bool klog_find(int klog, const char *text, char *line, size_t size)
{
	char record[8192], *start;
	ssize_t len;

	for (;;) {
		len = read(klog, record, sizeof(record) - 1);
		/*
		 * Newer messages have overwritten this one. Continue with them.
		 */
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			return false;
		record[len] = 0;
		start = strchr(record, ';');
		if (!start || !strstr(start, text))
			continue;
		start[1 + strcspn(start + 1, "\n")] = 0;
		if (line)
			snprintf(line, size, "%s", start + 1);
		return true;
	}
}

bool kernel_lacks(const char *option)
{
	char path[128], line[512];
	size_t len = strlen(option);
	struct utsname uts;
	gzFile config;
	bool has = false;

	config = gzopen("/proc/config.gz", "re");
	if (!config) {
		uname(&uts);
		snprintf(path, sizeof(path), "/boot/config-%s", uts.release);
		/* gzopen() also reads uncompressed files. */
		config = gzopen(path, "re");
	}
	if (!config)
		return false;
	while (!has && gzgets(config, line, sizeof(line)))
		has = !strncmp(line, option, len) && line[len] == '=';
	gzclose(config);
	return !has;
}

bool kernel_is_before(int version, int patchlevel)
{
	struct utsname name;
	int has[2] = {};

	uname(&name);
	if (sscanf(name.release, "%d.%d", &has[0], &has[1]) != 2)
		return false;
	return has[0] < version || (has[0] == version && has[1] < patchlevel);
}

bool kernel_has_bpf_lsm(void)
{
	__u32 size = 64 * sizeof(__u64);
	__u64 ids[64];
	long i, cnt;

	cnt = syscall(SYS_lsm_list_modules, ids, &size, 0);
	for (i = 0; i < cnt; i++)
		if (ids[i] == LSM_ID_BPF)
			return true;
	return false;
}

static const struct {
	const char *name;
	__u64 flag;
} types[] = {
	{ "cgroup", CLONE_NEWCGROUP },
	{ "ipc", CLONE_NEWIPC },
	{ "mnt", CLONE_NEWNS },
	{ "net", CLONE_NEWNET },
	{ "pid", CLONE_NEWPID },
	{ "time", CLONE_NEWTIME },
	{ "user", CLONE_NEWUSER },
	{ "uts", CLONE_NEWUTS },
};

void ns_names(__u64 flags, char *text, size_t size)
{
	size_t len = 0;

	text[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (flags & types[i].flag && len < size)
			len += snprintf(text + len, size - len, "%s%s",
					len ? "," : "", types[i].name);
}

void skip_all_without(const char *module)
{
	char path[64];

	if (geteuid()) {
		ksft_print_header();
		ksft_exit_skip("this needs root\n");
	}
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", types[i].name);
		if (access(path, F_OK)) {
			ksft_print_header();
			ksft_exit_skip("this kernel has no %s namespaces\n",
				       types[i].name);
		}
	}
	if (!module_is_there(module)) {
		ksft_print_header();
		ksft_exit_skip("there is no module %s\n", module);
	}
}

void skip_all_without_loadable(const char *module)
{
	skip_all_without(module);
	if (module_is_built_in(module)) {
		ksft_print_header();
		ksft_exit_skip("%s is built in\n", module);
	}
}
