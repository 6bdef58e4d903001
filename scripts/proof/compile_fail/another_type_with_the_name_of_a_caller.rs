// SPDX-License-Identifier: GPL-2.0

mod other {
    pub struct ProgCaller;
}

use other::ProgCaller;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &ProgCaller) -> u64 {
        0
    }
}
//~ cannot be the first parameter of a kfunc
