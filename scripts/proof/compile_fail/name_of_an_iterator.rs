// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::pid_ns::PidNamespaces;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_iter_pid_ns_next(_: &Caller, it: Destroy<'_, PidNamespaces>) {
        let _ = it;
    }
}
//~ `bpf_iter_pid_ns_next`: the kfunc of an iterator has another name, other arguments
