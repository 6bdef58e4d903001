// SPDX-License-Identifier: GPL-2.0

//! The [`Flags`] that there are.

use super::Pointers;
use crate::bindings;

/// What the verifier has to know of a kfunc, `KF_*` in C.
///
/// Only what goes with functions that take and give what [`Arg`](super::Arg) and
/// [`Ret`](super::Ret) allow: others would have the verifier believe of a function what it does not
/// do.
#[derive(Clone, Copy)]
pub struct Flags(pub(super) u32);

impl Flags {
    /// Adds others.
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Returns the flags that follow from the arguments of a kfunc, given the
    /// [`POINTERS`](super::ArgAbi::POINTERS) of each. [`None`] if these contradict each other.
    #[doc(hidden)]
    pub const fn of_args(args: &[Option<Pointers>]) -> Option<Self> {
        let mut trusted = false;
        let mut rcu = false;
        let mut i = 0;
        while i < args.len() {
            match args[i] {
                Some(Pointers::Trusted) => trusted = true,
                Some(Pointers::TrustedOrRcu) => rcu = true,
                None => (),
            }
            i += 1;
        }
        match (trusted, rcu) {
            (true, true) => None,
            (_, false) => Some(NONE),
            (false, true) => Some(Self(bindings::KF_RCU)),
        }
    }
}

/// Nothing in particular.
pub const NONE: Flags = Flags(0);
/// The kfunc may sleep: only sleepable programs may call it.
pub const KF_SLEEPABLE: Flags = Flags(bindings::KF_SLEEPABLE);
/// The kfunc may harm the system: only programs of who has `CAP_SYS_BOOT` may call it.
pub const KF_DESTRUCTIVE: Flags = Flags(bindings::KF_DESTRUCTIVE);
/// The kfunc must be called with the RCU read side lock held.
pub const KF_RCU_PROTECTED: Flags = Flags(bindings::KF_RCU_PROTECTED);

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_flags)]
mod tests {
    use super::{
        super::{
            ArgAbi,
            Object,
            Out, //
        },
        *,
    };
    use crate::bpf::ProgTypes;

    #[test]
    fn flags_follow_from_arguments() {
        struct Trusted;
        // SAFETY: There is no function that takes it.
        unsafe impl Object for Trusted {
            const NAME: &'static str = "trusted";
            const PROGS: ProgTypes = ProgTypes::ALL;
        }

        struct Rcu;
        // SAFETY: As above.
        unsafe impl Object for Rcu {
            const NAME: &'static str = "rcu";
            const PROGS: ProgTypes = ProgTypes::ALL;
            const POINTERS: Pointers = Pointers::TrustedOrRcu;
        }

        const MEMORY: Option<Pointers> = <Out<'_, u64> as ArgAbi>::POINTERS;
        const TRUSTED: Option<Pointers> = <&Trusted as ArgAbi>::POINTERS;
        const RCU: Option<Pointers> = <&Rcu as ArgAbi>::POINTERS;
        let flags = |args: &[_]| Flags::of_args(args).map(|flags| flags.0);

        assert_eq!(flags(&[]), Some(0));
        assert_eq!(flags(&[MEMORY, <u32 as ArgAbi>::POINTERS]), Some(0));
        assert_eq!(flags(&[TRUSTED, MEMORY]), Some(0));
        assert_eq!(flags(&[RCU, MEMORY, RCU]), Some(bindings::KF_RCU));
        assert_eq!(flags(&[RCU, MEMORY, TRUSTED]), None);
        assert_eq!(flags(&[TRUSTED, RCU]), None);
    }
}
