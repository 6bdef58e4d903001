// SPDX-License-Identifier: GPL-2.0

struct Thing;
// SAFETY: This does not compile, so no kfunc takes it.
unsafe impl Object for Thing {
    const NAME: &'static str = "thing";
    const PROGS: ProgTypes = ProgTypes::ALL;
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, thing: &'static Thing) {
        let _: &'static Thing = thing;
    }
}
//~ `caller` does not live long enough
