// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &ProgCaller, a: u64, b: u64, c: u64, d: u64, e: u64) -> u64 {
        a + b + c + d + e
    }
}
//~ no register is left for the implicit argument of a kfunc
