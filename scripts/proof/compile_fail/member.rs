// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Pair as "bpf_fail_pair" {
        a: u32,
        b: Option<u32>,
    }
}
//~ `Option<u32>` cannot be described in BTF
