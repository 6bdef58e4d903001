// SPDX-License-Identifier: GPL-2.0
/* The live view: tables on a terminal, by ncurses, and keys as in top(1). */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ncurses.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "nstop_user.h"

#define HEAD_LINES	3	/* above the titles: the title, the view, the summary */
#define MAX_NOTES	4	/* below the rows */
#define INPUT_LEN	64
#define ESCAPE		27
#define DELETE		127

static struct source *source;
static struct table *table;
static int quit_fd;
static int stderr_fd, errors_fd;	/* stderr, and a file that replaces it */
static struct termios saved;
static atomic_bool is_saved;	/* the thread that restores it runs from the start */
static size_t first;		/* of the rows, at the top of the screen */
static bool stopped;		/* paused by a key */
static bool help;
static bool ended;
static const char *message;	/* error of the last input */

static const char *const help_lines[] = {
	"q          quit",
	"space      count anew, now",
	"p          pause, or continue",
	"up, down, page up, page down, home, end",
	"           scroll",
	"< >        sort by the column to the left or right",
	"r          reverse the order",
	"t          tree of namespaces, on or off (pid and user namespaces)",
	"a, i       show or hide idle namespaces",
	"c          names of containers, on or off",
	"f          show only rows that match: COLUMN=PATTERN",
	"=          show all rows again",
	"n          limit the number of rows",
	"d, s       change the interval, in seconds",
	"h, ?       show this or the table",
};

void restore_terminal(void)
{
	/* TCSANOW does not wait for the output. */
	if (is_saved)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void put_line(int y, const char *text)
{
	char *line = strdup(text);

	if (!line)
		err(EXIT_ERROR, "out of memory");
	cut_text(line, COLS);
	mvaddstr(y, 0, line);
	free(line);
}

static void put_status(void)
{
	const struct column *column = &table->columns[opt.view.sort];
	struct tm tm;
	char time[16] = "", line[512];
	int len;
	size_t i;

	if (localtime_r(&table->time.tv_sec, &tm))
		strftime(time, sizeof(time), "%H:%M:%S", &tm);
	snprintf(line, sizeof(line), "nstop %s  %s%s", time, table->title,
		 stopped ? "  (paused)" : "");
	put_line(0, line);
	len = snprintf(line, sizeof(line), "by %s%s%s%s", column->name,
		       opt.view.ascending ? ", low to high" : "",
		       opt.view.tree ? ", below parents" : "",
		       opt.view.all ? ", idle ones too" : "");
	if (opt.view.top)
		len += snprintf(line + len, sizeof(line) - len, ", first %lu", opt.view.top);
	for (i = 0; i < opt.view.nr_filters && len < (int)sizeof(line); i++)
		len += snprintf(line + len, sizeof(line) - len, ", %s=%s",
				table->columns[opt.view.filters[i].column].name,
				opt.view.filters[i].pattern);
	put_line(1, line);
	attron(A_BOLD);
	put_line(2, message ? message : table->summary);
	attroff(A_BOLD);
}

/* The number of notes that fit on the screen. */
static size_t shown_notes(void)
{
	size_t nr = table->nr_notes < MAX_NOTES ? table->nr_notes : MAX_NOTES;

	return LINES > (int)(HEAD_LINES + 2 + nr) ? nr : 0;
}

static size_t page_size(void)
{
	int lines = LINES - HEAD_LINES - 1 - (int)shown_notes();

	return lines > 1 ? lines : 1;
}

static void draw_table(void)
{
	size_t i, nr, idle, notes = shown_notes();
	struct layout layout;
	struct row **rows;
	char *line;

	nr = arrange(table, &opt.view, &rows, &idle);
	if (first + page_size() > nr)
		first = nr > page_size() ? nr - page_size() : 0;
	/* The widths of all rows, so that scrolling does not move the columns. */
	lay_out(&layout, table, rows, nr, COLS);

	line = format_line(table, &layout, NULL);
	attron(A_REVERSE);
	put_line(HEAD_LINES, line);
	attroff(A_REVERSE);
	free(line);
	for (i = 0; i < page_size() && first + i < nr; i++) {
		line = format_line(table, &layout, rows[first + i]);
		put_line(HEAD_LINES + 1 + i, line);
		free(line);
	}
	for (i = 0; i < notes; i++)
		put_line(LINES - notes + i, table->notes[i].text);
	free(rows);
}

static void draw_help(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(help_lines); i++)
		put_line(HEAD_LINES + i, help_lines[i]);
}

static void draw(void)
{
	erase();
	put_status();
	if (help)
		draw_help();
	else
		draw_table();
	refresh();
}

/* Waits up to @ms for a key, without limit if it is -1. Returns ERR without a key. */
static int get_key(int ms)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = quit_fd, .events = POLLIN },
	};
	int key = getch();

	if (key != ERR)
		return key;
	if (poll(fds, ARRAY_SIZE(fds), ms) < 0 && errno != EINTR)
		err(EXIT_ERROR, "poll");
	/* The end of the view: a signal, or the terminal is gone. */
	if (fds[1].revents || fds[0].revents & (POLLHUP | POLLERR)) {
		ended = true;
		return ERR;
	}
	return getch();
}

