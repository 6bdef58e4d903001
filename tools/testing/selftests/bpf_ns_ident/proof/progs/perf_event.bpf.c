// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

SEC("perf_event")
int on_perf_event(struct bpf_perf_event_data *ctx)
{
	report_ident();
	return 0;
}
