// SPDX-License-Identifier: GPL-2.0
#include "origin.bpf.h"

/* The test selects the program in which this replaces replaceable(). */
SEC("freplace")
int in_replaceable(void)
{
	ask_pidns(&origin.in_replaceable);
	return 0;
}