/* Reads a line from the user. Returns false if the line is empty, or cancelled. */
static bool read_line(const char *question, char input[INPUT_LEN])
{
	size_t len = 0;
	int key = ERR;

	message = NULL;
	curs_set(1);
	while (!ended && key != '\n' && key != '\r' && key != KEY_ENTER && key != ESCAPE) {
		input[len] = '\0';
		move(2, 0);
		clrtoeol();
		printw("%s %s", question, input);
		refresh();
		key = get_key(-1);
		if (len && (key == KEY_BACKSPACE || key == '\b' || key == DELETE))
			len--;
		else if (key >= ' ' && key < KEY_MIN && key != DELETE && len < INPUT_LEN - 1)
			input[len++] = key;
	}
	input[len] = '\0';
	curs_set(0);
	return !ended && key != ESCAPE && len;
}

static void read_filter(void)
{
	char input[INPUT_LEN];

	if (read_line("Filter, COLUMN=PATTERN:", input))
		message = add_filter(&opt.view, table, input);
}

static void read_top(void)
{
	char input[INPUT_LEN], *end;
	unsigned long top;

	if (!read_line("How many rows, 0 for all:", input))
		return;
	top = strtoul(input, &end, 10);
	if (*end)
		message = "that is not a number";
	else
		opt.view.top = top;
}

static void read_interval(void)
{
	char input[INPUT_LEN], *end;
	double secs;

	if (!read_line("Interval in seconds:", input))
		return;
	secs = strtod(input, &end);
	if (*end || !(secs >= MIN_SECS && secs <= MAX_SECS))
		message = "that is not a number of seconds";
	else
		opt.secs = secs;
}

/* The next column with a title, to the left or to the right. */
static void move_sort(int step)
{
	size_t column = opt.view.sort;

	do {
		column = (column + table->nr_columns + step) % table->nr_columns;
	} while (!table->columns[column].title);
	opt.view.sort = column;
	opt.view.ascending = table->columns[column].type == COLUMN_TEXT;
}

static void forget_filters(void)
{
	while (opt.view.nr_filters)
		free(opt.view.filters[--opt.view.nr_filters].pattern);
}

/* Returns true if the key requests a new table. */
static bool handle_key(int key)
{
	message = NULL;
	switch (key) {
	case 'q':
	case 'Q':
		ended = true;
		break;
	case ' ':
		stopped = false;
		return true;
	case 'p':
		stopped = !stopped;
		return !stopped;
	case KEY_UP:
		first -= first > 0;
		break;
	case KEY_DOWN:
		first++;
		break;
	case KEY_PPAGE:
		first -= first < page_size() ? first : page_size();
		break;
	case KEY_NPAGE:
		first += page_size();
		break;
	case KEY_HOME:
		first = 0;
		break;
	case KEY_END:
		first = table->nr_rows;
		break;
	case '<':
		move_sort(-1);
		break;
	case '>':
		move_sort(1);
		break;
	case 'r':
	case 'R':
		opt.view.ascending = !opt.view.ascending;
		break;
	case 't':
	case 'V':
		if (!opt.net && opt.kind->has_parent)
			opt.view.tree = !opt.view.tree;
		else
			message = "these namespaces have no parents";
		break;
	case 'a':
	case 'i':
		opt.view.all = !opt.view.all;
		break;
	case 'c':
		opt.containers = !opt.containers;
		return true;
	case 'f':
	case 'o':
		read_filter();
		break;
	case '=':
		forget_filters();
		opt.view.top = 0;
		break;
	case 'n':
		read_top();
		break;
	case 'd':
	case 's':
		read_interval();
		break;
	case 'h':
	case '?':
		help = !help;
		break;
	}
	return false;
}

/* Handles keys until the next table. */
static void wait_for_keys(double end)
{
	double left;
	int key;

	while (!ended) {
		left = end - seconds();
		if (!stopped && left <= 0)
			return;
		key = get_key(stopped ? -1 : (int)(left * 1000) + 1);
		if (key != ERR && handle_key(key))
			return;
		draw();
	}
}

static void read_table(void)
{
	table_end(table);
	table_start(table);
	source->read(table);
	source->start();
}

/* Prints the errors after the screen of the view is gone. */
static void leave(void)
{
	char buf[4096];
	ssize_t len;

	endwin();
	dup2(stderr_fd, STDERR_FILENO);
	lseek(errors_fd, 0, SEEK_SET);
	while ((len = read(errors_fd, buf, sizeof(buf))) > 0)
		if (write(STDERR_FILENO, buf, len) != len)
			break;
}

static void keep_errors(void)
{
	errors_fd = memfd_create("nstop", MFD_CLOEXEC);
	stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	if (errors_fd < 0 || stderr_fd < 0 || dup2(errors_fd, STDERR_FILENO) < 0)
		err(EXIT_ERROR, "standard error");
}

bool run_live(struct source *from, int fd)
{
	if (tcgetattr(STDIN_FILENO, &saved))
		err(EXIT_ERROR, "the terminal");
	is_saved = true;
	if (!newterm(NULL, stdout, stdin))
		return false;
	atexit(leave);
	keep_errors();

	source = from;
	table = &from->table;
	quit_fd = fd;
	table_start(table);
	source->start();
	/* The first interval is short, so that the first table appears soon. */
	usleep(100 * 1000);

	cbreak();
	noecho();
	nodelay(stdscr, true);
	keypad(stdscr, true);
	curs_set(0);
	while (!ended) {
		read_table();
		draw();
		wait_for_keys(seconds() + opt.secs);
	}
	return true;
}
