/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _EVENT_BPF_H
#define _EVENT_BPF_H

#include "report.bpf.h"

/* A ring buffer for events that a test waits for. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static __always_inline void send_report(void)
{
	report_current();
	bpf_ringbuf_output(&events, &report, sizeof(report), 0);
}

#endif /* _EVENT_BPF_H */
