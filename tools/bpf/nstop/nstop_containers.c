// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the name of a container by the cgroup of a process, since the kernel
 * itself has no containers. container_names.tbl has the rules. Names that are
 * not in the path come from files of container runtimes and of the kubelet.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nstop_containers.h"

#define ID_LEN		64	/* digits of an id */
#define HOST_LEN	12	/* digits of it that podman takes for a hostname */
#define HEX		"0123456789abcdef"
#define NAME_CHARS	"_.+:@-"

#define MAX_LEN		(16 * 1024 * 1024)	/* of a file */
#define MAX_USER_LEN	(1024 * 1024)		/* of one that is not root's */
#define NO_UID		((uid_t)-1)

/* Reading the lists of podman takes at most one in so many seconds. */
#define LISTS_SHARE	20

#define NR(array)	(sizeof(array) / sizeof(*(array)))

static const struct rule {
	const char *pattern, *runtime, *proof;
} rules[] = {
#include "container_names.h"
};

/*
 * The lists of podman, of root and of others: containers.json, and
 * volatile-containers.json for containers that go when they end (--rm), which
 * is below /run if all of them do (transient storage).
 */
#define LIST "/{overlay,vfs}-containers/{,volatile-}containers.json"
static const char *const podman_lists[] = {
	"/var/lib/containers/storage" LIST,
	"/run/containers/storage" LIST,
	"/home/*/.local/share/containers/storage" LIST,
	"/run/user/*/containers" LIST,
};

/* The OCI configuration of a container, by its id. */
static const char *const oci_configs[] = {
	"/run/containerd/io.containerd.runtime.v2.task/*/%s/config.json",
	"/run/containers/storage/overlay-containers/%s/userdata/config.json",
};

/* The annotations with a container's name, its pod and the pod's namespace. */
static const char *const annotations[][3] = {
	{ "io.kubernetes.cri.container-name", "io.kubernetes.cri.sandbox-name",
	  "io.kubernetes.cri.sandbox-namespace" },
	{ "io.kubernetes.container.name", "io.kubernetes.pod.name",
	  "io.kubernetes.pod.namespace" },
	{ "nerdctl/name" },
};

/* A rule and the part of a path that it matches. */
struct match {
	const struct rule *rule;
	const char *id;
	size_t id_len;
	const char *end;	/* of the components that the rule matches */
	uid_t user;		/* the owner of their names, NO_UID for the system */
};

/*
 * Returns the text of a file, for the caller to free, or NULL. Users own some of
 * these files: a FIFO or a file with a lease would block, a link may lead to a
 * device, and a file may never end.
 */
static char *read_file(int dir, const char *path, size_t *len, struct stat *st)
{
	size_t size = 0, max;
	char *buf = NULL;
	ssize_t got;
	int fd;

	*len = 0;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW |
			       O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, st) || !S_ISREG(st->st_mode)) {
		close(fd);
		return NULL;
	}
	max = st->st_uid ? MAX_USER_LEN : MAX_LEN;
	do {
		if (size - *len < 2) {
			size += size / 2 + 4096;
			buf = realloc(buf, size);
			if (!buf)
				break;
		}
		got = read(fd, buf + *len, size - *len - 1);
		if (got > 0)
			*len += got;
	} while (got > 0 && *len < max);
	close(fd);
	if (buf)
		buf[*len] = '\0';
	return buf;
}

/*
 * A reader of JSON that finds a member at its own depth, never inside of a string
 * or of another object. Each function returns NULL where the text is not JSON.
 */

static const char *skip_space(const char *at)
{
	return at ? at + strspn(at, " \t\r\n") : NULL;
}

static const char *skip_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		if (*at == '\\' && at[1])
			at++;
	return *at ? at + 1 : NULL;
}

static const char *skip_value(const char *at)
{
	int depth = 0;

	do {
		if (*at == '"') {
			at = skip_string(at);
			if (!at)
				return NULL;
			continue;
		}
		if (!*at)
			return NULL;
		if (!depth && strchr(",]}", *at))
			return at;
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
		at++;
	} while (depth || !strchr(",]}", *at));
	return at;
}

/* The value of a member of the object at @at. */
static const char *member(const char *at, const char *key)
{
	size_t len = strlen(key);
	const char *name;
	bool found;

	at = skip_space(at);
	if (!at || *at != '{')
		return NULL;
	do {
		name = skip_space(at + 1);
		if (*name != '"')
			return NULL;
		at = skip_string(name++);
		found = at && (size_t)(at - name) == len + 1 &&
			!strncmp(name, key, len);
		at = skip_space(at);
		if (!at || *at != ':')
			return NULL;
		at = skip_space(at + 1);
		if (found)
			return at;
		at = skip_space(skip_value(at));
	} while (at && *at == ',');
	return NULL;
}

