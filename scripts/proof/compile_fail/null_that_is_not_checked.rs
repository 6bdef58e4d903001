// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::RcuPidNs;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, ns: Option<&RcuPidNs>) -> u32 {
        ns.as_ref().inum()
    }
}
//~ no method named `inum` found
