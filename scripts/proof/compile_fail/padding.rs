// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Pair as "bpf_fail_pair" {
        a: u64,
        b: u32,
    }
}
//~ `Pair` has 4 total byte(s) of padding
