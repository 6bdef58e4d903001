// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic, by net namespace.
 *
 * A BPF program on each device of each namespace that has a name in /run/netns,
 * and of the one that nstop is in, asks bpf_skb_netns_ident() of every packet
 * in which namespace it is. Two sources are put beside that: stat(2) and
 * NS_GET_ID on the namespaces' files, and what the devices themselves count.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/nsfs.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nstop_user.h"
#include "nstop_net.skel.h"	/* after what it is about */

#define NAMES	"/run/netns"	/* where ip-netns(8) keeps the files */
#define SELF	"/proc/thread-self/ns/net"
#define DEVICES	"/proc/thread-self/net/dev"

#define MAX_LINKS	64	/* on one side of a device, BPF_MPROG_MAX */
#define MAX_NOTES	10	/* names that are skipped, per round */

/* A device that packets are counted on. */
struct device {
	unsigned int ifindex;		/* others may have had it, or will */
	int links[NSTOP_NR_DIRECTIONS];
	__u32 link_id;			/* of that for what is received */
	bool new;			/* what it has counted is not known */
	struct nstop_traffic counted;	/* by itself, ever since */
	bool seen;			/* when the namespace was last looked at */
};

/* A row of the table. */
struct netns {
	struct bpf_ns_ident ident;
	char *name;			/* in NAMES, NULL: has none */
	struct device *devices;
	size_t nr_devices;
	struct nstop_traffic told;	/* by the BPF program, ever since */
	bool stat;			/* there is a file that says so */

	/* This round only. */
	struct nstop_traffic bpf;
	struct nstop_traffic link;
	bool seen;
};

static struct netns **rows;
static size_t nr_rows;

/*
 * A device went to where nstop does not look, if it is anywhere: in this round,
 * or in the one before. Packets that it has counted after nstop had read the
 * counters, and before it looked for devices, are in the next round.
 */
static bool moved, moved_before;

/* Devices in this round for whose links there was no room. */
static unsigned int not_counted;

/* Names of what else there is in NAMES in this round: those of the first ones. */
static char *skipped[MAX_NOTES];
static size_t nr_skipped;

static int own_fd;
static struct bpf_ns_ident own;
static int prog_fds[NSTOP_NR_DIRECTIONS];

static struct netns *get_row(const struct bpf_ns_ident *ident)
{
	struct netns *ns;
	size_t i;

	for (i = 0; i < nr_rows; i++)
		if (same_ident(&rows[i]->ident, ident))
			return rows[i];

	ns = calloc(1, sizeof(*ns));
	if (!ns)
		err(EXIT_ERROR, "out of memory");
	ns->ident = *ident;
	rows = grow(rows, nr_rows, sizeof(*rows));
	rows[nr_rows++] = ns;
	return ns;
}

static const char *name_of(const struct netns *ns)
{
	if (ns->name)
		return ns->name;
	return same_ident(&own, &ns->ident) ? "(this one)" : "-";
}

static void detach(struct device *device)
{
	int i;

	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++)
		if (device->links[i] >= 0)
			close(device->links[i]);
}

/* Is it the device that has its number in the namespace this process is in? */
static bool is_here(const struct device *device)
{
	__u32 prog_ids[MAX_LINKS], link_ids[MAX_LINKS], i;
	struct bpf_prog_query_opts opts = {
		.sz = sizeof(opts),
		.prog_ids = prog_ids,
		.link_ids = link_ids,
		.count = MAX_LINKS,
	};

	/* Fails if there is no such device, or none of these links on it. */
	if (bpf_prog_query_opts(device->ifindex, BPF_TCX_INGRESS, &opts))
		return false;
	for (i = 0; i < opts.count; i++)
		if (link_ids[i] == device->link_id)
			return true;
	return false;
}

/*
 * Can the links of one more device be open, besides what is open for a moment?
 * A new file gets the lowest number that is free.
 */
