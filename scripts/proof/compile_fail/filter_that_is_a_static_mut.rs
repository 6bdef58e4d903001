// SPDX-License-Identifier: GPL-2.0

fn no(_: &kernel::bpf::Prog, _: &'static kernel::bpf::btf::Func, _: bool) -> bool {
    false
}

static mut FILTER: fn(&kernel::bpf::Prog, &'static kernel::bpf::btf::Func, bool) -> bool = no;

kernel::bpf_kfuncs! {
    static KFUNCS, filter: FILTER;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) -> u64 {
        0
    }
}
//~ use of mutable static is unsafe
