// SPDX-License-Identifier: GPL-2.0
/*
 * Compares the names that nstop gives containers by the paths of their cgroups
 * with those of container_names.cases, which is read next to this program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"
#include "nstop_containers.h"

#define ARROW	" -> "
#define LINE	4096

static char root[] = "/tmp/container_names.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	return remove(path);
}

static void remove_root(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Replaces each "{letter}" by 64 times the letter. */
static void expand(char *to, const char *from)
{
	while (*from) {
		if (from[0] == '{' && from[2] == '}') {
			memset(to, from[1], 64);
			to += 64;
			from += 3;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

static void make_file(char *words)
{
	char *path, *text, *at;
	FILE *file;

	text = strchr(words, ' ');
	if (text)
		*text++ = '\0';
	if (asprintf(&path, "%s%s", root, words) < 0)
		ksft_exit_fail_msg("out of memory\n");
	for (at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			ksft_exit_fail_perror(path);
		*at = '/';
	}
	file = fopen(path, "w");
	if (!file || fprintf(file, "%s\n", text ?: "") < 0 || fclose(file))
		ksft_exit_fail_perror(path);
	free(path);
}

static void test_case(const char *path, const char *wanted)
{
	char text[CONTAINER_TEXT_LEN];
	struct container container;
	bool found;

	found = container_of_path(root, path, false, &container);
	container_text(&container, text, sizeof(text));
	if (strcmp(text, wanted))
		ksft_print_msg("%s, not %s\n", text, wanted);
	ksft_test_result(!strcmp(text, wanted) && found == (*text != '-'),
			 "%s\n", path);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX], line[LINE], whole[LINE * 4], *arrow;
	unsigned int nr = 0;
	FILE *cases;

	snprintf(path, sizeof(path), "%s", argv[0]);
	snprintf(line, sizeof(line), "%s/container_names.cases", dirname(path));
	cases = fopen(line, "r");
	ksft_print_header();
	if (!cases)
		ksft_exit_fail_perror(line);
	if (!mkdtemp(root))
		ksft_exit_fail_perror(root);
	atexit(remove_root);

	while (fgets(line, sizeof(line), cases)) {
		line[strcspn(line, "\n")] = '\0';
		expand(whole, line);
		if (!strncmp(whole, "file ", 5))
			make_file(whole + 5);
		nr += *whole != '#' && strstr(whole, ARROW);
	}
	ksft_set_plan(nr);
	rewind(cases);
	while (fgets(line, sizeof(line), cases)) {
		line[strcspn(line, "\n")] = '\0';
		expand(whole, line);
		arrow = *whole == '#' ? NULL : strstr(whole, ARROW);
		if (!arrow)
			continue;
		*arrow = '\0';
		test_case(whole, arrow + strlen(ARROW));
	}
	fclose(cases);
	ksft_finished();
}