static bool has_room(void)
{
	__u64 needed = NSTOP_NR_DIRECTIONS + FILES_FOR_A_MOMENT;
	int fd;

	fd = fcntl(own_fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return false;
	close(fd);
	return fd + needed <= max_files();
}

/* Returns false if the device is gone, or there is no room for its links. */
static bool attach(struct device *device, const struct netns *ns,
		   const char *name)
{
	static const enum bpf_attach_type types[NSTOP_NR_DIRECTIONS] = {
		[NSTOP_RX] = BPF_TCX_INGRESS,
		[NSTOP_TX] = BPF_TCX_EGRESS,
	};
	/* Before those that may drop the packet. */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int i;

	if (!has_room()) {
		not_counted++;
		return false;
	}
	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++)
		device->links[i] = -1;
	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++) {
		device->links[i] = bpf_link_create(prog_fds[i], device->ifindex,
						   types[i], &opts);
		if (device->links[i] >= 0)
			continue;
		if (errno != ENODEV)
			err(EXIT_ERROR, "device %s of net namespace %s",
			    name, name_of(ns));
		detach(device);
		return false;
	}
	if (bpf_link_get_info_by_fd(device->links[NSTOP_RX], &info, &len))
		err(EXIT_ERROR, "device %s of net namespace %s", name,
		    name_of(ns));
	device->link_id = info.id;
	return true;
}

static struct device *get_device(struct netns *ns, unsigned int ifindex)
{
	size_t i;

	for (i = 0; i < ns->nr_devices; i++)
		if (ns->devices[i].ifindex == ifindex)
			return &ns->devices[i];
	return NULL;
}

static void add_traffic(struct nstop_traffic *sum,
			const struct nstop_traffic *now,
			const struct nstop_traffic *before)
{
	int i;

	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++) {
		sum->packets[i] += now->packets[i] - before->packets[i];
		sum->bytes[i] += now->bytes[i] - before->bytes[i];
	}
}

static void forget_device(struct netns *ns, struct device *device)
{
	moved = true;
	detach(device);
	*device = ns->devices[--ns->nr_devices];
}

/* Has the packets counted of devices that are new here. */
static void add_devices(struct netns *ns)
{
	struct if_nameindex *names, *name;
	struct device *device;

	names = if_nameindex();
	if (!names)
		err(EXIT_ERROR, "devices of net namespace %s", name_of(ns));
	for (name = names; name->if_index; name++) {
		struct device new = { .ifindex = name->if_index, .new = true };

		device = get_device(ns, name->if_index);
		if (device && is_here(device))
			continue;
		if (device)
			forget_device(ns, device);
		if (!attach(&new, ns, name->if_name))
			continue;
		ns->devices = grow(ns->devices, ns->nr_devices, sizeof(new));
		ns->devices[ns->nr_devices++] = new;
	}
	if_freenameindex(names);
}

/* Is looked at after it was counted, so it is the one that has counted that. */
static void look_at_device(struct netns *ns, const char *name,
			   const struct nstop_traffic *counted)
{
	struct device *device = get_device(ns, if_nametoindex(name));

	if (!device || !is_here(device))
		return;
	if (!device->new)
		add_traffic(&ns->link, counted, &device->counted);
	device->counted = *counted;
	device->new = false;
	device->seen = true;
}

/* Reads what the devices of the namespace that this process is in count. */
static void read_devices(struct netns *ns)
{
	struct nstop_traffic counted;
	char *name, *numbers, *line = NULL;
	size_t size = 0;
	FILE *f;

	f = fopen(DEVICES, "re");
	if (!f)
		err(EXIT_ERROR, DEVICES);
	while (getline(&line, &size, f) > 0) {
		/* Two lines of headings have none. */
		numbers = strchr(line, ':');
		if (!numbers)
			continue;
		*numbers++ = '\0';
		name = line + strspn(line, " ");
		if (sscanf(numbers,
			   "%llu %llu %*u %*u %*u %*u %*u %*u %llu %llu",
			   &counted.bytes[NSTOP_RX], &counted.packets[NSTOP_RX],
			   &counted.bytes[NSTOP_TX],
			   &counted.packets[NSTOP_TX]) != 4)
			errx(EXIT_ERROR, "cannot make sense of " DEVICES);
		look_at_device(ns, name, &counted);
	}
	if (ferror(f))
		err(EXIT_ERROR, DEVICES);
	free(line);
	fclose(f);
}

