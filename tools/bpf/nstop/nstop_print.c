// SPDX-License-Identifier: GPL-2.0
/* Tables as text, which fit the terminal. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nstop_table.h"
#include "nstop_user.h"

#define INDENT	2	/* for each level of a tree */

/* One blank before a number, two before a text. */
static size_t gap(const struct column *column)
{
	return column->type == COLUMN_TEXT ? 2 : 1;
}

static size_t cell_width(const struct table *table, const struct row *row, size_t column)
{
	char *text = cell_text(&table->columns[column], &row->cells[column]);
	size_t width = text_width(text);

	free(text);
	if (column == table->tree_column)
		width += INDENT * row->depth;
	return width;
}

/* Omits the column with the highest spare value. Returns false if none has one. */
static bool drop_column(struct layout *layout, const struct table *table)
{
	const struct column *columns = table->columns;
	size_t i, found = table->nr_columns;

	for (i = 0; i < table->nr_columns; i++)
		if (layout->width[i] && columns[i].spare &&
		    (found == table->nr_columns || columns[i].spare > columns[found].spare))
			found = i;
	if (found == table->nr_columns)
		return false;
	layout->total -= layout->width[found] + gap(&columns[found]);
	layout->width[found] = 0;
	return true;
}

void lay_out(struct layout *layout, const struct table *table, struct row **rows, size_t nr_rows,
	     size_t width)
{
	size_t i, j, wanted;

	layout->total = 0;
	for (i = 0; i < table->nr_columns; i++) {
		layout->width[i] = 0;
		if (!table->columns[i].title)
			continue;
		layout->width[i] = strlen(table->columns[i].title);
		for (j = 0; j < nr_rows; j++) {
			wanted = cell_width(table, rows[j], i);
			if (wanted > layout->width[i])
				layout->width[i] = wanted;
		}
		layout->total += layout->width[i] + gap(&table->columns[i]);
	}
	while (width && layout->total > width && drop_column(layout, table))
		;
}

char *format_line(const struct table *table, const struct layout *layout, const struct row *row)
{
	size_t i, size, pad, last = 0;
	char *line, *text;
	FILE *f;

	f = open_memstream(&line, &size);
	if (!f)
		err(EXIT_ERROR, "out of memory");
	for (i = 0; i < table->nr_columns; i++)
		if (layout->width[i])
			last = i;
	for (i = 0; i <= last; i++) {
		const struct column *column = &table->columns[i];

		if (!layout->width[i])
			continue;
		text = row ? cell_text(column, &row->cells[i]) : strdup(column->title);
		if (!text)
			err(EXIT_ERROR, "out of memory");
		pad = layout->width[i] - text_width(text);
		if (ftell(f))
			fprintf(f, "%*s", (int)gap(column), "");
		if (column->type != COLUMN_TEXT) {
			fprintf(f, "%*s%s", (int)pad, "", text);
		} else {
			size_t indent = row && i == table->tree_column ? INDENT * row->depth : 0;

			fprintf(f, "%*s%s", (int)indent, "", text);
			if (i != last)
				fprintf(f, "%*s", (int)(pad - indent), "");
		}
		free(text);
	}
	if (fclose(f))
		err(EXIT_ERROR, "out of memory");
	return line;
}

static void print_line(char *line, size_t width)
{
	cut_text(line, width);
	puts(line);
	free(line);
}

static void print_copy(const char *text, size_t width)
{
	char *line = strdup(text);

	if (!line)
		err(EXIT_ERROR, "out of memory");
	print_line(line, width);
}

/* The width of the output, 0: no limit. COLUMNS overrides the terminal, like for ps(1). */
static size_t output_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	if (isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return size.ws_col;
	return 0;
}

void print_table(const struct table *table, const struct view *view)
{
	size_t i, nr, idle, width = output_width();
	struct layout layout;
	struct row **rows;
	struct tm tm;
	char time[64];

	nr = arrange(table, view, &rows, &idle);
	lay_out(&layout, table, rows, nr, width);

	if (!localtime_r(&table->time.tv_sec, &tm) ||
	    !strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S%z", &tm))
		strcpy(time, "-");
	print_copy(time, width);
	print_copy(table->title, width);
	printf("\n");
	print_line(format_line(table, &layout, NULL), width);
	for (i = 0; i < nr; i++)
		print_line(format_line(table, &layout, rows[i]), width);
	printf("\n");
	for (i = 0; i < table->nr_notes; i++)
		puts(table->notes[i].text);
	puts(table->summary);
	if (idle)
		printf("%zu idle, not shown without --all\n", idle);
	free(rows);
}
