// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

extern __u64 bpf_rust_sample_add(__u64 a, __u64 b) __ksym;

SEC("syscall")
int on_two_modules(void *ctx)
{
	report_ident();
	return bpf_rust_sample_add(report.calls, 41);
}
