// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, data: In<'_, [u8]>) -> u64 {
        data.len() as u64
    }
}
//~ `[u8]` cannot be described in BTF
