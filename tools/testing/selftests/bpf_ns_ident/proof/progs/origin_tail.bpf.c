// SPDX-License-Identifier: GPL-2.0
#include "origin.bpf.h"

/* Runs by a tail call of ask(). */
SEC("raw_tp")
int in_tail(void *ctx)
{
	ask_pidns(&origin.in_tail);
	return 0;
}
