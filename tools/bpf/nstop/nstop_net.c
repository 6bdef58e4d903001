// SPDX-License-Identifier: GPL-2.0
/*
 * Traffic, by net namespace.
 *
 * A BPF program on each device of each net namespace calls bpf_skb_netns_ident()
 * for each packet. nstop compares the identities with stat(2) and NS_GET_ID on
 * the namespaces' files, and shows the counters of the devices beside its own.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "nstop_net.h"
#include "nstop_net.skel.h"	/* after its types */

#define SELF	"/proc/thread-self/ns/net"
#define DEVICES	"/proc/thread-self/net/dev"

#define MAX_LINKS	64	/* on one side of a device, BPF_MPROG_MAX */
#define MAX_NOTES	10	/* about skipped devices and names, per round */

/* A device that packets are counted on. */
struct device {
	unsigned int ifindex;		/* a number that is reused */
	int links[NSTOP_NR_DIRECTIONS];
	__u32 link_id;			/* of the link for received packets */
	bool new;			/* its own counters are not read yet */
	struct nstop_traffic counted;	/* by the device, since it exists */
	bool seen;			/* when the namespace was last looked at */
};

/* A row of the table. */
struct netns {
	struct bpf_ns_ident ident;
	char *name;			/* escaped, NULL: has none */
	struct device *devices;
	size_t nr_devices;
	int prog_fds[NSTOP_NR_DIRECTIONS];	/* of its own programs, -1: none */
	struct nstop_traffic total;	/* by the BPF program, since the first packet */
	bool stat;			/* a file has this identity */

	/* This round only. */
	struct nstop_traffic bpf;
	struct nstop_traffic link;
	bool seen;
	size_t nr_counted;		/* devices */

	/* The oldest process that is in there, 0: none. */
	pid_t pid;
	__u64 start;
	char comm[NSTOP_COMM_LEN];
	char container[NSTOP_NAME_LEN];
};

static struct netns **rows;
static size_t nr_rows;

/*
 * A device has left its namespace: in this round, or in the one before. The next
 * round has the packets after nstop has read the counters, and before it looks
 * for devices.
 */
static bool moved, moved_before;

/* Devices of this round with links that exceed the limit of open files. */
static unsigned int not_counted;

/* The first errors of this round, each for a device or a namespace that is skipped. */
static char *skipped[MAX_NOTES];
static size_t nr_skipped;

static struct nstop_net_bpf *skel;
static int traffic_fd;
static double started;		/* when the round was */
static int own_fd;
static struct bpf_ns_ident own;
static bool nested;
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
	ns->prog_fds[NSTOP_RX] = -1;
	ns->prog_fds[NSTOP_TX] = -1;
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

__attribute__((format(printf, 1, 2)))
static void skip(const char *format, ...)
{
	va_list args;

	if (nr_skipped < MAX_NOTES) {
		va_start(args, format);
		if (vasprintf(&skipped[nr_skipped], format, args) < 0)
			err(EXIT_ERROR, "out of memory");
		va_end(args);
	}
	nr_skipped++;
}

/* The reason is in errno. */
static void skip_device(const struct netns *ns, const char *device)
{
	int error = errno;
	char *name = escaped(device, SIZE_MAX, false);

	skip("device %s of net namespace %s: %s", name, name_of(ns), strerror(error));
	free(name);
}

