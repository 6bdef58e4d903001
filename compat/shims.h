/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shims.c has, beside what headers of the kernel declare.
 */
#ifndef _COMPAT_SHIMS_H
#define _COMPAT_SHIMS_H

#include <linux/ns_common.h>
#include <linux/ratelimit.h>
#include <linux/types.h>

/* The beginning of what is private to fs/. compat_init() checks it. */
struct mnt_namespace {
	struct ns_common ns;
};

/* In the series: include/linux/nsfs.h. Such a kernel has one nsfs for all. */
extern dev_t nsfs_dev;

static inline dev_t ns_dev(const struct ns_common *ns)
{
	return nsfs_dev;
}

/* In the series: rust/helpers/ratelimit.c. */
void rust_helper_ratelimit_state_init(struct ratelimit_state *rs, int interval,
				      int burst);

int compat_init(void);

#endif /* _COMPAT_SHIMS_H */
