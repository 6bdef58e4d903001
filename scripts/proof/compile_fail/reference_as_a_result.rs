// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::PidNs;

// Nobody would keep it for the program.
kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, ns: Option<&PidNs>) -> Option<&'static PidNs> {
        None
    }
}
//~ cannot be the result of a kfunc
