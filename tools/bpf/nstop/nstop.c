// SPDX-License-Identifier: GPL-2.0
/* nstop: who is doing what, by namespace. The command line. */
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "nstop_user.h"

#define DEFAULT_SECS	2.0
#define MAX_SECS	86400.0
#define TABLE_SIZE	(1024 * 1024)	/* for thousands of rows */

struct options opt = { .secs = DEFAULT_SECS };

static atomic_int exit_status = EXIT_MATCH;

static void usage(FILE *f)
{
	fprintf(f,
		"Usage: nstop [OPTION]...\n"
		"Shows who makes system calls, by pid namespace, and checks the identity that\n"
		PIDNS_KFUNC "() gives for each against stat(2).\n"
		"Or shows whose the traffic is, by net namespace.\n"
		"\n"
		"  -n, --ns TYPE           by namespace of another type, one of cgroup, ipc, mnt,\n"
		"                          net, pid, time, user, uts (default: pid), that\n"
		"                          " NS_KFUNC "() gives\n"
		"  -p, --pids-as-seen-by PID\n"
		"                          show pids as they are in the pid namespace of that\n"
		"                          process, '-' for tasks that it cannot see, and check\n"
		"                          those that " PID_KFUNC "() gives\n"
		"  -c, --containers        show what the containers are called by crun, runc, podman,\n"
		"                          systemd-nspawn and the like: RUNTIME:NAME\n"
		"  -N, --net               packets and bytes of all devices of the net namespaces\n"
		"                          in /run/netns and of this one, by the identity that\n"
		"                          " SKB_KFUNC "() gives, beside what 'ip -s link'\n"
		"                          has for the same devices\n"
		"  -1, --once              one table, then exit (default: until Ctrl-C)\n"
		"  -i, --interval SECONDS  how long to count for each table (default: %g)\n"
		"  -v, --verbose           what libbpf and the verifier have to say\n"
		"  -h, --help              this text\n"
		"\n"
		"Tasks are the threads in a namespace, and the first command is that of the\n"
		"process with the lowest pid in the namespace. For types other than pid it is\n"
		"the oldest; for cgroup, ipc, mnt, net and uts, each thread is looked at by itself.\n"
		"\n"
		"The last column but one says how the two sources compare:\n"
		"  match     equal for all tasks that called and are still there\n"
		"  MISMATCH  different for at least one\n"
		"  moved     those that called had called setns(2) or the like, so that they\n"
		"            may have been in one namespace then and in another one now\n"
		"  gone      those that called were gone before they could be compared\n"
		"  denied    not permitted to look at those that called\n"
		"  -         no calls, so there is nothing to compare\n"
		"\n"
		"With --net it says how the pair and the id that go with the packets compare to\n"
		"stat(2) and NS_GET_ID of the namespaces' files: match, MISMATCH (that of no\n"
		"file), moved (the same, but a device has left its namespace for one that is\n"
		"none of these, or is gone), - (no packets). BPF sees a packet before a queue may drop it, and after\n"
		"the device may have put several together, so it may count other than the device.\n"
		"\n"
		"Exit status: 0 no mismatch, 1 a mismatch, 2 an error.\n",
		DEFAULT_SECS);
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

static void parse_args(int argc, char **argv)
{
	static const struct option options[] = {
		{ "ns", required_argument, NULL, 'n' },
		{ "pids-as-seen-by", required_argument, NULL, 'p' },
		{ "containers", no_argument, NULL, 'c' },
		{ "net", no_argument, NULL, 'N' },
		{ "once", no_argument, NULL, '1' },
		{ "interval", required_argument, NULL, 'i' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	char *end;
	long pid;
	int c;

	while ((c = getopt_long(argc, argv, "n:p:cN1i:vh", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			opt.kind = find_kind(optarg);
			break;
		case 'p':
			pid = strtol(optarg, &end, 10);
			if (end == optarg || *end || pid <= 0 || pid > INT_MAX)
				errx(EXIT_ERROR, "'%s' is not the pid of a process",
				     optarg);
			opt.seen_by = pid;
			break;
		case 'c':
			opt.containers = true;
			break;
		case 'N':
			opt.net = true;
			break;
		case '1':
			opt.once = true;
			break;
		case 'i':
			opt.secs = strtod(optarg, &end);
			/* The negation is for NaN. */
			if (end == optarg || *end ||
			    !(opt.secs > 0 && opt.secs <= MAX_SECS))
				errx(EXIT_ERROR, "'%s' is not a number of seconds up to %g",
				     optarg, MAX_SECS);
			break;
		case 'v':
			opt.verbose = true;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_MATCH);
		default:
			/* getopt has said what is wrong. */
			warnx("'nstop --help' lists the options");
			exit(EXIT_ERROR);
		}
	}
	if (opt.net && (opt.kind || opt.seen_by || opt.containers))
		errx(EXIT_ERROR,
		     "--net is about devices: not with --ns, --pids-as-seen-by or --containers");
	if (!opt.kind)
		opt.kind = find_kind("pid");
	if (optind < argc)
		errx(EXIT_ERROR, "'%s' is one argument too many, 'nstop --help' lists the options",
		     argv[optind]);
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

/*
 * A thread of its own, since the other one may be waiting for who reads what it
 * prints. No lock is taken here, of stdio for instance, and _exit() ends the
 * other thread as SIGKILL does.
 */
static void *wait_for_signal(void *quit)
{
	int sig;

	while (sigwait(quit, &sig))
		;
	_exit(exit_status);
}

static void end_on_signals(void)
{
	static sigset_t quit;
	pthread_t thread;

	sigemptyset(&quit);
	sigaddset(&quit, SIGINT);
	sigaddset(&quit, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &quit, NULL);
	errno = pthread_create(&thread, NULL, wait_for_signal, &quit);
	if (errno)
		err(EXIT_ERROR, "cannot make a thread");
}

/* With --net, each device takes two files. What cannot be raised remains. */
static void raise_max_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static char table[TABLE_SIZE];

	parse_args(argc, argv);
	libbpf_set_print(print_libbpf);
	raise_max_files();
	check_files();
	/* A table goes out as a whole: a signal does not end it halfway. */
	setvbuf(stdout, table, _IOFBF, sizeof(table));
	if (!opt.once)
		end_on_signals();

	if (opt.net)
		nstop_net();
	else
		nstop_tasks();
	return exit_status;
}
