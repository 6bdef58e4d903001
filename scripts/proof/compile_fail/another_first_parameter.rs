// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &u32) -> u64 {
        0
    }
}
//~ `&u32`: the first parameter of a kfunc must be `&Caller` or `&ProgCaller`
