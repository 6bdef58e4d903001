// SPDX-License-Identifier: GPL-2.0

use kernel::{
    bpf::pid_ns::PidNs,
    sync::aref::ARef, //
};

// A program could pass the same namespace for both.
kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, ns: ARef<PidNs>, same: &PidNs) -> bool {
        drop(ns);
        core::ptr::from_ref(same).is_null()
    }
}
//~ `bpf_fail`: a released reference must be the first argument, and the only pointer
