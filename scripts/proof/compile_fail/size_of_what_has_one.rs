// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, n[size]: In<'_, u32>) -> u32 {
        n.read()
    }
}
//~ cannot be memory with a size
