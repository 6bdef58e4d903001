/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PID_IN_BPF_H
#define _PID_IN_BPF_H

#include "report.bpf.h"

struct pid_in pid_in SEC(".data.pid_in");

static __always_inline void report_pid_in(void)
{
	struct bpf_ns_ident pidns = pid_in.pidns;
	struct bpf_pidns_info info = {};

	pid_in.pid_tgid = bpf_get_current_pid_tgid_in(&pidns);
	pid_in.plain_err = bpf_get_ns_current_pid_tgid(pidns.dev, pidns.ino,
						       &info, sizeof(info));
	pid_in.plain_pid = info.pid;
	pid_in.plain_tgid = info.tgid;
	report.pid_tgid = bpf_get_current_pid_tgid();
	__sync_fetch_and_add(&report.calls, 1);
}

#endif /* _PID_IN_BPF_H */