static void look_at_netns(int fd, const char *name)
{
	struct bpf_ns_ident ident;
	struct netns *ns;
	size_t i;

	if (fd_ident(fd, &ident))
		err(EXIT_ERROR, "net namespace %s", name ? name : "of nstop");
	ns = get_row(&ident);
	ns->stat = true;
	if (name && !ns->name) {
		ns->name = strdup(name);
		if (!ns->name)
			err(EXIT_ERROR, "out of memory");
		make_printable(ns->name);
	}
	if (ns->seen)
		return;
	ns->seen = true;

	if (setns(fd, CLONE_NEWNET))
		err(EXIT_ERROR, "cannot enter net namespace %s", name_of(ns));
	for (i = 0; i < ns->nr_devices; i++)
		ns->devices[i].seen = false;
	add_devices(ns);
	read_devices(ns);
	if (setns(own_fd, CLONE_NEWNET))
		err(EXIT_ERROR, "cannot return to the own net namespace");

	for (i = ns->nr_devices; i-- > 0;)
		if (!ns->devices[i].seen)
			forget_device(ns, &ns->devices[i]);
}

static void skip(const char *name)
{
	if (nr_skipped < MAX_NOTES) {
		skipped[nr_skipped] = strdup(name);
		if (!skipped[nr_skipped])
			err(EXIT_ERROR, "out of memory");
		make_printable(skipped[nr_skipped]);
	}
	nr_skipped++;
}

/*
 * Opens the file of a net namespace. What is not of nsfs is not opened: that
 * may block, as a FIFO does, or have an effect, as a device may. Returns -1 if
 * it is none.
 */
static int open_netns(int dir, const char *name)
{
	struct statfs fs;
	char path[64];
	int fd, found;

	found = openat(dir, name, O_PATH | O_CLOEXEC);
	if (found < 0)
		return -1;
	if (fstatfs(found, &fs) || fs.f_type != NSFS_MAGIC) {
		close(found);
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/thread-self/fd/%d", found);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(EXIT_ERROR, NAMES "/%s: %s", name, path);
	close(found);
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return -1;
	}
	return fd;
}

static void look_at_name(int dir, const char *name)
{
	struct stat st;
	int fd;

	fd = open_netns(dir, name);
	if (fd >= 0) {
		look_at_netns(fd, name);
		close(fd);
	} else if (!fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		/* It is not gone. New names are ordinary files for a moment. */
		skip(name);
	}
}

/*
 * The files are not kept open, since that would keep alive what others delete.
 * What is new is counted from here on.
 */
static void look_at_all(void)
{
	struct dirent *de;
	DIR *dir;

	dir = opendir(NAMES);
	if (!dir && errno != ENOENT)
		err(EXIT_ERROR, NAMES);
	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			look_at_name(dirfd(dir), de->d_name);
	if (dir)
		closedir(dir);
	/* The last one, since it may have a name. */
	look_at_netns(own_fd, NULL);
}

static void read_traffic(int map)
{
	struct bpf_ns_ident key, *prev = NULL;
	struct nstop_traffic told;
	struct netns *ns;

	while (!bpf_map_get_next_key(map, prev, &key)) {
		prev = &key;
		read_percpu(map, &key, (__u64 *)&told,
			    sizeof(told) / sizeof(__u64));
		ns = get_row(&key);
		add_traffic(&ns->bpf, &told, &ns->told);
		ns->told = told;
	}
	if (errno != ENOENT)
		err(EXIT_ERROR, "reading the counters");
}

static bool has_packets(const struct nstop_traffic *traffic)
{
	return traffic->packets[NSTOP_RX] || traffic->packets[NSTOP_TX];
}

