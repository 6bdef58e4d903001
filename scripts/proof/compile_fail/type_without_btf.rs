// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, s: &str) -> Result {
        let _ = s;
        Ok(())
    }
}
//~ `str` is not a structure of the kernel that programs have pointers to
