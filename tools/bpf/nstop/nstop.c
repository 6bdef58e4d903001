// SPDX-License-Identifier: GPL-2.0
/* nstop: a top for namespaces. The command line, and plain tables. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "nstop_user.h"

#define DEFAULT_SECS	2.0
#define TABLE_SIZE	(1024 * 1024)	/* for thousands of rows */
#define END_SECS	1		/* for the live view to end by itself */

struct options opt = { .secs = DEFAULT_SECS };

static atomic_int exit_status = EXIT_MATCH;
static int quit_fd = -1;	/* written to when a signal comes */

/* Arguments of options, which are parsed after the columns are known. */
static const char *sort_arg;
static const char *filter_args[MAX_FILTERS];
static size_t nr_filter_args;

static void usage(FILE *f)
{
	fprintf(f,
		"Usage: nstop [OPTION]...\n"
		"Counts system calls by namespace, or traffic with --net, and compares the\n"
		"identities from the kfuncs of " MODULE " with stat(2). On a terminal, the\n"
		"view is live, and the key h lists the keys.\n"
		"\n"
		"Counters:\n"
		"  -t, --ns TYPE           by namespace of that type: cgroup, ipc, mnt, net, pid,\n"
		"                          time, user or uts (default: pid)\n"
		"  -N, --net               packets and bytes of all devices of all net namespaces\n"
		"  -c, --containers        names of containers, from their runtimes\n"
		"  -p, --pids-as-seen-by PID\n"
		"                          pids in the pid namespace of that process\n"
		"Rows:\n"
		"  -s, --sort [+|-]COLUMN  by that column, + is high to low, - is low to high\n"
		"      --tree              below the parents, for types that have some\n"
		"      --top N             only the first N\n"
		"  -f, --filter COLUMN=PATTERN\n"
		"                          only rows that match this shell pattern\n"
		"  -a, --all               idle ones, too\n"
		"Output:\n"
		"  -n, --count COUNT       exit after this number of plain tables\n"
		"  -1, --once              the same as --count 1\n"
		"  -i, --interval SECONDS  length of the interval for a table (default: %g)\n"
		"  -b, --batch             plain tables on a terminal, too\n"
		"  -j, --json              a JSON object on a line for each table\n"
		"  -v, --verbose           messages of libbpf and the verifier\n"
		"  -V, --version           version\n"
		"  -h, --help              this text\n"
		"\n"
		"Exit status: 0 no mismatch, 1 a mismatch, 2 an error. nstop(8) has the columns.\n",
		DEFAULT_SECS);
}

static void version(void)
{
	printf("nstop %s (libbpf %s, %s ncurses)\n", NSTOP_VERSION,
	       libbpf_version_string(),
#ifdef NSTOP_NCURSES
	       "with"
#else
	       "without"
#endif
	       );
}

static const struct kind *find_kind(const char *name)
{
	const struct kind *kind;

	for (kind = kinds; kind->name; kind++)
		if (!strcmp(kind->name, name))
			return kind;
	errx(EXIT_ERROR, "'%s' is not a type of namespace, 'nstop --help' lists them",
	     name);
}

/*
 * Parses a positive number. Exits on any other argument, with 'ARG' is not
 * NOUN.
 */
static unsigned long parse_number(const char *arg, unsigned long max, const char *noun)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(arg, &end, 10);
	if (end == arg || *end || errno || !number || number > max || strchr(arg, '-'))
		errx(EXIT_ERROR, "'%s' is not %s", arg, noun);
	return number;
}

static double parse_secs(const char *arg)
{
	double secs;
	char *end;

	secs = strtod(arg, &end);
	/* The negation is for NaN. */
	if (end == arg || *end || !(secs >= MIN_SECS && secs <= MAX_SECS))
		errx(EXIT_ERROR, "'%s' is not a number of seconds from %g to %g", arg,
		     MIN_SECS, MAX_SECS);
	return secs;
}

static void check_args(int argc, char **argv, bool batch)
{
	if (opt.net && (opt.kind || opt.seen_by || opt.view.tree))
		errx(EXIT_ERROR,
		     "--net counts on devices: remove --ns, --pids-as-seen-by or --tree");
	if (!opt.kind)
		opt.kind = find_kind(opt.net ? "net" : "pid");
	if (opt.view.tree && !opt.kind->has_parent)
		errx(EXIT_ERROR, "--tree needs a type with parents, pid or user, and not %s",
		     opt.kind->name);
	if (optind < argc)
		errx(EXIT_ERROR, "'%s' is one argument too many, 'nstop --help' lists the options",
		     argv[optind]);
#ifdef NSTOP_NCURSES
	opt.live = !batch && !opt.json && !opt.count && isatty(STDIN_FILENO) &&
		   isatty(STDOUT_FILENO);
#endif
}

