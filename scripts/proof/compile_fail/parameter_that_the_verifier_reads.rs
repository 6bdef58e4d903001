// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, n: In<'_, u32>, n__sz: u32) -> u32 {
        n.read() + n__sz
    }
}
//~ `n__sz`: a name with `__` may have a meaning for the verifier
