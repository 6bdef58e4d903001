// SPDX-License-Identifier: GPL-2.0
/*
 * Escapes names. Printable UTF-8 is not changed. All other bytes and characters, and the backslash,
 * are escaped. So two different names never look the same.
 */
#define _GNU_SOURCE
#define __SANE_USERSPACE_TYPES__	/* __u64 is long long everywhere */
#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "nstop_user.h"

#define MAX_ESCAPE	sizeof("\\U0010ffff")

void init_text(void)
{
	/* Names of the kernel have no encoding. UTF-8 does not depend on the locale. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
}

/* Has a width, but looks like a space. */
static bool is_blank(wchar_t c)
{
	static const wchar_t blanks[] = {
		0xa0, 0xad, 0x115f, 0x1160, 0x2007, 0x202f, 0x2800, 0x3164, 0xffa0,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blanks); i++)
		if (blanks[i] == c)
			return true;
	return iswspace(c);
}

/* A terminal shows private characters as the same box. */
static bool is_private(wchar_t c)
{
	return (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000;
}

static bool is_shown(wchar_t c)
{
	/* A character without width is invisible, or changes its neighbours. */
	return c != L'\\' && iswprint(c) && wcwidth(c) > 0 && !is_blank(c) && !is_private(c);
}

size_t escape(char *to, size_t size, const char *from, size_t len, bool spaces)
{
	char one[MAX_ESCAPE];
	size_t used = 0, got;
	mbstate_t state;
	wchar_t c;

	while (len && *from) {
		memset(&state, 0, sizeof(state));
		got = mbrtowc(&c, from, len, &state);
		if (got == (size_t)-1 || got == (size_t)-2) {
			got = 1;
			snprintf(one, sizeof(one), "\\x%02x", (unsigned char)*from);
		} else if (is_shown(c) || (c == L' ' && spaces)) {
			snprintf(one, sizeof(one), "%.*s", (int)got, from);
		} else if (c == L'\\') {
			strcpy(one, "\\\\");
		} else if (c < 0x80) {
			snprintf(one, sizeof(one), "\\x%02x", (unsigned int)c);
		} else {
			snprintf(one, sizeof(one), c > 0xffff ? "\\U%08x" : "\\u%04x",
				 (unsigned int)c);
		}
		/* Never a part of an escape sequence. */
		if (used + strlen(one) >= size)
			break;
		strcpy(to + used, one);
		used += strlen(one);
		from += got;
		len -= got;
	}
	if (size)
		to[used] = '\0';
	return used;
}

char *escaped(const char *from, size_t len, bool spaces)
{
	size_t size = strnlen(from, len) * MAX_ESCAPE + 1;
	char *to = malloc(size);

	if (!to)
		err(EXIT_ERROR, "out of memory");
	escape(to, size, from, len, spaces);
	return to;
}

void make_printable(char text[NSTOP_NAME_LEN])
{
	char raw[NSTOP_NAME_LEN];

	snprintf(raw, sizeof(raw), "%s", text);
	escape(text, NSTOP_NAME_LEN, raw, sizeof(raw), false);
}

size_t text_width(const char *text)
{
	size_t width = 0, got;
	mbstate_t state = {};
	wchar_t c;

	while (*text) {
		got = mbrtowc(&c, text, MB_CUR_MAX, &state);
		if (got == (size_t)-1 || got == (size_t)-2)
			return width + strlen(text);
		width += wcwidth(c) > 0 ? wcwidth(c) : 0;
		text += got;
	}
	return width;
}

void cut_text(char *text, size_t width)
{
	size_t used = 0, got;
	mbstate_t state = {};
	wchar_t c;

	if (!width || text_width(text) <= width)
		return;
	while (*text) {
		got = mbrtowc(&c, text, MB_CUR_MAX, &state);
		if (got == (size_t)-1 || got == (size_t)-2)
			break;
		/* The last column is for the mark. */
		if (used + wcwidth(c) > width - 1)
			break;
		used += wcwidth(c);
		text += got;
	}
	strcpy(text, "+");
}