static void parse_args(int argc, char **argv)
{
	enum { OPT_TREE = 256, OPT_TOP };
	static const struct option options[] = {
		{ "ns", required_argument, NULL, 't' },
		{ "net", no_argument, NULL, 'N' },
		{ "containers", no_argument, NULL, 'c' },
		{ "pids-as-seen-by", required_argument, NULL, 'p' },
		{ "sort", required_argument, NULL, 's' },
		{ "tree", no_argument, NULL, OPT_TREE },
		{ "top", required_argument, NULL, OPT_TOP },
		{ "filter", required_argument, NULL, 'f' },
		{ "all", no_argument, NULL, 'a' },
		{ "count", required_argument, NULL, 'n' },
		{ "once", no_argument, NULL, '1' },
		{ "interval", required_argument, NULL, 'i' },
		{ "batch", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	bool batch = false;
	int c;

	while ((c = getopt_long(argc, argv, "t:Ncp:s:f:an:1i:bjvVh", options, NULL)) != -1) {
		switch (c) {
		case 't':
			opt.kind = find_kind(optarg);
			break;
		case 'N':
			opt.net = true;
			break;
		case 'c':
			opt.containers = true;
			break;
		case 'p':
			opt.seen_by = parse_number(optarg, INT_MAX, "the pid of a process");
			break;
		case 's':
			sort_arg = optarg;
			break;
		case OPT_TREE:
			opt.view.tree = true;
			break;
		case OPT_TOP:
			opt.view.top = parse_number(optarg, LONG_MAX, "a number of rows");
			break;
		case 'f':
			if (nr_filter_args == MAX_FILTERS)
				errx(EXIT_ERROR, "no more than %d filters are possible",
				     MAX_FILTERS);
			filter_args[nr_filter_args++] = optarg;
			break;
		case 'a':
			opt.view.all = true;
			break;
		case 'n':
			opt.count = parse_number(optarg, LONG_MAX, "a number of tables");
			break;
		case '1':
			opt.count = 1;
			break;
		case 'i':
			opt.secs = parse_secs(optarg);
			break;
		case 'b':
			batch = true;
			break;
		case 'j':
			opt.json = true;
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'V':
			version();
			exit(EXIT_MATCH);
		case 'h':
			usage(stdout);
			exit(EXIT_MATCH);
		default:
			/* getopt has printed the error. */
			warnx("'nstop --help' lists the options");
			exit(EXIT_ERROR);
		}
	}
	check_args(argc, argv, batch);
}

static void print_columns(const struct table *table)
{
	size_t i;

	fprintf(stderr, "The columns are:");
	for (i = 0; i < table->nr_columns; i++)
		fprintf(stderr, " %s", table->columns[i].name);
	fprintf(stderr, "\n");
	exit(EXIT_ERROR);
}

static void set_view(const struct table *table)
{
	const char *wrong;
	size_t i;

	if (!sort_arg)
		sort_arg = opt.net ? "bytes" : "calls";
	if (!set_sort(&opt.view, table, sort_arg)) {
		warnx("--sort '%s': there is no such column", sort_arg);
		print_columns(table);
	}
	for (i = 0; i < nr_filter_args; i++) {
		wrong = add_filter(&opt.view, table, filter_args[i]);
		if (!wrong)
			continue;
		warnx("--filter '%s': %s", filter_args[i], wrong);
		print_columns(table);
	}
}

static int print_libbpf(enum libbpf_print_level level, const char *format,
			va_list args)
{
	return opt.verbose ? vfprintf(stderr, format, args) : 0;
}

void found_mismatch(void)
{
	exit_status = EXIT_MISMATCH;
}

int get_exit_status(void)
{
	return exit_status;
}

/*
 * Runs in its own thread, since the main thread may be blocked while it prints.
 * The thread takes no locks, such as those of stdio, and _exit() ends the main
 * thread like SIGKILL. The live view first gets a second to end by itself. It
 * cannot if the terminal is stopped.
 */
static void *wait_for_signal(void *quit)
{
	uint64_t one = 1;
	int sig;

	while (sigwait(quit, &sig))
		;
	if (opt.live && write(quit_fd, &one, sizeof(one)) == sizeof(one)) {
		sleep(END_SECS);
		restore_terminal();
	}
	_exit(exit_status);
}

static void end_on_signals(void)
{
	static sigset_t quit;
	sigset_t all, before;
	pthread_t thread;

	quit_fd = eventfd(0, EFD_CLOEXEC);
	if (quit_fd < 0)
		err(EXIT_ERROR, "eventfd");
	sigemptyset(&quit);
	sigaddset(&quit, SIGINT);
	sigaddset(&quit, SIGTERM);
	/* Other signals, such as SIGWINCH, are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	errno = pthread_create(&thread, NULL, wait_for_signal, &quit);
	if (errno)
		err(EXIT_ERROR, "cannot make a thread");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_sigmask(SIG_BLOCK, &quit, NULL);
}

/* --net opens two files for each device. Without permission, the limit stays. */
static void raise_max_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void wait_round(void)
{
	struct timespec ts = { .tv_sec = opt.secs };

	ts.tv_nsec = (opt.secs - ts.tv_sec) * NSEC_PER_SEC;
	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

static void run_plain(struct source *source)
{
	unsigned long nr;

	for (nr = 0; !opt.count || nr < opt.count; nr++) {
		source->start();
		wait_round();
		table_start(&source->table);
		source->read(&source->table);
		if (opt.json) {
			print_json(&source->table, &opt.view);
		} else {
			if (nr)
				printf("\n");
			print_table(&source->table, &opt.view);
		}
		if (fflush(stdout))
			err(EXIT_ERROR, "standard output");
		table_end(&source->table);
	}
}

int main(int argc, char **argv)
{
	static char table[TABLE_SIZE];
	struct source *source;

	init_text();
	parse_args(argc, argv);
	source = opt.net ? &net_source : &tasks_source;
	source->table.type = opt.kind->name;
	set_view(&source->table);
	libbpf_set_print(print_libbpf);
	raise_max_files();
	check_files();
	/* One write for each table, so that a signal does not cut it. */
	setvbuf(stdout, table, _IOFBF, sizeof(table));
	if (!opt.count)
		end_on_signals();

	source->open();
	if (opt.live)
		opt.live = run_live(source, quit_fd);
	if (!opt.live)
		run_plain(source);
	source->close();
	return exit_status;
}
