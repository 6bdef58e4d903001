/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Programs that loaders load and run once. The result is the id of a net namespace, ABSENT, CONTROL, or
 * a negative errno.
 */
#ifndef CLIENT_BPF_H
#define CLIENT_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define ABSENT	1000001
#define CONTROL	1000002

struct bpf_ns_ident { __u64 dev, ino, id; };

#define result_of(ERR, IDENT) ((ERR) ? (ERR) : (int)(IDENT).id)

char LICENSE[] SEC("license") = "GPL";

#endif /* CLIENT_BPF_H */
