// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::PidNamespaces;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) -> Option<Item<PidNamespaces>> {
        None
    }
}
//~ `bpf_fail`: not the name, the arguments and the result that the kfunc of an iterator
