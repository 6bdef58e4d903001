// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    fn bpf_fail(_: &Caller) -> u64 {
        0
    }
}
//~ no rules expected