static void close_all(const int fds[NSTOP_NR_DIRECTIONS])
{
	int i;

	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void detach(struct device *device)
{
	close_all(device->links);
}

static void keep_progs(struct netns *ns, const struct nstop_net_bpf *from)
{
	ns->prog_fds[NSTOP_RX] = fcntl(bpf_program__fd(from->progs.count_rx), F_DUPFD_CLOEXEC, 0);
	ns->prog_fds[NSTOP_TX] = fcntl(bpf_program__fd(from->progs.count_tx), F_DUPFD_CLOEXEC, 0);
}

/*
 * Loads programs for the namespace that this process has entered, with the same
 * maps. In a nested pid namespace, kfuncs only report packets of the net
 * namespace that a program was loaded from.
 */
static void load_for(struct netns *ns)
{
	struct nstop_net_bpf *more = nstop_net_bpf__open();

	if (!more)
		err(EXIT_ERROR, "cannot open the BPF programs");
	more->rodata->ns_ident_dev = skel->rodata->ns_ident_dev;
	if (bpf_map__reuse_fd(more->maps.traffic, traffic_fd) ||
	    bpf_map__reuse_fd(more->maps.bss, bpf_map__fd(skel->maps.bss)) ||
	    nstop_net_bpf__load(more))
		skip("programs of net namespace %s: %s", name_of(ns), strerror(errno));
	else
		keep_progs(ns, more);
	nstop_net_bpf__destroy(more);
}

/* The programs for the devices of a namespace, or NULL. */
static const int *get_progs(struct netns *ns)
{
	if (!nested || same_ident(&own, &ns->ident))
		return prog_fds;
	if (ns->prog_fds[NSTOP_TX] < 0)
		load_for(ns);
	return ns->prog_fds[NSTOP_TX] < 0 ? NULL : ns->prog_fds;
}

/* Is the device in the namespace of this process? */
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
 * Does the limit of open files permit the links of one more device? A new file
 * gets the lowest free number.
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

/* Returns false if the device is gone, or cannot have the links. */
static bool attach(struct device *device, struct netns *ns,
		   const char *name)
{
	static const enum bpf_attach_type types[NSTOP_NR_DIRECTIONS] = {
		[NSTOP_RX] = BPF_TCX_INGRESS,
		[NSTOP_TX] = BPF_TCX_EGRESS,
	};
	/* Before programs that may drop the packet. */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = BPF_F_BEFORE);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	const int *progs;
	int i;

	if (!has_room()) {
		not_counted++;
		return false;
	}
	progs = get_progs(ns);
	if (!progs)
		return false;
	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++)
		device->links[i] = -1;
	for (i = 0; i < NSTOP_NR_DIRECTIONS; i++) {
		device->links[i] = bpf_link_create(progs[i], device->ifindex,
						   types[i], &opts);
		if (device->links[i] >= 0)
			continue;
		if (errno != ENODEV)
			skip_device(ns, name);
		detach(device);
		return false;
	}
	if (bpf_link_get_info_by_fd(device->links[NSTOP_RX], &info, &len)) {
		skip_device(ns, name);
		detach(device);
		return false;
	}
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

