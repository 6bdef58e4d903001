// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::PidNs;
use kernel::sync::aref::ARef;

kernel::bpf_kfuncs! {
    static KFUNCS, kptr PidNs as "pid_namespace": bpf_fail_dtor;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, ns: ARef<PidNs>) {
        drop(ns)
    }
}
//~ `pid_namespace`: the structure has another name in BTF
