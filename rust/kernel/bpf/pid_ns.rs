// SPDX-License-Identifier: GPL-2.0

//! Pid namespaces that BPF programs have pointers to.
//!
//! C header: [`include/linux/pid_namespace.h`](srctree/include/linux/pid_namespace.h)

use super::{
    btf::{
        Member,
        Struct,
        Type, //
    },
    kfunc::{
        Counted,
        Iter,
        Object,
        Pointers, //
    },
    ProgType,
    ProgTypes, //
};
use crate::{
    bindings,
    error::Result,
    ns::{
        NsCommon,
        RcuTask, //
    },
    pid_namespace::PidNamespace,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        rcu, //
    },
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// The name of the structure in BTF.
const NAME: &str = "bpf_pid_ns";

/// The description of the structure. The member has no meaning.
const TYPE: Type = Type::Struct(&Struct {
    name: NAME,
    size: size_of::<*const ()>(),
    members: &[Member {
        name: "opaque",
        ty: Type::Ptr(&Type::Void),
        offset: 0,
    }],
});

/// The program types that may pass a pointer to the structure, see [`Counted`] of [`PidNs`].
const PROGS: ProgTypes = ProgTypes::new(&[ProgType::SYSCALL, ProgType::LSM]);

/// A pid namespace to which a reference is held. Programs see it as `struct bpf_pid_ns`.
///
/// This is a structure of the module, so that programs can store references in maps: a module can
/// register destructors only for its own structures, and the kernel has none for
/// `struct pid_namespace`. Programs see one member, which has no meaning.
///
/// # Invariants
///
/// The `struct pid_namespace` is set up, and its reference count is not zero for the lifetime of
/// the reference.
#[repr(transparent)]
pub struct PidNs(PidNamespace);

impl PidNs {
    /// Returns a reference to a namespace.
    #[doc(alias = "get_pid_ns")]
    #[inline]
    pub fn get(ns: &PidNamespace) -> ARef<Self> {
        let ns = ARef::into_raw(ARef::from(ns)).cast();

        // SAFETY: The reference was taken just above. `Self` is transparent, and uses the same
        // count.
        // INVARIANT: The reference keeps the namespace valid.
        unsafe { ARef::from_raw(ns) }
    }
}

impl Deref for PidNs {
    type Target = PidNamespace;

    #[inline]
    fn deref(&self) -> &PidNamespace {
        &self.0
    }
}

// SAFETY: The count is the one of `PidNamespace`, which is always reference counted.
unsafe impl AlwaysRefCounted for PidNs {
    #[inline]
    fn inc_ref(&self) {
        self.0.inc_ref();
    }

    #[inline]
    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: By the function's safety requirements. `PidNs` is transparent.
        unsafe { PidNamespace::dec_ref(obj.cast()) };
    }
}

// SAFETY: `PidNamespace` can be sent to other threads.
unsafe impl Send for PidNs {}

// SAFETY: `PidNamespace` can be shared with other threads.
unsafe impl Sync for PidNs {}

// SAFETY: The structure belongs to the module, so a pointer to one comes from a kfunc of the module
// that returns an `ARef<PidNs>`, or from a map in which the program stored that result. A pointer
// from a map is a reference if bpf_kptr_xchg() returned it. Otherwise it is not trusted, since the
// verifier does not treat the structure as RCU protected. So the program holds a reference.
// Programs can read one member, which is within the `struct pid_namespace`.
unsafe impl Object for PidNs {
    const NAME: &'static str = NAME;
    const TYPE: Type = TYPE;
    const PROGS: ProgTypes = PROGS;
}

// SAFETY: The kfuncs of other modules have another structure, so all references are counted here.
// put_pid_ns() may queue work. That is allowed in any context, except in NMI and while a lock of
// the workqueue is held. Syscall programs and LSM programs do not run in these contexts. The kernel
// releases a reference in a map when it frees the memory, see bpf_obj_free_fields(): in a work
// item, or after a grace period. So neither deletion nor overwriting of an element releases a
// reference immediately.
unsafe impl Counted for PidNs {}