/* Attaches the programs to new devices. */
static void add_devices(struct netns *ns)
{
	struct if_nameindex *names, *name;
	struct device *device;

	names = if_nameindex();
	if (!names) {
		skip("devices of net namespace %s: %s", name_of(ns), strerror(errno));
		return;
	}
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

/* The check after reading the counters shows that they belong to this device. */
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

/* Reads the counters of the devices in the namespace of this process. */
static void read_devices(struct netns *ns)
{
	struct nstop_traffic counted;
	char *name, *numbers, *line = NULL;
	size_t size = 0;
	FILE *f;

	f = fopen(DEVICES, "re");
	if (!f) {
		skip(DEVICES " of net namespace %s: %s", name_of(ns), strerror(errno));
		return;
	}
	while (getline(&line, &size, f) > 0) {
		/* The two lines of titles have no colon. */
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
			errx(EXIT_ERROR, DEVICES " has an unknown format");
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

	check_ident(ns_ident_of_fd(fd, &ident), name ? name : "net namespace without a name");
	ns = get_row(&ident);
	ns->stat = true;
	if (name && !ns->name)
		ns->name = escaped(name, SIZE_MAX, false);
	if (ns->seen)
		return;
	ns->seen = true;

	if (setns(fd, CLONE_NEWNET)) {
		skip("net namespace %s: %s", name_of(ns), strerror(errno));
		return;
	}
	for (i = 0; i < ns->nr_devices; i++)
		ns->devices[i].seen = false;
	add_devices(ns);
	read_devices(ns);
	if (setns(own_fd, CLONE_NEWNET))
		err(EXIT_ERROR, "cannot return to the own net namespace");

	for (i = ns->nr_devices; i-- > 0;)
		if (!ns->devices[i].seen)
			forget_device(ns, &ns->devices[i]);
	ns->nr_counted = ns->nr_devices;
}

static void no_netns(const char *path)
{
	char *name = escaped(path, SIZE_MAX, false);

	skip("%s is not a net namespace", name);
	free(name);
}

/* The oldest process in a namespace has a command and a container. */
static void look_at_process(struct proc_task *task)
{
	struct netns *ns = NULL;
	struct stat st;
	size_t i;

	if (fstatat(task->dir, "ns/net", &st, 0))
		return;
	for (i = 0; i < nr_rows && !ns; i++)
		if (rows[i]->seen && rows[i]->ident.dev == st.st_dev &&
		    rows[i]->ident.ino == st.st_ino)
			ns = rows[i];
	if (!ns || read_stat(task))
		return;
	if (ns->pid && (task->start > ns->start ||
			(task->start == ns->start && task->pid > ns->pid)))
		return;
	ns->pid = task->pid;
	ns->start = task->start;
	memcpy(ns->comm, task->comm, sizeof(ns->comm));
	container_name(task->dir, false, ns->container);
}

/*
 * Files of namespaces do not stay open, since an open file keeps its namespace
 * alive.
 */
static void look_at_all(void)
{
	static const struct finder finder = {
		.found = look_at_netns,
		.none = no_netns,
	};

	find_netns(&finder);
	look_at_netns(own_fd, NULL);
	read_proc(false, look_at_process);
}

static void read_traffic(void)
{
	struct bpf_ns_ident key, *prev = NULL;
	struct nstop_traffic total;
	struct netns *ns;

	while (!bpf_map_get_next_key(traffic_fd, prev, &key)) {
		prev = &key;
		read_percpu(traffic_fd, &key, (__u64 *)&total,
			    sizeof(total) / sizeof(__u64));
		ns = get_row(&key);
		add_traffic(&ns->bpf, &total, &ns->total);
		ns->total = total;
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
		return NULL;
	if (ns->stat)
		return "match";
	return is_mismatch(ns) ? "MISMATCH" : "moved";
}

static int cmp_rows(const void *a, const void *b)
{
	const struct netns *x = *(struct netns **)a;
	const struct netns *y = *(struct netns **)b;

	if (x->ident.id != y->ident.id)
		return x->ident.id < y->ident.id ? -1 : 1;
	return x->ident.ino < y->ident.ino ? -1 : x->ident.ino > y->ident.ino;
}

enum {
	NET_DEV, NET_INO, NET_ID, NET_VERDICT,
	NET_RX, NET_TX = NET_RX + 5,		/* the first of five columns of a direction */
	NET_BYTES = NET_TX + 5, NET_RX_TOTAL, NET_TX_TOTAL, NET_DEVICES, NET_NAME, NET_CONTAINER,
	NET_PID, NET_COMMAND,
	NR_NET_COLUMNS
};

enum { PACKETS, PACKETS_LINK, BYTES, BYTES_LINK, RATE };

static const struct column columns[NR_NET_COLUMNS] = {
	[NET_DEV] = { "dev", "ST_DEV", COLUMN_NUMBER, 6 },
	[NET_INO] = { "ino", "ST_INO", COLUMN_NUMBER },
	[NET_ID] = { "id", "ID", COLUMN_NUMBER, 2 },
	[NET_VERDICT] = { "verdict", "STAT(2)", COLUMN_TEXT },
	[NET_RX + PACKETS] = { "rx_packets", "RX_PKTS", COLUMN_NUMBER, 5 },
	[NET_RX + PACKETS_LINK] = { "rx_packets_link", "LINK", COLUMN_NUMBER, 8 },
	[NET_RX + BYTES] = { "rx_bytes", "RX_BYTES", COLUMN_NUMBER },
	[NET_RX + BYTES_LINK] = { "rx_bytes_link", "LINK", COLUMN_NUMBER, 9 },
	[NET_RX + RATE] = { "rx_rate", "RX_B/S", COLUMN_RATE, 4 },
	[NET_TX + PACKETS] = { "tx_packets", "TX_PKTS", COLUMN_NUMBER, 5 },
	[NET_TX + PACKETS_LINK] = { "tx_packets_link", "LINK", COLUMN_NUMBER, 8 },
	[NET_TX + BYTES] = { "tx_bytes", "TX_BYTES", COLUMN_NUMBER },
	[NET_TX + BYTES_LINK] = { "tx_bytes_link", "LINK", COLUMN_NUMBER, 9 },
	[NET_TX + RATE] = { "tx_rate", "TX_B/S", COLUMN_RATE, 4 },
	[NET_BYTES] = { "bytes", NULL, COLUMN_NUMBER },
	[NET_RX_TOTAL] = { "rx_total", "RX_TOTAL", COLUMN_NUMBER, 7 },
	[NET_TX_TOTAL] = { "tx_total", "TX_TOTAL", COLUMN_NUMBER, 7 },
	[NET_DEVICES] = { "devices", "DEVICES", COLUMN_NUMBER, 10 },
	[NET_NAME] = { "name", "NAME", COLUMN_TEXT },
	[NET_CONTAINER] = { "container", "CONTAINER", COLUMN_TEXT },
	[NET_PID] = { "pid", "PID", COLUMN_NUMBER, 3 },
	[NET_COMMAND] = { "command", "FIRST COMMAND", COLUMN_TEXT, 1 },
};

static void set_way(struct table *table, size_t row, size_t column, const struct netns *ns,
		    int way)
{
	set_number(table, row, column + PACKETS, ns->bpf.packets[way]);
	set_number(table, row, column + PACKETS_LINK, ns->link.packets[way]);
	set_number(table, row, column + BYTES, ns->bpf.bytes[way]);
	set_number(table, row, column + BYTES_LINK, ns->link.bytes[way]);
	set_rate(table, row, column + RATE, ns->bpf.bytes[way] / table->secs);
}

static void add_netns(struct table *table, const struct netns *ns)
{
	size_t row = add_row(table);

	table->rows[row].idle = !has_packets(&ns->bpf) && !has_packets(&ns->link);
	set_number(table, row, NET_DEV, ns->ident.dev);
	set_number(table, row, NET_INO, ns->ident.ino);
	if (ns->ident.id)
		set_number(table, row, NET_ID, ns->ident.id);
	if (verdict(ns))
		set_text(table, row, NET_VERDICT, strdup(verdict(ns)));
	set_way(table, row, NET_RX, ns, NSTOP_RX);
	set_way(table, row, NET_TX, ns, NSTOP_TX);
	set_number(table, row, NET_BYTES, ns->bpf.bytes[NSTOP_RX] + ns->bpf.bytes[NSTOP_TX]);
	set_number(table, row, NET_RX_TOTAL, ns->total.bytes[NSTOP_RX]);
	set_number(table, row, NET_TX_TOTAL, ns->total.bytes[NSTOP_TX]);
	set_number(table, row, NET_DEVICES, ns->nr_counted);
	if (strcmp(name_of(ns), "-"))
		set_text(table, row, NET_NAME, strdup(name_of(ns)));
	if (!ns->pid)
		return;
	if (strcmp(ns->container, "-"))
		set_text(table, row, NET_CONTAINER, strdup(ns->container));
	set_number(table, row, NET_PID, ns->pid);
	set_text(table, row, NET_COMMAND, escaped(ns->comm, sizeof(ns->comm), true));
}

static void summarize(struct table *table)
{
	unsigned int matches = 0, mismatches = 0, elsewhere = 0, without;
	char more[64] = "";
	size_t i;
	int len = 0;

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
	without = nr_rows - matches - mismatches - elsewhere;
	if (mismatches)
		found_mismatch();

	if (elsewhere)
		len = snprintf(more, sizeof(more), ", %u moved", elsewhere);
	if (without)
		snprintf(more + len, sizeof(more) - len, ", %u without packets", without);
	if (asprintf(&table->summary, "%zu net namespace%s: %u match, %u mismatch%s", nr_rows,
		     nr_rows == 1 ? "" : "s", matches, mismatches, more) < 0)
		err(EXIT_ERROR, "out of memory");
	add_count(table, "namespaces", nr_rows);
	add_count(table, "match", matches);
	add_count(table, "mismatch", mismatches);
	add_count(table, "moved", elsewhere);
	add_count(table, "without_packets", without);
	add_count(table, "skipped", nr_skipped);
}

/* Adds notes about skipped and lost data. The counters of the programs only grow. */
static void add_lost(struct table *table)
{
	const struct nstop_lost now = skel->bss->lost;
	static struct nstop_lost was;
	__u64 lost;
	size_t i;

	for (i = 0; i < nr_skipped && i < MAX_NOTES; i++)
		add_note(table, "skipped", "SKIPPED: %s", skipped[i]);
	if (nr_skipped > MAX_NOTES)
		add_note(table, "skipped", "SKIPPED: and %zu more", nr_skipped - MAX_NOTES);
	add_count(table, "lost_devices", not_counted);
	if (not_counted)
		add_note(table, "lost",
			 "LOST: %u device%s not counted, no more than %llu files can be open: "
			 RAISE_FILES, not_counted, not_counted == 1 ? "" : "s", max_files());
	lost = now.ns_full - was.ns_full;
	add_count(table, "lost_namespaces_full", lost);
	if (lost)
		add_note(table, "lost",
			 "LOST: %llu packets not counted, no room for more than %d namespaces",
			 lost, NSTOP_MAX_NS);
	lost = now.no_ident - was.no_ident;
	add_count(table, "lost_no_identity", lost);
	if (lost)
		add_note(table, "lost", "LOST: %llu packets for which " SKB_KFUNC "() failed",
			 lost);
	was = now;
}

static void start_round(void)
{
	size_t i;

	for (i = 0; i < nr_rows; i++) {
		memset(&rows[i]->bpf, 0, sizeof(rows[i]->bpf));
		memset(&rows[i]->link, 0, sizeof(rows[i]->link));
		rows[i]->seen = false;
		rows[i]->nr_counted = 0;
		rows[i]->pid = 0;
	}
	while (nr_skipped > 0)
		if (--nr_skipped < MAX_NOTES)
			free(skipped[nr_skipped]);
	not_counted = 0;
	moved_before = moved;
	moved = false;
}

/* Frees namespaces without a file. */
static void forget_rows(void)
{
	size_t i, kept = 0;
	struct netns *ns;

	for (i = 0; i < nr_rows; i++) {
		ns = rows[i];
		if (ns->seen) {
			rows[kept++] = ns;
			continue;
		}
		close_all(ns->prog_fds);
		while (ns->nr_devices)
			detach(&ns->devices[--ns->nr_devices]);
		bpf_map_delete_elem(traffic_fd, &ns->ident);
		free(ns->devices);
		free(ns->name);
		free(ns);
	}
	nr_rows = kept;
}

static void load(void)
{
	int ret;

	skel = nstop_net_bpf__open();
	if (!skel)
		err(EXIT_ERROR, "cannot open the BPF programs");
	skel->rodata->ns_ident_dev = nsfs_dev();
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
	traffic_fd = bpf_map__fd(skel->maps.traffic);
}

static void check_tcx(void)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts);

	/* The loopback device is the first one of each net namespace. */
	if (bpf_prog_query_opts(1, BPF_TCX_INGRESS, &opts) == -EINVAL)
		errx(EXIT_ERROR, "--net needs Linux 6.6 or newer, with CONFIG_NET_XGRESS=y");
}

static void open_traffic(void)
{
	check_tcx();
	nested = in_nested_pidns();
	load();
	own_fd = open(SELF, O_RDONLY | O_CLOEXEC);
	if (own_fd < 0)
		err(EXIT_ERROR, SELF);
	check_ident(ns_ident_of_fd(own_fd, &own), SELF);
	check_files();
	check_proc();
	look_at_all();
	started = seconds();
}

/* The programs count all the time: an interval begins where the last one ends. */
static void start_traffic(void)
{
	forget_rows();
	start_round();
}

static void read_table(struct table *table)
{
	size_t i;
	double now;

	/* A device that has moved before this is missing in look_at_all(). */
	read_traffic();
	look_at_all();
	now = seconds();
	table->secs = now - started;
	started = now;
	qsort(rows, nr_rows, sizeof(*rows), cmp_rows);

	for (i = 0; i < nr_rows; i++)
		add_netns(table, rows[i]);
	if (asprintf(&table->title, "Traffic in %.1f s by net namespace; LINK: counters of the devices",
		     table->secs) < 0)
		err(EXIT_ERROR, "out of memory");
	summarize(table);
	if (skel->bss->walks)
		add_walk_note(table);
	add_lost(table);
}

static void close_traffic(void)
{
	nstop_net_bpf__destroy(skel);
}

struct source net_source = {
	.table = {
		.name = "traffic",
		.columns = columns,
		.nr_columns = NR_NET_COLUMNS,
		.tree_column = NR_NET_COLUMNS,
	},
	.open = open_traffic,
	.start = start_traffic,
	.read = read_table,
	.close = close_traffic,
};
