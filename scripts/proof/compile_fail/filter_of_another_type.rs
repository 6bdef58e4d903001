// SPDX-License-Identifier: GPL-2.0

fn filter(_: &kernel::bpf::Prog) -> bool {
    true
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    filter(filter)
    fn bpf_fail(_: &Caller) -> u64 {
        0
    }
}
//~ incorrect number of function parameters
