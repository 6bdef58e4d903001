// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Packet as "sk_buff" {
        a: u64,
    }
    struct Frame as "xdp_buff" {
        a: u64,
    }
}
//~ `sk_buff` is the name of a context for the verifier
//~ `xdp_buff` is the name of a context for the verifier
