// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, n: Option<u32>) -> u32 {
        n.unwrap_or(0)
    }
}
//~ `Option<u32>` cannot be an argument of a kfunc
