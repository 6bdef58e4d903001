# SPDX-License-Identifier: GPL-2.0
"""Compiles and loads a program with bcc, and pins it: bcc_loader.py control|strong PIN"""

import sys

from bcc import BPF, lib

PROGRAMS = {
    "control": "int run(struct __sk_buff *skb) { return 1000002; }",
    "strong": """
struct bpf_ns_ident { __u64 dev, ino, id; };
extern int bpf_skb_netns_ident(const struct __sk_buff *skb, struct bpf_ns_ident *ident)
    __attribute__((section(".ksyms")));

int run(struct __sk_buff *skb)
{
    struct bpf_ns_ident ident = {};
    int err = bpf_skb_netns_ident(skb, &ident);

    return err ? err : (int)ident.id;
}
""",
}

program = BPF(text=PROGRAMS[sys.argv[1]]).load_func("run", BPF.SCHED_CLS)
# bcc cannot run a program once, so bpftool does.
if lib.bpf_obj_pin(program.fd, sys.argv[2].encode()):
    sys.exit("the program cannot be pinned")
