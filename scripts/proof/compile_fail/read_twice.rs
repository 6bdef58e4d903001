// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, n: In<'_, u32>) -> u32 {
        if n.read() == 0 {
            return 0;
        }
        n.read()
    }
}
//~ use of moved value: `n`
