// SPDX-License-Identifier: GPL-2.0

use core::ptr::NonNull;
use kernel::sync::aref::{
    ARef,
    AlwaysRefCounted, //
};

struct Thing;
// SAFETY: There is no such structure.
unsafe impl Object for Thing {
    const NAME: &'static str = "thing";
    const PROGS: ProgTypes = ProgTypes::ALL;
}
// SAFETY: As above.
unsafe impl AlwaysRefCounted for Thing {
    fn inc_ref(&self) {}
    unsafe fn dec_ref(_: NonNull<Self>) {}
}
// SAFETY: As above.
unsafe impl Counted for Thing {}

kernel::bpf_kfuncs! {
    static KFUNCS, kptr Thing as "thing": bpf_fail_dtor;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, thing: ARef<Thing>) {
        drop(thing)
    }
}
//~ `bpf_fail_dtor`: a module can only have destructors for its own structures
