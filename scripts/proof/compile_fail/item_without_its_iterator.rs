// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::PidNamespaces;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) -> Option<Item<PidNamespaces>> {
        None
    }
}
//~ `bpf_fail`: the kfunc of an iterator has another name, other arguments
