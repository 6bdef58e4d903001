// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

struct moves moves SEC(".data.moves");

static __always_inline bool is_same(const struct bpf_ns_ident *a,
				    const struct bpf_ns_ident *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->id == b->id;
}

/* The task shares its current place, but not a position within a move. */
SEC("perf_event")
int on_ns_type_moves(struct bpf_perf_event_data *ctx)
{
	__u32 place = moves.place;
	bool first, second;

	if (!is_target() || place >= NR_PLACES)
		return 0;

	report_current_type();
	first = is_same(&report.ident, &moves.ns[0]) && place != IN_SECOND;
	second = is_same(&report.ident, &moves.ns[1]) && place != IN_FIRST;
	if (report.err || !(first || second))
		moves.wrong++;
	else
		moves.seen[place][!first]++;
	return 0;
}
