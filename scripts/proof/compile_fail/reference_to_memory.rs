// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Pair as "bpf_fail_pair" {
        a: u32,
        b: u32,
    }
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, pair: &Pair) -> u32 {
        pair.a + pair.b
    }
}
//~ `Pair` is not a structure of the kernel that programs have pointers to
