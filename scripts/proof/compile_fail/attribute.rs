// SPDX-License-Identifier: GPL-2.0

// The BTF of a conditional function would still exist.
kernel::bpf_kfuncs! {
    static KFUNCS;
    #[cfg(CONFIG_BPF)]
    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller) {}
}
//~ no rules expected