/* The first element of the array at @at, or the next one if @at is behind one. */
static const char *element(const char *at)
{
	at = skip_space(at);
	if (!at || (*at != '[' && *at != ','))
		return NULL;
	at = skip_space(at + 1);
	return *at == ']' ? NULL : at;
}

/* The number of bytes at @at that runtimes accept in a name. */
static size_t name_len(const char *at)
{
	size_t len = 0;

	if (!isalnum((unsigned char)*at))
		return 0;
	while (isalnum((unsigned char)at[len]) ||
	       (at[len] && strchr(NAME_CHARS, at[len])))
		len++;
	return len;
}

static void copy(char to[CONTAINER_ID_LEN], const char *from, size_t len)
{
	if (len >= CONTAINER_ID_LEN)
		len = CONTAINER_ID_LEN - 1;
	memcpy(to, from, len);
	to[len] = '\0';
}

/* Copies the string at @at if runtimes accept it as a name. */
static bool copy_name(const char *at, char to[CONTAINER_ID_LEN])
{
	size_t len;

	if (!at || *at != '"')
		return false;
	/* Names of Docker begin with a slash. */
	at += at[1] == '/' ? 2 : 1;
	len = name_len(at);
	if (!len || at[len] != '"')
		return false;
	copy(to, at, len);
	return true;
}

static struct list {
	struct list *next;
	struct stat st;
	char *text;
	char path[];
} *lists;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static struct list *add_list(const char *path)
{
	struct list **at, *list;

	for (at = &lists; *at; at = &(*at)->next)
		if (!strcmp((*at)->path, path))
			return *at;
	list = calloc(1, sizeof(*list) + strlen(path) + 1);
	if (list) {
		strcpy(list->path, path);
		*at = list;
	}
	return list;
}

/*
 * Reads the lists that have changed. Users can change their lists all the time,
 * so the time between two runs follows from the time that a run takes.
 */
static void refresh_lists(const char *root)
{
	static double next;
	double start = now();
	char path[PATH_MAX];
	struct list *list;
	struct stat st;
	glob_t found;
	size_t i, j, len;

	if (start < next)
		return;
	for (list = lists; list; list = list->next) {
		if (!lstat(list->path, &st))
			continue;
		free(list->text);
		list->text = NULL;
		memset(&list->st, 0, sizeof(list->st));
	}
	for (i = 0; i < NR(podman_lists); i++) {
		snprintf(path, sizeof(path), "%s%s", root, podman_lists[i]);
		if (glob(path, GLOB_BRACE, NULL, &found))
			continue;
		for (j = 0; j < found.gl_pathc; j++) {
			list = add_list(found.gl_pathv[j]);
			if (!list || lstat(list->path, &st) ||
			    same_file(&st, &list->st))
				continue;
			free(list->text);
			list->text = read_file(AT_FDCWD, list->path, &len, &list->st);
			/* A list that cannot be read is not read again, either. */
			if (!list->text)
				list->st = st;
		}
		globfree(&found);
	}
	next = now() + LISTS_SHARE * (now() - start);
}

/*
 * Finds the container with an id that begins with @id, in the lists of @user,
 * or in all lists if @user is NO_UID.
 */
static bool find_in_lists(const char *root, const char *id, uid_t user,
			  struct container *container)
{
	size_t len = strlen(id);
	const struct list *list;
	const char *at, *whole;

	refresh_lists(root);
	for (list = lists; list; list = list->next) {
		if (!list->text || (user != NO_UID && list->st.st_uid != user))
			continue;
		for (at = element(list->text); at;
		     at = element(skip_space(skip_value(at)))) {
			whole = member(at, "id");
			if (!whole || strncmp(whole + 1, id, len) ||
			    !copy_name(whole, container->id))
				continue;
			copy_name(element(member(at, "names")), container->name);
			return true;
		}
	}
	return false;
}

/* By the link of the kubelet: POD_NAMESPACE_NAME-ID.log */
static bool find_by_kubelet(const char *root, struct container *container)
{
	char path[PATH_MAX], *pod, *namespace, *name, *end;
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/var/log/containers", root);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		pod = entry->d_name;
		end = strstr(pod, container->id);
		if (!end || end == pod || end[-1] != '-' ||
		    strcmp(end + strlen(container->id), ".log"))
			continue;
		end[-1] = '\0';
		namespace = strchr(pod, '_');
		name = namespace ? strchr(namespace + 1, '_') : NULL;
		if (!name)
			continue;
		copy(container->pod, pod, namespace - pod);
		copy(container->namespace, namespace + 1, name - namespace - 1);
		copy(container->name, name + 1, strlen(name + 1));
		found = true;
	}
	closedir(dir);
	return found;
}

