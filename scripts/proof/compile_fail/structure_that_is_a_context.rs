// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Regs as "pt_regs" {
        a: u64,
    }
}
//~ `pt_regs` is the name of a context for the verifier
