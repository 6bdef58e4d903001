// SPDX-License-Identifier: GPL-2.0
#include "report.bpf.h"

/* A struct_ops program, which may not call the kfuncs. */
SEC("struct_ops")
__u32 BPF_PROG(on_ssthresh, struct sock *sk)
{
	report_ident();
	return 2;
}

SEC("struct_ops")
void BPF_PROG(on_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops")
__u32 BPF_PROG(on_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops ns_ident_ca = {
	.ssthresh = (void *)on_ssthresh,
	.cong_avoid = (void *)on_cong_avoid,
	.undo_cwnd = (void *)on_undo_cwnd,
	.name = "ns_ident_ca",
};
