/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TASK_SCX_H
#define _TASK_SCX_H

/* The operations of the scheduler that call the kfuncs. */
enum scx_asks {
	SCX_NONE,
	SCX_INIT_TASK,		/* for a task that exists already */
	SCX_INIT_CHILD,		/* for a task that is being forked */
	SCX_ENQUEUE,
};

#endif /* _TASK_SCX_H */
