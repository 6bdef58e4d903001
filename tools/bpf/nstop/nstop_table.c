// SPDX-License-Identifier: GPL-2.0
/* The content of a table, and the selection and order of its rows. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nstop_table.h"
#include "nstop_user.h"

void table_start(struct table *table)
{
	table->rows = NULL;
	table->nr_rows = 0;
	table->title = NULL;
	table->summary = NULL;
	table->notes = NULL;
	table->nr_notes = 0;
	table->nr_counts = 0;
	clock_gettime(CLOCK_REALTIME, &table->time);
}

void table_end(struct table *table)
{
	size_t i, j;

	for (i = 0; i < table->nr_rows; i++)
		for (j = 0; j < table->nr_columns; j++)
			if (table->columns[j].type == COLUMN_TEXT)
				free(table->rows[i].cells[j].text);
	free(table->rows);
	for (i = 0; i < table->nr_notes; i++)
		free(table->notes[i].text);
	free(table->notes);
	free(table->title);
	free(table->summary);
	table_start(table);
}

size_t add_row(struct table *table)
{
	struct row *row;

	table->rows = grow(table->rows, table->nr_rows, sizeof(*table->rows));
	row = &table->rows[table->nr_rows];
	memset(row, 0, sizeof(*row));
	row->parent = NO_PARENT;
	return table->nr_rows++;
}

void set_number(struct table *table, size_t row, size_t column, __u64 value)
{
	struct cell *cell = &table->rows[row].cells[column];

	cell->known = true;
	cell->number = value;
}

void set_rate(struct table *table, size_t row, size_t column, double value)
{
	struct cell *cell = &table->rows[row].cells[column];

	cell->known = true;
	cell->rate = value;
}

void set_text(struct table *table, size_t row, size_t column, char *text)
{
	struct cell *cell = &table->rows[row].cells[column];

	cell->known = text;
	cell->text = text;
}

void add_count(struct table *table, const char *name, __u64 value)
{
	struct count *count = &table->counts[table->nr_counts++];

	count->name = name;
	count->value = value;
}

void add_note(struct table *table, const char *kind, const char *format, ...)
{
	struct note *note;
	va_list args;

	table->notes = grow(table->notes, table->nr_notes, sizeof(*table->notes));
	note = &table->notes[table->nr_notes++];
	note->kind = kind;
	va_start(args, format);
	if (vasprintf(&note->text, format, args) < 0)
		err(EXIT_ERROR, "out of memory");
	va_end(args);
}

bool find_column(const struct table *table, const char *name, size_t len, size_t *column)
{
	size_t i;

	for (i = 0; i < table->nr_columns; i++) {
		if (strlen(table->columns[i].name) != len ||
		    strncmp(table->columns[i].name, name, len))
			continue;
		*column = i;
		return true;
	}
	return false;
}

bool set_sort(struct view *view, const struct table *table, const char *arg)
{
	bool sign = *arg == '+' || *arg == '-';

	if (!find_column(table, arg + sign, strlen(arg + sign), &view->sort))
		return false;
	view->ascending = sign ? *arg == '-' :
				 table->columns[view->sort].type == COLUMN_TEXT;
	return true;
}

const char *add_filter(struct view *view, const struct table *table, const char *arg)
{
	struct filter *filter = &view->filters[view->nr_filters];
	const char *equals = strchr(arg, '=');

	if (!equals)
		return "it is not COLUMN=PATTERN";
	if (view->nr_filters == MAX_FILTERS)
		return "there are too many filters";
	if (!find_column(table, arg, equals - arg, &filter->column))
		return "there is no such column";
	filter->pattern = strdup(equals + 1);
	if (!filter->pattern)
		err(EXIT_ERROR, "out of memory");
	view->nr_filters++;
	return NULL;
}

char *cell_text(const struct column *column, const struct cell *cell)
{
	char *text;
	int len;

	if (!cell->known)
		len = asprintf(&text, "-");
	else if (column->type == COLUMN_TEXT)
		len = asprintf(&text, "%s", cell->text);
	else if (column->type == COLUMN_RATE)
		len = asprintf(&text, "%.1f", cell->rate);
	else
		len = asprintf(&text, "%llu", cell->number);
	if (len < 0)
		err(EXIT_ERROR, "out of memory");
	return text;
}

static bool passes(const struct table *table, const struct view *view, const struct row *row)
{
	const struct filter *filter;
	bool matches = true;
	size_t i;
	char *text;

	for (i = 0; i < view->nr_filters && matches; i++) {
		filter = &view->filters[i];
		text = cell_text(&table->columns[filter->column], &row->cells[filter->column]);
		/* A backslash in a pattern matches a backslash of an escaped name. */
		matches = !fnmatch(filter->pattern, text, FNM_NOESCAPE);
		free(text);
	}
	return matches;
}