/// An RCU protected pid namespace.
///
/// Programs have a pointer by a reference, see [`PidNs`], or from an iterator, see
/// [`PidNamespaces`]. The reference count may be zero.
///
/// # Invariants
///
/// The `struct pid_namespace` is set up, and is not freed for the lifetime of the reference.
#[repr(transparent)]
pub struct RcuPidNs(PidNamespace);

impl AsRef<NsCommon> for RcuPidNs {
    #[inline]
    fn as_ref(&self) -> &NsCommon {
        self.0.as_ref()
    }
}

// SAFETY: As for `PidNs`. Pointers from an iterator of this module are RCU protected by the
// requirements of `Iter`.
unsafe impl Object for RcuPidNs {
    const NAME: &'static str = NAME;
    const TYPE: Type = TYPE;
    const PROGS: ProgTypes = PROGS;
    const POINTERS: Pointers = Pointers::TrustedOrRcu;
}

/// The pid namespaces in which a task is visible: from the one that it lives in, up to the initial
/// one.
pub struct PidNamespaces(NonNull<RcuPidNs>);

impl PidNamespaces {
    /// Returns the pid namespaces of a task.
    ///
    /// # Errors
    ///
    /// As [`RcuTask::pid`].
    #[inline]
    pub fn of(task: &RcuTask, guard: &rcu::Guard) -> Result<Self> {
        Ok(Self(NonNull::from(task.pid(guard)?).cast()))
    }
}

// SAFETY:
//
// - The first namespace is RCU protected, because a task lives in it, see `RcuTask::pid()`. A
//   namespace has a reference to its parent. It drops this reference in
//   `destroy_pid_namespace_work()`, after the call of `call_rcu()` that frees the namespace. The
//   parent is freed after a grace period of its own. So if a namespace exists when the critical
//   section begins, neither the namespace nor any of its ancestors is freed in the section.
// - The initial namespace has no parent. Parents never change.
// - The iterator needs no drop, since it holds no reference.
unsafe impl Iter for PidNamespaces {
    const NAME: &'static str = "bpf_iter_pid_ns";
    type Item = RcuPidNs;

    #[inline]
    unsafe fn next(self) -> (NonNull<RcuPidNs>, Option<Self>) {
        let ns = self.0.as_ptr().cast::<bindings::pid_namespace>();

        // SAFETY: By the function's safety requirements, the namespace is not freed, see above.
        let parent = unsafe { (*ns).parent };
        (self.0, NonNull::new(parent.cast()).map(Self))
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_pid_ns)]
mod tests {
    use super::*;
    use crate::{
        current,
        ns::{
            Current,
            Type as NsType, //
        },
        prelude::*, //
    };
    use core::mem::MaybeUninit;

    #[test]
    fn reference_is_counted() -> Result {
        let mut memory = KBox::new(MaybeUninit::<bindings::pid_namespace>::zeroed(), GFP_KERNEL)?;
        let raw = memory.as_mut_ptr();
        // SAFETY: All zeroes are valid for the structure, and no other code has a pointer to it.
        let count = unsafe { &raw mut (*raw).ns.__bindgen_anon_1.__ns_ref.refs.counter };
        // SAFETY: As above. The id must not be the one of an initial namespace, which is not
        // counted.
        let ns = unsafe {
            count.write(1);
            (&raw mut (*raw).ns)
                .byte_add(bindings::NS_COMMON_NS_ID_OFFSET)
                .cast::<u64>()
                .write(u64::MAX);
            PidNamespace::from_ptr(raw.cast())
        };
        // SAFETY: As above.
        let count = || unsafe { count.read_volatile() };
        let one = i32::from(NsType::Pid.is_supported());

        let held = PidNs::get(ns);
        assert!(core::ptr::eq(ns, &**held));
        assert_eq!(count(), 1 + one);
        let more = held.clone();
        assert_eq!(count(), 1 + 2 * one);
        drop(held);
        drop(more);
        assert_eq!(count(), 1);
        Ok(())
    }

    #[test]
    fn initial_namespace_is_the_last() -> Result {
        Current::new(current!()).with_pid(|ns| {
            let first = PidNamespaces(NonNull::from(ns).cast());
            // SAFETY: The initial namespace is never freed.
            let (item, rest) = unsafe { first.next() };

            assert!(core::ptr::eq(item.as_ptr().cast(), ns));
            assert!(rest.is_none());
        })
    }
}