static bool name_by_annotations(const char *text, struct container *container)
{
	const char *all = member(text, "annotations");
	const char *const *keys;
	bool found = false;
	size_t i;

	for (i = 0; i < NR(annotations) && !found; i++) {
		keys = annotations[i];
		found = copy_name(member(all, keys[0]), container->name);
		/* The sandbox of a pod has no name of its own. */
		if (keys[1] && copy_name(member(all, keys[1]), container->pod))
			found = copy_name(member(all, keys[2]),
					  container->namespace);
	}
	return found;
}

static bool find_by_annotations(const char *root, struct container *container)
{
	char pattern[PATH_MAX], path[PATH_MAX], *text;
	bool found = false;
	struct stat st;
	glob_t paths;
	size_t i, j, len;

	for (i = 0; i < NR(oci_configs) && !found; i++) {
		snprintf(pattern, sizeof(pattern), oci_configs[i], container->id);
		snprintf(path, sizeof(path), "%s%s", root, pattern);
		if (glob(path, 0, NULL, &paths))
			continue;
		for (j = 0; j < paths.gl_pathc && !found; j++) {
			text = read_file(AT_FDCWD, paths.gl_pathv[j], &len, &st);
			found = text && name_by_annotations(text, container);
			free(text);
		}
		globfree(&paths);
	}
	return found;
}

static void find_by_docker(const char *root, struct container *container)
{
	char path[PATH_MAX], *text;
	struct stat st;
	size_t len;

	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/config.v2.json",
		 root, container->id);
	text = read_file(AT_FDCWD, path, &len, &st);
	if (text && copy_name(member(text, "Name"), container->name))
		container->runtime = "docker";
	free(text);
}

/* @user owns the name of the cgroup, or the system does if @user is NO_UID. */
static void find_name(const char *root, uid_t user, struct container *container)
{
	if (strlen(container->id) != ID_LEN)
		return;
	if (!strcmp(container->runtime, "podman")) {
		find_in_lists(root, container->id, user == NO_UID ? 0 : user,
			      container);
		return;
	}
	/* Users have no kubelet, and no containerd that keeps files there. */
	if (user == NO_UID && !find_by_kubelet(root, container) &&
	    !find_by_annotations(root, container) &&
	    (!strcmp(container->runtime, "docker") ||
	     !strcmp(container->runtime, "?")))
		find_by_docker(root, container);
}

static bool ends_component(const char *at)
{
	return !*at || *at == '/';
}

/* Whether the component from @start, or from behind it, to @end is a unit. */
static bool is_unit(const char *start, const char *end)
{
	static const char *const units[] = {
		".service", ".slice", ".scope", ".socket", ".mount", ".swap",
	};
	size_t i, len;

	for (i = 0; i < NR(units); i++) {
		len = strlen(units[i]);
		if ((size_t)(end - start) >= len && !strncmp(end - len, units[i], len))
			return true;
	}
	return false;
}

/* Compares @at with the rest of a pattern, which began to match at @start. */
static bool compare(const char *pattern, const char *start, const char *at,
		    struct match *match)
{
	struct match inner;
	size_t len, min;

	if (!*pattern) {
		match->end = at;
		return ends_component(at);
	}
	if (!strncmp(pattern, "{id}", 4)) {
		if (strspn(at, HEX) != ID_LEN)
			return false;
		len = min = ID_LEN;
		pattern += 4;
	} else if (!strncmp(pattern, "{name}", 6)) {
		len = name_len(at);
		min = 1;
		pattern += 6;
	} else if (*pattern == '*') {
		len = strcspn(at, "/");
		min = 1;
		pattern++;
	} else {
		return *pattern == *at &&
		       compare(pattern + 1, start, at + 1, match);
	}
	for (; len >= min; len--) {
		inner = *match;
		if (pattern[-1] == '}') {
			if (ends_component(pattern) && is_unit(start, at + len))
				continue;
			inner.id = at;
			inner.id_len = len;
		}
		if (compare(pattern, start, at + len, &inner)) {
			*match = inner;
			return true;
		}
	}
	return false;
}

