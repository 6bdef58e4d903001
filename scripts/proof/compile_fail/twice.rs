// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) -> u32 {
        0
    }
}

kernel::bpf_kfuncs! {
    static MORE;

    progs(ProgTypes::ALL)
    fn bpf_fail_more(_: &Caller) -> u32 {
        0
    }
}
//~ `__bpf_kfuncs_once_per_module` is already defined
