// SPDX-License-Identifier: GPL-2.0

// Its BTF would be there all the same.
kernel::bpf_kfuncs! {
    static KFUNCS;
    #[cfg(CONFIG_BPF)]
    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) {}
}
//~ no rules expected
