/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _REPORT_BPF_H
#define _REPORT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "kfuncs.bpf.h"
#include "report.h"

#if defined(__TARGET_ARCH_x86)
#define SYS_PREFIX "__x64_"
#elif defined(__TARGET_ARCH_arm64)
#define SYS_PREFIX "__arm64_"
#elif defined(__TARGET_ARCH_riscv)
#define SYS_PREFIX "__riscv_"
#elif defined(__TARGET_ARCH_s390)
#define SYS_PREFIX "__s390x_"
#else
#define SYS_PREFIX ""
#endif

struct report report SEC(".data.report");

/* Reports the current task, without a check of the target. */
static __always_inline void report_current(void)
{
	struct bpf_ns_ident ident = { POISON, POISON, POISON };

	report.err = bpf_get_current_pidns_ident(&ident);
	report.ident = ident;
	report.pid_tgid = bpf_get_current_pid_tgid();
	__sync_fetch_and_add(&report.calls, 1);
}

/* The same for the namespace type that the test selected. */
static __always_inline void report_current_type(void)
{
	struct bpf_ns_ident ident = { POISON, POISON, POISON };

	report.err = bpf_get_current_ns_ident(report.ns_type, &ident);
	report.ident = ident;
	report.pid_tgid = bpf_get_current_pid_tgid();
	__sync_fetch_and_add(&report.calls, 1);
}

static __always_inline bool is_target(void)
{
	return report.target &&
	       bpf_get_current_pid_tgid() >> 32 == report.target;
}

static __always_inline void report_ident(void)
{
	if (is_target())
		report_current();
}

char _license[] SEC("license") = "GPL";

#endif /* _REPORT_BPF_H */
