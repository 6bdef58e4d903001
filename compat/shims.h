/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations for shims.c that the headers of the kernel lack.
 */
#ifndef _COMPAT_SHIMS_H
#define _COMPAT_SHIMS_H

#include <linux/ns_common.h>
#include <linux/ratelimit.h>
#include <linux/types.h>

struct btf;
struct module;

/* First member of a structure that is private to fs/. compat_init() checks it. */
struct mnt_namespace {
	struct ns_common ns;
};

/* In the series: include/linux/nsfs.h. Such a kernel has a single nsfs. */
extern dev_t nsfs_dev;

static inline dev_t ns_dev(const struct ns_common *ns)
{
	return nsfs_dev;
}

/* In the series: rust/helpers/preempt.c. */
bool rust_helper_in_nmi(void);
bool rust_helper_preemptible(void);

/* In the series: rust/helpers/ratelimit.c. */
void rust_helper_ratelimit_state_init(struct ratelimit_state *rs, int interval,
				      int burst);

/* Linux 7.2 has no declaration in a header. */
struct btf *btf_get_module_btf(const struct module *module);

int compat_init(void);

#endif /* _COMPAT_SHIMS_H */
