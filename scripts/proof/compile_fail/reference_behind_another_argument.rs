// SPDX-License-Identifier: GPL-2.0

use kernel::{
    bpf::pid_ns::PidNs,
    sync::aref::ARef, //
};

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, n: u32, ns: ARef<PidNs>) -> u32 {
        n
    }
}
//~ `bpf_fail`: a released reference must be the first argument, and the only pointer