static bool is_mismatch(const struct netns *ns)
{
	return has_packets(&ns->bpf) && !ns->stat && !moved && !moved_before;
}

static const char *verdict(const struct netns *ns)
{
	if (!has_packets(&ns->bpf))
		return "-";
	if (ns->stat)
		return "match";
	return is_mismatch(ns) ? "MISMATCH" : "moved";
}

static int cmp_rows(const void *a, const void *b)
{
	const struct netns *x = *(struct netns **)a;
	const struct netns *y = *(struct netns **)b;

	return x->ident.id < y->ident.id ? -1 : x->ident.id > y->ident.id;
}

static void print_table(double secs)
{
	static const char *const names[NSTOP_NR_DIRECTIONS] = {
		[NSTOP_RX] = "RX",
		[NSTOP_TX] = "TX",
	};
	int dev = strlen("ST_DEV"), ino = strlen("ST_INO"), id = strlen("ID");
	int packets = strlen("PACKETS"), bytes = strlen("BYTES");
	int name = strlen("NAME");
	const struct netns *ns;
	size_t i;
	int way;

	for (i = 0; i < nr_rows; i++) {
		ns = rows[i];
		widen(&dev, ns->ident.dev);
		widen(&ino, ns->ident.ino);
		widen(&id, ns->ident.id);
		name = MAX(name, (int)strlen(name_of(ns)));
		for (way = 0; way < NSTOP_NR_DIRECTIONS; way++) {
			widen(&packets, ns->bpf.packets[way]);
			widen(&packets, ns->link.packets[way]);
			widen(&bytes, ns->bpf.bytes[way]);
			widen(&bytes, ns->link.bytes[way]);
		}
	}

	printf("Traffic in %.1f s, by the net namespace that " SKB_KFUNC "() gives.\n",
	       secs);
	printf("STAT(2): is the identity that of a file in " NAMES ", by stat(2) and NS_GET_ID?\n");
	printf("BY LINK: as the devices of the namespace have counted, see 'ip -s link'.\n");
	printf("\n%*s %*s %*s %-8s  %-*s     %*s %*s  %*s %*s\n", dev, "ST_DEV",
	       ino, "ST_INO", id, "ID", "STAT(2)", name, "NAME", packets,
	       "PACKETS", packets, "BY LINK", bytes, "BYTES",
	       MAX(bytes, (int)strlen("BY LINK")), "BY LINK");
	for (i = 0; i < nr_rows; i++) {
		ns = rows[i];
		printf("%*llu %*llu %*llu %-8s  %-*s", dev, ns->ident.dev, ino,
		       ns->ident.ino, id, ns->ident.id, verdict(ns), name,
		       name_of(ns));
		for (way = 0; way < NSTOP_NR_DIRECTIONS; way++) {
			if (way)
				printf("%*s", dev + ino + id + name + 13, "");
			printf("  %s %*llu %*llu  %*llu %*llu\n", names[way],
			       packets, ns->bpf.packets[way],
			       packets, ns->link.packets[way],
			       bytes, ns->bpf.bytes[way],
			       MAX(bytes, (int)strlen("BY LINK")),
			       ns->link.bytes[way]);
		}
	}
	printf("\n");
}

/* Returns how many are a mismatch. */
static unsigned int print_summary(void)
{
	unsigned int matches = 0, mismatches = 0, elsewhere = 0;
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		if (!has_packets(&rows[i]->bpf))
			continue;
		if (rows[i]->stat)
			matches++;
		else if (is_mismatch(rows[i]))
			mismatches++;
		else
			elsewhere++;
	}

	printf("%zu net namespace%s: %u match, %u mismatch", nr_rows,
	       nr_rows == 1 ? "" : "s", matches, mismatches);
	if (elsewhere)
		printf(", %u moved", elsewhere);
	if (matches + mismatches + elsewhere < nr_rows)
		printf(", %zu without packets",
		       nr_rows - matches - mismatches - elsewhere);
	printf("\n");
	return mismatches;
}

