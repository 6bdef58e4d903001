/* SPDX-License-Identifier: GPL-2.0 */
/* Tables: their content, the selection and the order of rows, and their output. */
#ifndef NSTOP_TABLE_H
#define NSTOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <linux/types.h>

#define MAX_COLUMNS	24
#define MAX_COUNTS	16
#define MAX_FILTERS	8
#define NO_PARENT	((size_t)-1)

struct column {
	const char *name;	/* in JSON, --sort and --filter: stable, see nstop(8) */
	const char *title;	/* NULL: in JSON only */
	enum {
		COLUMN_NUMBER,
		COLUMN_RATE,	/* per second */
		COLUMN_TEXT,
	} type;
	int spare;		/* a narrow terminal omits the highest ones first */
};

struct cell {
	bool known;
	union {
		__u64 number;
		double rate;
		char *text;	/* escaped */
	};
};

struct row {
	struct cell cells[MAX_COLUMNS];
	size_t parent;		/* index of the row of the parent */
	bool idle;		/* only shown with --all */

	/* arrange() sets the following members. */
	bool shown;
	unsigned int depth;
	struct row *child;
	struct row *sibling;
};

struct note {
	const char *kind;	/* "mismatch", "lost", "skipped" or "info" */
	char *text;
};

struct count {
	const char *name;
	__u64 value;
};

struct table {
	const char *name;	/* "calls" or "traffic" */
	const char *type;	/* of namespaces */
	const struct column *columns;
	size_t nr_columns;
	size_t tree_column;	/* the column that is indented in a tree */
	struct row *rows;
	size_t nr_rows;
	struct timespec time;	/* at the end of the interval */
	double secs;		/* length of the interval */
	char *title;
	char *summary;
	struct note *notes;
	size_t nr_notes;
	struct count counts[MAX_COUNTS];
	size_t nr_counts;
};

struct filter {
	size_t column;
	char *pattern;		/* a shell pattern */
};

/* The selection and the order of rows. */
struct view {
	size_t sort;		/* index of the column */
	bool ascending;
	bool tree;
	bool all;		/* includes idle rows */
	unsigned long top;	/* maximum number of rows, 0: no limit */
	struct filter filters[MAX_FILTERS];
	size_t nr_filters;
};

void table_start(struct table *table);
void table_end(struct table *table);
/* Returns the index of a new row without known cells. */
size_t add_row(struct table *table);
void set_number(struct table *table, size_t row, size_t column, __u64 value);
void set_rate(struct table *table, size_t row, size_t column, double value);
/* Takes ownership of the escaped text. NULL is a text that is not known. */
void set_text(struct table *table, size_t row, size_t column, char *text);
void add_count(struct table *table, const char *name, __u64 value);
__attribute__((format(printf, 3, 4)))
void add_note(struct table *table, const char *kind, const char *format, ...);

/* The text of a cell, "-" for a cell that is not known. The caller frees it. */
char *cell_text(const struct column *column, const struct cell *cell);

/* Returns false if there is no such column. */
bool find_column(const struct table *table, const char *name, size_t len, size_t *column);
/* Parses [+|-]COLUMN. Returns false if there is no such column. */
bool set_sort(struct view *view, const struct table *table, const char *arg);
/* Parses COLUMN=PATTERN. Returns an error message, or NULL. */
const char *add_filter(struct view *view, const struct table *table, const char *arg);

/*
 * Selects and sorts the rows. Returns their number, and stores an array that the caller frees.
 * Stores the number of hidden idle rows in @idle.
 */
size_t arrange(const struct table *table, const struct view *view, struct row ***rows,
	       size_t *idle);

/* The widths of the columns, 0 for an omitted column. */
struct layout {
	size_t width[MAX_COLUMNS];
	size_t total;
};

/* Fits the columns into @width. 0 is no limit. */
void lay_out(struct layout *layout, const struct table *table, struct row **rows, size_t nr_rows,
	     size_t width);
/* The line of a row, or of the titles if @row is NULL. The caller frees it. */
char *format_line(const struct table *table, const struct layout *layout, const struct row *row);
void print_table(const struct table *table, const struct view *view);
void print_json(const struct table *table, const struct view *view);

#endif /* NSTOP_TABLE_H */
