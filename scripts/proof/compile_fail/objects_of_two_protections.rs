// SPDX-License-Identifier: GPL-2.0

struct Trusted;
// SAFETY: This does not compile, so no kfunc takes it.
unsafe impl Object for Trusted {
    const NAME: &'static str = "trusted";
    const PROGS: ProgTypes = ProgTypes::ALL;
}

struct Rcu;
// SAFETY: This does not compile, so no kfunc takes it.
unsafe impl Object for Rcu {
    const NAME: &'static str = "rcu";
    const PROGS: ProgTypes = ProgTypes::ALL;
    const POINTERS: Pointers = Pointers::TrustedOrRcu;
}

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, rcu: &Rcu, trusted: &Trusted) -> u64 {
        0
    }
}
//~ `bpf_fail`: RCU protects one argument, but not another