static void print_skipped(void)
{
	size_t i;

	for (i = 0; i < nr_skipped && i < MAX_NOTES; i++)
		printf("SKIPPED: " NAMES "/%s is not a net namespace\n",
		       skipped[i]);
	if (nr_skipped > MAX_NOTES)
		printf("SKIPPED: and %zu more names\n", nr_skipped - MAX_NOTES);
}

/* Whatever is not in the table. The counters only grow: print what is new. */
static void print_lost(const struct nstop_lost *lost)
{
	const struct nstop_lost now = *lost;
	static struct nstop_lost was;

	if (not_counted)
		printf("LOST: %u device%s not counted, no more than %llu files can be open: %s\n",
		       not_counted, not_counted == 1 ? "" : "s", max_files(),
		       RAISE_FILES);
	if (now.ns_full != was.ns_full)
		printf("LOST: %llu packets not counted, no room for more than %d namespaces\n",
		       now.ns_full - was.ns_full, NSTOP_MAX_NS);
	if (now.no_ident != was.no_ident)
		printf("LOST: %llu packets that " SKB_KFUNC "() has no answer for\n",
		       now.no_ident - was.no_ident);
	was = now;
}

static void start_round(void)
{
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		memset(&rows[i]->bpf, 0, sizeof(rows[i]->bpf));
		memset(&rows[i]->link, 0, sizeof(rows[i]->link));
		rows[i]->seen = false;
	}
	while (nr_skipped > 0)
		if (--nr_skipped < MAX_NOTES)
			free(skipped[nr_skipped]);
	not_counted = 0;
	moved_before = moved;
	moved = false;
}

/* Those of which there is no file any more, or never was. */
static void forget_rows(int map)
{
	size_t i, kept = 0;
	struct netns *ns;

	for (i = 0; i < nr_rows; i++) {
		ns = rows[i];
		if (ns->seen) {
			rows[kept++] = ns;
			continue;
		}
		while (ns->nr_devices)
			detach(&ns->devices[--ns->nr_devices]);
		bpf_map_delete_elem(map, &ns->ident);
		free(ns->devices);
		free(ns->name);
		free(ns);
	}
	nr_rows = kept;
}

static struct nstop_net_bpf *load(void)
{
	struct nstop_net_bpf *skel;
	int ret;

	skel = nstop_net_bpf__open();
	if (!skel)
		err(EXIT_ERROR, "cannot open the BPF programs");
	set_log(skel->progs.count_rx);
	set_log(skel->progs.count_tx);
	ret = nstop_net_bpf__load(skel);
	if (ret) {
		explain(-ret, SKB_KFUNC,
			"CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN");
		exit(EXIT_ERROR);
	}
	prog_fds[NSTOP_RX] = bpf_program__fd(skel->progs.count_rx);
	prog_fds[NSTOP_TX] = bpf_program__fd(skel->progs.count_tx);
	return skel;
}

void nstop_net(void)
{
	struct nstop_net_bpf *skel;
	double start, now;
	int map;

	skel = load();
	map = bpf_map__fd(skel->maps.traffic);
	own_fd = open(SELF, O_RDONLY | O_CLOEXEC);
	if (own_fd < 0 || fd_ident(own_fd, &own))
		err(EXIT_ERROR, SELF);
	check_files();
	look_at_all();
	start_round();
	start = seconds();

	for (;;) {
		wait_round();
		/* A device that has moved by then is missing when looked for. */
		read_traffic(map);
		look_at_all();
		now = seconds();
		qsort(rows, nr_rows, sizeof(*rows), cmp_rows);

		start_table();
		print_table(now - start);
		if (print_summary())
			found_mismatch();
		print_skipped();
		print_lost(&skel->bss->lost);
		end_table();
		if (opt.once)
			break;

		forget_rows(map);
		start_round();
		start = now;
	}
	nstop_net_bpf__destroy(skel);
}
