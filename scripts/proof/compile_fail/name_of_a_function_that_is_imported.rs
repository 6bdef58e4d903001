// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn rust_helper_get_current(_: &Caller) -> u64 {
        0
    }
}
//~ `rust_helper_get_current`: the name of a kfunc must begin with `bpf_`
