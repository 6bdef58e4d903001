// SPDX-License-Identifier: GPL-2.0
/* All allocations fail while a module registers its kfuncs for one hook. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ENOMEM 12

/* Task to watch, and number of its failing registration, from 1. */
__u32 task, which;
/* Number of registrations, and of failed allocations. */
__u32 registrations, failures;

static bool is_inside;

static __always_inline bool is_task(void)
{
	return task && bpf_get_current_pid_tgid() >> 32 == task;
}

SEC("kprobe/register_btf_kfunc_id_set")
int on_registration(void *ctx)
{
	if (is_task())
		is_inside = ++registrations == which;
	return 0;
}

SEC("kretprobe/register_btf_kfunc_id_set")
int on_registered(void *ctx)
{
	if (is_task())
		is_inside = false;
	return 0;
}

SEC("kprobe/should_failslab")
int on_allocation(struct pt_regs *ctx)
{
	if (is_inside && is_task()) {
		failures++;
		bpf_override_return(ctx, -ENOMEM);
	}
	return 0;
}

char _license[] SEC("license") = "GPL";