/* Whether the proof of a match is there: see container_names.tbl. */
static bool is_proved(const char *root, const struct match *match)
{
	const char *proof = match->rule->proof, *line, *hole;
	char path[PATH_MAX], *text, *at;
	bool proved = false;
	struct stat st;
	size_t len;

	if (*proof != '/')
		return true;
	line = strchrnul(proof, ':');
	hole = strstr(proof, "{name}");
	snprintf(path, sizeof(path), "%s%.*s%.*s", root,
		 (int)(hole ? hole - proof : line - proof), proof,
		 hole ? (int)match->id_len : 0, match->id);
	if (!*line)
		return !access(path, F_OK);
	text = read_file(AT_FDCWD, path, &len, &st);
	line++;
	for (at = text; at && !proved; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
		proved = strcspn(at, "\n") == strlen(line) &&
			 !strncmp(at, line, strlen(line));
	free(text);
	return proved;
}

/*
 * Finds the outermost match in @path. If @root is NULL, only by rules without a
 * file.
 */
static bool find_match(const char *root, const char *path, struct match *match)
{
	char name[CONTAINER_ID_LEN];
	const struct rule *rule;
	const char *at = path;

	match->user = NO_UID;
	while (*at) {
		for (rule = rules; rule < rules + NR(rules); rule++) {
			if (!root && *rule->proof == '/')
				continue;
			match->rule = rule;
			match->id = NULL;
			if (!compare(rule->pattern, at, at, match) ||
			    (root && !is_proved(root, match)))
				continue;
			if (strcmp(rule->runtime, "user"))
				return strcmp(rule->runtime, "-");
			copy(name, match->id, match->id_len);
			match->user = strtoul(name, NULL, 10);
			break;
		}
		at += strcspn(at, "/");
		at += *at == '/';
	}
	return false;
}

/* Replaces each \xNN, which systemd writes for some characters. */
static void unescape(char *to, size_t size, const char *from)
{
	char *end = to + size - 1, hex[3] = {};
	unsigned long c;

	while (*from && to < end) {
		if (from[0] == '\\' && from[1] == 'x' &&
		    isxdigit((unsigned char)from[2]) &&
		    isxdigit((unsigned char)from[3])) {
			memcpy(hex, from + 2, 2);
			c = strtoul(hex, NULL, 16);
			if (c > ' ' && c < 0x7f && c != '/') {
				*to++ = c;
				from += 4;
				continue;
			}
		}
		*to++ = *from++;
	}
	*to = '\0';
}

bool container_of_path(const char *root, const char *path, bool nested,
		       struct container *container)
{
	struct match match, inner;
	char whole[PATH_MAX];
	const char *rest, *last;

	memset(container, 0, sizeof(*container));
	unescape(whole, sizeof(whole), path + (*path == '/'));
	if (!find_match(root, whole, &match))
		return false;
	container->runtime = match.rule->runtime;
	copy(container->id, match.id, match.id_len);
	container->guess = match.user != NO_UID ||
			   !strcmp(match.rule->proof, "guess");
	find_name(root, match.user, container);

	/* Inside of a container, files of this machine prove nothing. */
	rest = match.end + (*match.end == '/');
	last = strrchr(rest, '/');
	last = last ? last + 1 : rest;
	if (find_match(NULL, rest, &inner))
		snprintf(container->inside, sizeof(container->inside), "%s:%.*s",
			 inner.rule->runtime, (int)inner.id_len, inner.id);
	else if (nested)
		copy(container->inside, last, strlen(last));
	return true;
}

/*
 * Containers of users may have no cgroup of their own. The hostname that podman
 * gives a container is the beginning of its id.
 */
static bool find_by_hostname(int proc, struct container *container)
{
	const char *var, *host = NULL;
	struct stat st;
	bool found;
	size_t len;
	char *env;

	env = read_file(proc, "environ", &len, &st);
	if (!env)
		return false;
	for (var = env; var < env + len; var += strlen(var) + 1)
		if (!strncmp(var, "HOSTNAME=", 9))
			host = var + 9;
	found = host && strlen(host) == HOST_LEN &&
		strspn(host, HEX) == HOST_LEN &&
		find_in_lists("", host, NO_UID, container);
	free(env);
	if (!found)
		return false;
	container->runtime = "podman";
	container->guess = true;
	return true;
}

bool container_of_proc(int proc, bool nested, struct container *container)
{
	bool found = false;
	char *text, *path;
	struct stat st;
	size_t len;

	memset(container, 0, sizeof(*container));
	text = read_file(proc, "cgroup", &len, &st);
	/* The line of cgroup v2. */
	path = text ? strstr(text, "0::/") : NULL;
	if (path) {
		path += strlen("0::/");
		path[strcspn(path, "\n")] = '\0';
		found = container_of_path("", path, nested, container);
	}
	free(text);
	return found || find_by_hostname(proc, container);
}

void container_text(const struct container *container, char *text, size_t size)
{
	const struct container *c = container;
	bool pod = *c->pod;

	if (!*c->id) {
		snprintf(text, size, "-");
		return;
	}
	snprintf(text, size, "%s:%s%s%s%s%s%s%s%s", c->runtime, c->pod,
		 pod ? "_" : "", c->namespace, pod && *c->name ? "_" : "",
		 pod || *c->name ? c->name : c->id, c->guess ? "?" : "",
		 *c->inside ? "/" : "", c->inside);
}
