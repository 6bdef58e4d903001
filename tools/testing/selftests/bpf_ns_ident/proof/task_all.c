// SPDX-License-Identifier: GPL-2.0
/*
 * A snapshot of 2,000 tasks in 200 containers. Each row of an iterator equals the
 * results of a scan of /proc for the same task. Prints the time of both.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "task_util.h"

#define NR_CONTAINERS 200
#define NR_TASKS 10		/* in each of them, of which one has two threads */
#define NR_THREADS (NR_CONTAINERS * (NR_TASKS + 1))
#define MAX_TASKS 4096

FIXTURE(task_all)
{
	struct probe probe;
	struct asked *asked;
	struct ns_task (*tasks)[NR_TASKS];
	int nr_containers;	/* to stop */
};

static void *wait_forever(void *unused)
{
	pause();
	return NULL;
}

static int do_add_thread(void *unused)
{
	pthread_t id;

	return -pthread_create(&id, NULL, wait_forever, NULL);
}

static int start_container(struct ns_task tasks[NR_TASKS])
{
	int i, err;

	for (i = 0; i < NR_TASKS; i++)
		tasks[i].sock = -1;
	err = ns_start(&tasks[0], NULL, ALL_NS);
	for (i = 1; i < NR_TASKS && !err; i++)
		err = ns_start(&tasks[i], &tasks[0], 0);
	return err ?: ns_call(&tasks[1], do_add_thread, NULL);
}

FIXTURE_SETUP(task_all)
{
	/* A socket for each task. */
	const struct rlimit files = { MAX_TASKS, MAX_TASKS };

	ASSERT_EQ(0, module_load(MODULE, NULL));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	self->tasks = calloc(NR_CONTAINERS, sizeof(*self->tasks));
	ASSERT_NE(NULL, self->tasks);
	while (self->nr_containers < NR_CONTAINERS)
		ASSERT_EQ(0, start_container(self->tasks[self->nr_containers++]));
}

FIXTURE_TEARDOWN(task_all)
{
	/* The first task is the init process of the others. */
	for (int i = 0; i < self->nr_containers; i++)
		for (int j = 0; j < NR_TASKS; j++)
			ns_stop(&self->tasks[i][j]);
	free(self->tasks);
	probe_close(&self->probe);
}

static int compare_answers(const void *a, const void *b)
{
	const struct task_answer *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* Reads all threads from /proc, ordered by id. */
static int scan(struct task_answer rows[MAX_TASKS])
{
	struct dirent *process, *thread;
	DIR *processes, *threads;
	char path[300];
	int nr = 0;

	processes = opendir("/proc");
	if (!processes)
		return -errno;
	while ((process = readdir(processes))) {
		snprintf(path, sizeof(path), "/proc/%s/task", process->d_name);
		threads = atoi(process->d_name) ? opendir(path) : NULL;
		while (threads && (thread = readdir(threads)))
			/* A task may exit meanwhile. */
			if (atoi(thread->d_name) && nr < MAX_TASKS &&
			    !task_read(atoi(thread->d_name), &rows[nr]))
				nr++;
		if (threads)
			closedir(threads);
	}
	closedir(processes);
	qsort(rows, nr, sizeof(*rows), compare_answers);
	return nr;
}

static int iterate(struct probe *probe, struct task_answer rows[MAX_TASKS])
{
	const size_t max = MAX_TASKS * sizeof(*rows);
	int fd = bpf_iter_create(bpf_link__fd(probe->link));
	size_t size = 0;
	ssize_t got;

	if (fd < 0)
		return fd;
	do {
		got = read(fd, (char *)rows + size, max - size);
		size += got > 0 ? got : 0;
	} while (got > 0 && size < max);
	close(fd);
	if (got < 0)
		return -errno;
	return size % sizeof(*rows) ? -EPROTO : size / sizeof(*rows);
}

static long now_usecs(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000L + ts.tv_nsec / 1000;
}

static bool is_busy(const struct task_answer *row)
{
	for (int i = 0; i < NR_NS_TYPES; i++)
		if (row->ns[i].err == -EBUSY)
			return true;
	return false;
}

TEST_F_TIMEOUT(task_all, each_row_is_what_proc_says, 300)
{
	struct task_answer *want = calloc(MAX_TASKS, sizeof(*want));
	struct task_answer *rows = calloc(MAX_TASKS, sizeof(*rows));
	int i, nr_want, nr_rows, nr_foreign = 0, nr_busy = 0, nr_missing = 0;
	long start, scanned, iterated;

	ASSERT_NE(NULL, want);
	ASSERT_NE(NULL, rows);
	ASSERT_EQ(0, task_load(&self->probe, "all_tasks", NULL, &self->asked));
	ASSERT_EQ(0, ns_ident(getpid(), "pid", &self->asked->initial));
	self->probe.link = bpf_program__attach(self->probe.prog);
	ASSERT_NE(NULL, self->probe.link);

	start = now_usecs();
	nr_rows = iterate(&self->probe, rows);
	iterated = now_usecs() - start;
	start = now_usecs();
	nr_want = scan(want);
	scanned = now_usecs() - start;
	ASSERT_LE(NR_THREADS, nr_rows);
	ASSERT_GT(MAX_TASKS, nr_rows);
	ASSERT_LE(NR_THREADS, nr_want);
	ASSERT_GT(MAX_TASKS, nr_want);
	qsort(rows, nr_rows, sizeof(*rows), compare_answers);

	for (i = 0; i < nr_want; i++) {
		struct task_answer *row = bsearch(&want[i], rows, nr_rows,
						  sizeof(*rows), compare_answers);
		bool is_foreign = want[i].own != want[i].initial;
		const char *text;

		/* A task of the system may start or exit, or hold its lock. */
		if (!is_foreign && (!row || is_busy(row))) {
			nr_busy += !!row;
			nr_missing += !row;
			continue;
		}
		ASSERT_NE(NULL, row) {
			TH_LOG("no row for the task %d", want[i].pid);
		}
		text = task_differs(&want[i], row);
		ASSERT_EQ(NULL, text) {
			TH_LOG("%s", text);
		}
		nr_foreign += is_foreign;
	}
	EXPECT_EQ(NR_THREADS, nr_foreign);
	TH_LOG("iterator: %d rows in %ld us, /proc and stat(2): %d tasks in %ld us",
	       nr_rows, iterated, nr_want, scanned);
	TH_LOG("tasks of the system: %d without a row, %d with -EBUSY",
	       nr_missing, nr_busy);
	free(rows);
	free(want);
}

NS_TEST_MAIN(MODULE)