/* The context of cmp_rows(). */
struct order {
	const struct table *table;
	const struct view *view;
};

static int cmp_rows(const void *a, const void *b, void *data)
{
	const struct row *x = *(struct row **)a, *y = *(struct row **)b;
	const struct order *order = data;
	size_t column = order->view->sort;
	const struct cell *left = &x->cells[column], *right = &y->cells[column];
	int cmp;

	/* Unknown values are last in any order. */
	if (left->known != right->known)
		return left->known ? -1 : 1;
	if (!left->known)
		cmp = 0;
	else if (order->table->columns[column].type == COLUMN_TEXT)
		cmp = strcmp(left->text, right->text);
	else if (order->table->columns[column].type == COLUMN_RATE)
		cmp = left->rate < right->rate ? -1 : left->rate > right->rate;
	else
		cmp = left->number < right->number ? -1 : left->number > right->number;
	if (cmp)
		return order->view->ascending ? cmp : -cmp;
	/* The order of add_row() is that of the ids. */
	return x < y ? -1 : x > y;
}

/* The innermost ancestor that is shown. */
static struct row *shown_parent(const struct table *table, const struct row *row)
{
	while (row->parent != NO_PARENT) {
		row = &table->rows[row->parent];
		if (row->shown)
			return (struct row *)row;
	}
	return NULL;
}

static size_t list_tree(struct row *row, struct row **rows, unsigned int depth)
{
	size_t nr = 0;

	for (; row; row = row->sibling) {
		row->depth = depth;
		rows[nr++] = row;
		nr += list_tree(row->child, rows + nr, depth + 1);
	}
	return nr;
}

/* Moves sorted rows below their parents. */
static void make_tree(const struct table *table, struct row **rows, size_t nr)
{
	struct row *root = NULL, **list, *parent;
	size_t i;

	for (i = 0; i < nr; i++)
		rows[i]->child = NULL;
	for (i = nr; i-- > 0;) {
		parent = shown_parent(table, rows[i]);
		list = parent ? &parent->child : &root;
		rows[i]->sibling = *list;
		*list = rows[i];
	}
	list_tree(root, rows, 0);
}

size_t arrange(const struct table *table, const struct view *view, struct row ***rows,
	       size_t *idle)
{
	struct order order = { table, view };
	size_t i, nr = 0;

	*rows = calloc(table->nr_rows + 1, sizeof(**rows));
	if (!*rows)
		err(EXIT_ERROR, "out of memory");
	*idle = 0;
	for (i = 0; i < table->nr_rows; i++) {
		struct row *row = &table->rows[i];

		row->depth = 0;
		row->shown = passes(table, view, row);
		if (row->shown && row->idle && !view->all) {
			row->shown = false;
			++*idle;
		}
		if (row->shown)
			(*rows)[nr++] = row;
	}
	qsort_r(*rows, nr, sizeof(**rows), cmp_rows, &order);
	if (view->tree)
		make_tree(table, *rows, nr);
	if (view->top && nr > view->top)
		nr = view->top;
	return nr;
}
