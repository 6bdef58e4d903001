// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, list: KVec<u8>) -> Result {
        let _ = list;
        Ok(())
    }
}
//~ cannot be an argument of a kfunc
//~ Vec<u8, Kmalloc>
