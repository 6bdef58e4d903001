// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) -> Option<u32> {
        None
    }
}
//~ `Option<u32>` cannot be the result of a kfunc
