// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    flags(kernel::bindings::KF_ACQUIRE)
    fn bpf_fail(_: &Caller) -> u64 {
        0
    }
}
//~ expected `Flags`, found `u32`
