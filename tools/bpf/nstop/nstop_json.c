// SPDX-License-Identifier: GPL-2.0
/* Tables as JSON: one object per line. nstop(8) documents the members. */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nstop_table.h"
#include "nstop_user.h"

/* Escaped names have no control characters, and are UTF-8. */
static void print_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_cell(const struct column *column, const struct cell *cell)
{
	if (!cell->known)
		printf("null");
	else if (column->type == COLUMN_TEXT)
		print_string(cell->text);
	else if (column->type == COLUMN_RATE)
		printf("%.1f", cell->rate);
	else
		printf("%llu", cell->number);
}

static void print_row(const struct table *table, const struct row *row)
{
	size_t i;

	for (i = 0; i < table->nr_columns; i++) {
		printf("%s\"%s\":", i ? "," : "{", table->columns[i].name);
		print_cell(&table->columns[i], &row->cells[i]);
	}
	printf("}");
}

void print_json(const struct table *table, const struct view *view)
{
	size_t i, nr, idle;
	struct row **rows;
	struct tm tm;
	char time[64];

	nr = arrange(table, view, &rows, &idle);

	if (!gmtime_r(&table->time.tv_sec, &tm) ||
	    !strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &tm))
		strcpy(time, "-");
	printf("{\"table\":\"%s\",\"time\":\"%s.%03ldZ\",\"seconds\":%.3f,\"type\":\"%s\",\"rows\":[",
	       table->name, time, table->time.tv_nsec / 1000000, table->secs, table->type);
	for (i = 0; i < nr; i++) {
		if (i)
			printf(",");
		print_row(table, rows[i]);
	}
	printf("],\"summary\":{");
	for (i = 0; i < table->nr_counts; i++)
		printf("\"%s\":%llu,", table->counts[i].name, table->counts[i].value);
	printf("\"hidden\":%zu},\"notes\":[", idle);
	for (i = 0; i < table->nr_notes; i++) {
		printf("%s{\"kind\":\"%s\",\"text\":", i ? "," : "", table->notes[i].kind);
		print_string(table->notes[i].text);
		printf("}");
	}
	printf("]}\n");
	free(rows);
}
