// SPDX-License-Identifier: GPL-2.0
/* No memory can be had while a module registers its kfuncs for one type of programs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define ENOMEM 12

/* Whose registrations, and which of them, counted from 1. */
__u32 task, which;
/* How many there were, and how many allocations failed. */
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
