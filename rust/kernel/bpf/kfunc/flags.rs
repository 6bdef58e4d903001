// SPDX-License-Identifier: GPL-2.0

//! [`Flags`] of kfuncs, and the rules by which the flags follow from the arguments.

use super::{
    Kind,
    Pointers, //
};
use crate::bindings;

/// The properties of a kfunc for the verifier, `KF_*` in C.
///
/// Only flags that fit functions with the arguments of [`Arg`](super::Arg) and the results of
/// [`Ret`](super::Ret). With other flags, the verifier would assume wrong properties of a function.
#[derive(Clone, Copy)]
pub struct Flags(pub(super) u32);

impl Flags {
    /// Returns the flags of both.
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Returns the flags that follow from the arguments of a kfunc, given the
    /// [`KIND`](super::ArgAbi::KIND) of each.
    #[doc(hidden)]
    pub const fn of_args(args: &[Kind]) -> Result<Self, Conflict> {
        let mut trusted = false;
        let mut rcu = false;
        let mut others = false;
        let mut i = 0;
        while i < args.len() {
            match args[i] {
                Kind::Object(Pointers::Trusted) => trusted = true,
                Kind::Object(Pointers::TrustedOrRcu) => rcu = true,
                Kind::Memory => others = true,
                // The verifier requires the reference in the first register, see
                // `bpf_fetch_kfunc_arg_meta()` in `kernel/bpf/verifier.c`.
                Kind::Reference if i > 0 => return Err(Conflict::Reference),
                // The verifier requires the iterator there, too, see `is_kfunc_arg_iter()`.
                Kind::IterNew(_) | Kind::IterNext(_) | Kind::IterDestroy(_) if i > 0 => {
                    return Err(Conflict::Iterator)
                }
                _ => (),
            }
            i += 1;
        }
        if matches!(args, [Kind::Reference, ..]) {
            // Another pointer may point to the same structure, or to one that the reference
            // protects.
            return if trusted || rcu || others {
                Err(Conflict::Reference)
            } else {
                Ok(Self(bindings::KF_RELEASE))
            };
        }
        let of_iter = match args {
            [Kind::IterNew(_), ..] => bindings::KF_ITER_NEW | bindings::KF_RCU_PROTECTED,
            [Kind::IterNext(_), ..] => bindings::KF_ITER_NEXT,
            [Kind::IterDestroy(_), ..] => bindings::KF_ITER_DESTROY,
            _ => 0,
        };
        match (trusted, rcu) {
            (true, true) => Err(Conflict::Protection),
            (_, false) => Ok(Self(of_iter)),
            (false, true) => Ok(Self(of_iter | bindings::KF_RCU)),
        }
    }
}

/// The reason why a kfunc cannot have certain arguments.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// RCU protects one structure, but not another.
    Protection,
    /// A released reference is not the first argument, or not the only pointer.
    Reference,
    /// The state of an iterator is not the first argument.
    Iterator,
}

/// No flags.
pub const NONE: Flags = Flags(0);
/// The kfunc may sleep: only sleepable programs may call it.
pub const KF_SLEEPABLE: Flags = Flags(bindings::KF_SLEEPABLE);
/// The kfunc may harm the system: only loaders with `CAP_SYS_BOOT` may load programs that call it.
pub const KF_DESTRUCTIVE: Flags = Flags(bindings::KF_DESTRUCTIVE);
/// Programs must hold the RCU read side lock when they call the kfunc.
pub const KF_RCU_PROTECTED: Flags = Flags(bindings::KF_RCU_PROTECTED);

// These follow from types.
pub(super) const KF_IMPLICIT_ARGS: Flags = Flags(bindings::KF_IMPLICIT_ARGS);
pub(super) const KF_ACQUIRE: Flags = Flags(bindings::KF_ACQUIRE);
pub(super) const KF_RET_NULL: Flags = Flags(bindings::KF_RET_NULL);

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_flags)]
mod tests {
    use super::{
        super::{
            ArgAbi,
            Counted,
            Object,
            Out,
            Ret, //
        },
        *,
    };
    use crate::{
        bpf::ProgTypes,
        error::Result,
        sync::aref::{
            ARef,
            AlwaysRefCounted, //
        },
    };
    use core::ptr::NonNull;

