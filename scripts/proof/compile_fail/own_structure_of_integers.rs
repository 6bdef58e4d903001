// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::btf::{
    Describe,
    Struct,
    Type, //
};

struct Thing;
// SAFETY: It is not: a program can pass memory of its own.
unsafe impl Object for Thing {
    const NAME: &'static str = "bpf_fail_thing";
    const TYPE: Type = Type::Struct(&Struct {
        name: "bpf_fail_thing",
        size: 8,
        members: &[],
    });
    const PROGS: ProgTypes = ProgTypes::ALL;
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, thing: &Thing) -> u64 {
        0
    }
}
//~ the verifier would accept memory of programs for this structure
