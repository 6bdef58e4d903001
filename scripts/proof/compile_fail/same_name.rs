// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct One as "bpf_fail_same" {
        a: u32,
    }

    struct Two as "bpf_fail_same" {
        b: u32,
    }
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, one: In<'_, One>, two: In<'_, Two>) -> u32 {
        one.read().a + two.read().b
    }
}
//~ two different structures have the same name in BTF
