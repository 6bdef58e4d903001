// SPDX-License-Identifier: GPL-2.0
/* The function of ns_ident.bpf.h that depends on the loader. */
#include "vmlinux.h"
#include <bpf/bpf_tracing.h>
#include "ns_ident.bpf.h"
#include "nested.h"

struct nested nested SEC(".data.nested");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_nested_own, struct pt_regs *regs, long id)
{
	if (PT_REGS_PARM1_SYSCALL(regs) != MAGIC_PID || !nested.target ||
	    bpf_get_current_pid_tgid() >> 32 != nested.target)
		return 0;
	nested.own = bpf_get_current_pid_tgid_own();
	__sync_fetch_and_add(&nested.calls, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
