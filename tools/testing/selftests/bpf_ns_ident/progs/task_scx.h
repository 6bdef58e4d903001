/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TASK_SCX_H
#define _TASK_SCX_H

/* The operations of the scheduler that ask. */
enum scx_asks {
	SCX_NONE,
	SCX_INIT_TASK,		/* about a task that was there before it */
	SCX_INIT_CHILD,		/* about one that is being forked */
	SCX_ENQUEUE,
};

#endif /* _TASK_SCX_H */
