// SPDX-License-Identifier: GPL-2.0
/*
 * What the container of a process is called by the program that made it: the
 * kernel knows of namespaces only. The name is in that of the cgroup, and in
 * files that such programs keep.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nstop_user.h"

#define ID_LEN	12	/* of a hostname by podman */
#define MAX_LEN	(16 * 1024 * 1024)	/* of a file */

/* How the cgroup of a container is called. */
static const struct {
	const char *prefix, *runtime;
} prefixes[] = {
	{ "libpod-", "podman" },
	{ "crun-", "crun" },
	{ "runc-", "runc" },
	{ "docker-", "docker" },
	{ "cri-containerd-", "containerd" },
	{ "crio-", "cri-o" },
	{ "systemd-nspawn@", "systemd-nspawn" },
	{ "machine-", "systemd-machined" },
};

/* If it is called by the name alone, there is a directory of that name here. */
static const struct {
	const char *dir, *runtime;
} states[] = {
	{ "/run/crun", "crun" },
	{ "/run/runc", "runc" },
};

/*
 * The containers of podman, of root and of others: containers.json, and
 * volatile-containers.json for those that go when they end (--rm), which is
 * below /run if all of them do (transient storage).
 */
static const char *const podman_lists[] = {
	"/var/lib/containers/storage/*-containers/*containers.json",
	"/run/containers/storage/*-containers/*containers.json",
	"/home/*/.local/share/containers/storage/*-containers/*containers.json",
	"/run/user/*/containers/*-containers/*containers.json",
};

/*
 * Reads a file as a string that has to be freed, or returns NULL. Users put
 * there what they like: a FIFO or a file with a lease would block, a link may
 * lead to what must not be opened, and a file may never end.
 */
static char *read_file(int dir, const char *path, size_t *len)
{
	size_t size = 0;
	char *buf = NULL;
	struct stat st;
	ssize_t got;
	int fd;

	*len = 0;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
			       O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return NULL;
	}
	do {
		if (size - *len < 2) {
			size += 4096;
			buf = realloc(buf, size);
			if (!buf)
				break;
		}
		got = read(fd, buf + *len, size - *len - 1);
		if (got > 0)
			*len += got;
	} while (got > 0 && *len < MAX_LEN);
	close(fd);
	if (buf)
		buf[*len] = '\0';
	return buf;
}

static void set_name(char name[NSTOP_NAME_LEN], const char *runtime,
		     const char *id)
{
	snprintf(name, NSTOP_NAME_LEN, "%s:%s", runtime, id);
	make_printable(name);
}

/*
 * Looks for {"id":"ID","names":["NAME"],...}, which podman writes without any
 * spaces. @id may be the beginning of one.
 */
static bool podman_name(const char *id, char *name, size_t size)
{
	const char *at, *end, *next;
	char key[NAME_MAX];
	bool found = false;
	size_t i, j, len;
	glob_t list;
	char *text;

	snprintf(key, sizeof(key), "\"id\":\"%s", id);
	for (i = 0; i < sizeof(podman_lists) / sizeof(*podman_lists); i++) {
		if (glob(podman_lists[i], 0, NULL, &list))
			continue;
		for (j = 0; j < list.gl_pathc && !found; j++) {
			text = read_file(AT_FDCWD, list.gl_pathv[j], &len);
			at = text ? strstr(text, key) : NULL;
			/* One without a name has none of the next one. */
			next = at ? strstr(at, "},{\"id\":") : NULL;
			at = at ? strstr(at, "\"names\":[\"") : NULL;
			if (at && (!next || at < next)) {
				at += strlen("\"names\":[\"");
				end = at + strcspn(at, "\"");
				snprintf(name, size, "%.*s", (int)(end - at), at);
				found = true;
			}
			free(text);
		}
		globfree(&list);
	}
	return found;
}

/* systemd escapes what has a meaning in names of units. */
static void unescape(char *name)
{
	char *at;

	while ((at = strstr(name, "\\x2d"))) {
		*at = '-';
		memmove(at + 1, at + 4, strlen(at + 4) + 1);
	}
}

static bool cut_end(char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	if (len <= end_len || strcmp(name + len - end_len, end))
		return false;
	name[len - end_len] = '\0';
	return true;
}

/* By one component of the path of a cgroup. */
static bool name_of_cgroup(char *cgroup, char name[NSTOP_NAME_LEN])
{
	char path[PATH_MAX], found[NAME_MAX];
	const char *id;
	size_t i;

	unescape(cgroup);
	if (!cut_end(cgroup, ".scope"))
		cut_end(cgroup, ".service");
	/* That is what waits for the container. */
	if (!*cgroup || !strncmp(cgroup, "libpod-conmon-", 14))
		return false;

	for (i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(cgroup, prefixes[i].prefix, strlen(prefixes[i].prefix)))
			continue;
		id = cgroup + strlen(prefixes[i].prefix);
		if (!strcmp(prefixes[i].runtime, "podman") &&
		    podman_name(id, found, sizeof(found)))
			id = found;
		set_name(name, prefixes[i].runtime, id);
		return true;
	}

	for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
		snprintf(path, sizeof(path), "%s/%s", states[i].dir, cgroup);
		if (access(path, F_OK))
			continue;
		set_name(name, states[i].runtime, cgroup);
		return true;
	}
	return false;
}

/*
 * If it has no cgroup of its own, as those of users have none: podman gives it
 * the beginning of the id for a hostname.
 */
static bool name_of_environ(int proc, char name[NSTOP_NAME_LEN])
{
	const char *var, *host = NULL;
	char found[NAME_MAX];
	bool podman;
	size_t len;
	char *env;

	env = read_file(proc, "environ", &len);
	if (!env)
		return false;
	for (var = env; var < env + len; var += strlen(var) + 1)
		if (!strncmp(var, "HOSTNAME=", 9))
			host = var + 9;
	podman = host && strlen(host) == ID_LEN &&
		 strspn(host, "0123456789abcdef") == ID_LEN &&
		 podman_name(host, found, sizeof(found));
	if (podman)
		set_name(name, "podman", found);
	free(env);
	return podman;
}

void container_name(int proc, bool nested, char name[NSTOP_NAME_LEN])
{
	char *text, *path, *at, *last = NULL;
	bool found = false;
	size_t len;

	strcpy(name, "-");
	text = read_file(proc, "cgroup", &len);
	if (!text)
		return;
	/* Of cgroup v2. The innermost one first. */
	path = strstr(text, "0::/");
	if (path) {
		path += strlen("0::");
		path[strcspn(path, "\n")] = '\0';
		while (!found && (at = strrchr(path, '/'))) {
			found = name_of_cgroup(at + 1, name);
			/* What it is called by a runtime in there. */
			if (found && nested && last) {
				len = strlen(name);
				snprintf(name + len, NSTOP_NAME_LEN - len, "/%s",
					 last);
				make_printable(name);
			}
			if (!last)
				last = at + 1;
			*at = '\0';
		}
	}
	free(text);
	if (!found)
		name_of_environ(proc, name);
}