    struct Held;
    // SAFETY: There is no function that takes it.
    unsafe impl Object for Held {
        const NAME: &'static str = "held";
        const PROGS: ProgTypes = ProgTypes::ALL;
    }
    // SAFETY: As above.
    unsafe impl AlwaysRefCounted for Held {
        fn inc_ref(&self) {}
        unsafe fn dec_ref(_: NonNull<Self>) {}
    }
    // SAFETY: As above.
    unsafe impl Counted for Held {}

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

        const MEMORY: Kind = <Out<'_, u64> as ArgAbi>::KIND;
        const INTEGER: Kind = <u32 as ArgAbi>::KIND;
        const TRUSTED: Kind = <&Trusted as ArgAbi>::KIND;
        const RCU: Kind = <Option<&Rcu> as ArgAbi>::KIND;
        const REFERENCE: Kind = <ARef<Held> as ArgAbi>::KIND;
        let flags = |args: &[_]| Flags::of_args(args).map(|flags| flags.0);

        assert_eq!(flags(&[]), Ok(0));
        assert_eq!(flags(&[MEMORY, INTEGER]), Ok(0));
        assert_eq!(flags(&[TRUSTED, MEMORY]), Ok(0));
        assert_eq!(flags(&[RCU, MEMORY, RCU]), Ok(bindings::KF_RCU));
        assert_eq!(flags(&[RCU, MEMORY, TRUSTED]), Err(Conflict::Protection));
        assert_eq!(flags(&[TRUSTED, RCU]), Err(Conflict::Protection));
        assert_eq!(flags(&[REFERENCE, INTEGER]), Ok(bindings::KF_RELEASE));
        for iter in [
            Kind::IterNew("bpf_iter_a"),
            Kind::IterNext("bpf_iter_a"),
            Kind::IterDestroy("bpf_iter_a"),
        ] {
            assert_eq!(flags(&[RCU, iter]), Err(Conflict::Iterator));
        }
        assert_eq!(
            flags(&[Kind::IterNew("bpf_iter_a"), RCU]),
            Ok(bindings::KF_ITER_NEW | bindings::KF_RCU_PROTECTED | bindings::KF_RCU)
        );
        assert_eq!(
            flags(&[Kind::IterNext("bpf_iter_a")]),
            Ok(bindings::KF_ITER_NEXT)
        );
        assert_eq!(
            flags(&[Kind::IterDestroy("bpf_iter_a")]),
            Ok(bindings::KF_ITER_DESTROY)
        );
        assert_eq!(flags(&[INTEGER, REFERENCE]), Err(Conflict::Reference));
        for other in [MEMORY, TRUSTED, RCU, REFERENCE] {
            assert_eq!(flags(&[REFERENCE, other]), Err(Conflict::Reference));
        }
    }

    #[test]
    fn flags_follow_from_the_result() {
        use bindings::{
            KF_ACQUIRE,
            KF_RET_NULL, //
        };

        assert_eq!(<Result as Ret>::FLAGS.0, 0);
        assert_eq!(<ARef<Held> as Ret>::FLAGS.0, KF_ACQUIRE);
        assert_eq!(
            <Option<ARef<Held>> as Ret>::FLAGS.0,
            KF_ACQUIRE | KF_RET_NULL
        );
    }

    #[test]
    fn flags_are_joined() {
        let sleepable = bindings::KF_SLEEPABLE;
        let destructive = bindings::KF_DESTRUCTIVE;
        let rcu_protected = bindings::KF_RCU_PROTECTED;

        assert_eq!(NONE.0, 0);
        assert_eq!(KF_SLEEPABLE.0, sleepable);
        assert_eq!(KF_DESTRUCTIVE.0, destructive);
        assert_eq!(KF_RCU_PROTECTED.0, rcu_protected);
        assert_eq!(NONE.union(KF_SLEEPABLE).0, sleepable);
        assert_eq!(KF_SLEEPABLE.union(NONE).0, sleepable);
        assert_eq!(KF_SLEEPABLE.union(KF_SLEEPABLE).0, sleepable);
        assert_eq!(
            KF_SLEEPABLE.union(KF_DESTRUCTIVE).union(KF_RCU_PROTECTED).0,
            sleepable | destructive | rcu_protected
        );
    }
}
