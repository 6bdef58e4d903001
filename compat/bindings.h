/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Input of bindgen: the headers that the files of the series need, and the
 * additions of the series to headers.
 */
#include <linux/hrtimer_types.h>

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/btf_ids.h>
#include <linux/cred.h>
#include <linux/ipc_namespace.h>
#include <linux/mnt_namespace.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/nsfs.h>
#include <linux/nsproxy.h>
#include <linux/pid_namespace.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/time_namespace.h>
#include <linux/user_namespace.h>
#include <linux/utsname.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_bpf_link.h>
#include <net/sock.h>
#include <net/xdp.h>

#include "shims.h"

const size_t RUST_CONST_HELPER_NS_COMMON_NS_ID_OFFSET = offsetof(struct ns_common, ns_id);
