// SPDX-License-Identifier: GPL-2.0
#include "event.bpf.h"

/*
 * A program that may sleep, so without rcu_read_lock(), on top of a task that
 * is past exit_notify(): it drops what is cached of its directory in /proc.
 */
SEC("lsm.s/inode_free_security")
int BPF_PROG(on_exit_s)
{
	if (is_target() && bpf_get_current_task_btf()->exit_state)
		send_report();
	return 0;
}
