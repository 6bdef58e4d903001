// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::kfunc::flags::KF_ACQUIRE;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    flags(KF_ACQUIRE)
    fn bpf_fail(_: &Caller) -> u64 {
        0
    }
}
//~ constant `KF_ACQUIRE` is private
