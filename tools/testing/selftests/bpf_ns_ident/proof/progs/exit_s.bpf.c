// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

/*
 * A sleepable program, so without rcu_read_lock(), on top of a task past
 * exit_notify(): the task drops the dentries of its directory in /proc.
 */
SEC("lsm.s/inode_free_security")
int BPF_PROG(on_exit_s)
{
	if (is_target() && bpf_get_current_task_btf()->exit_state)
		send_report();
	return 0;
}
