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

/// The name of a pid namespace as a structure in BTF.
const NAME: &str = "bpf_pid_ns";

/// Its description. The member has no meaning.
const TYPE: Type = Type::Struct(&Struct {
    name: NAME,
    size: size_of::<*const ()>(),
    members: &[Member {
        name: "opaque",
        ty: Type::Ptr(&Type::Void),
        offset: 0,
    }],
});

/// The types of programs that may pass a pointer to one, see [`Counted`] of [`PidNs`].
const PROGS: ProgTypes = ProgTypes::new(&[ProgType::SYSCALL, ProgType::LSM]);

/// A pid namespace that somebody holds a reference to, to programs a `struct bpf_pid_ns`.
///
/// That is a structure of the module's own: a module cannot register a destructor for one of
/// `vmlinux`, and the kernel has none for `struct pid_namespace`. So programs could not keep that
/// in maps. Programs see one member of it, which has no meaning.
///
/// # Invariants
///
/// It is a `struct pid_namespace` that is set up, and whose count of references is not zero as long
/// as the reference to it lives.
#[repr(transparent)]
pub struct PidNs(PidNamespace);

impl PidNs {
    /// Returns a reference to a namespace.
    #[doc(alias = "get_pid_ns")]
    #[inline]
    pub fn get(ns: &PidNamespace) -> ARef<Self> {
        let ns = ARef::into_raw(ARef::from(ns)).cast();

        // SAFETY: The reference was taken right above. `Self` is transparent, and counts alike.
        // INVARIANT: The namespace is there as long as the reference is.
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

// SAFETY: The count is that of `PidNamespace`, which is always counted.
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

// SAFETY: The structure is the module's own, so a pointer to one can only come from a kfunc of the
// module that returns an `ARef<PidNs>`, or from a map where the program put that. Those from a map
// are references if bpf_kptr_xchg() returned them. Others are not trusted, since it is no structure
// that the verifier takes for protected by RCU. So the program holds a reference. Programs read one
// member, which is within the `struct pid_namespace`.
unsafe impl Object for PidNs {
    const NAME: &'static str = NAME;
    const TYPE: Type = TYPE;
    const PROGS: ProgTypes = PROGS;
}

// SAFETY: The kfuncs of other modules have another structure, so all references are counted here.
// put_pid_ns() may queue work, for which any context will do but NMI, and where a lock of the
// workqueue is held. Neither programs that userspace runs nor hooks of security modules run there.
// The kernel gives back a reference in a map where it frees the memory, see bpf_obj_free_fields():
// in its own work, or after a grace period. Deleting or overwriting an element comes before that.
unsafe impl Counted for PidNs {}

/// A pid namespace that RCU keeps.
///
/// Programs have a pointer to one by a reference, see [`PidNs`], or from an iterator, see
/// [`PidNamespaces`]. Nobody need hold a reference to it.
///
/// # Invariants
///
/// It is a `struct pid_namespace` that has been set up, and is not freed as long as the reference
/// to it lives.
#[repr(transparent)]
pub struct RcuPidNs(PidNamespace);

impl AsRef<NsCommon> for RcuPidNs {
    #[inline]
    fn as_ref(&self) -> &NsCommon {
        self.0.as_ref()
    }
}

// SAFETY: As for `PidNs`, or from an iterator of this module, by the requirements of which RCU
// keeps it.
unsafe impl Object for RcuPidNs {
    const NAME: &'static str = NAME;
    const TYPE: Type = TYPE;
    const PROGS: ProgTypes = PROGS;
    const POINTERS: Pointers = Pointers::TrustedOrRcu;
}

/// The pid namespaces that a task can be seen in: from the one that it lives in, up to the initial
/// one.
pub struct PidNamespaces(NonNull<RcuPidNs>);

impl PidNamespaces {
    /// Returns those of a task.
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
// - RCU keeps the first namespace since its task has it, see `RcuTask::pid()`. A namespace has a
//   reference to its parent, which it gives up after it has asked for a grace period, in
//   `destroy_pid_namespace_work()`. The parent asks for one of its own. So a namespace that
//   is there when the critical section begins is not freed in it, and neither is any parent.
// - The initial namespace has no parent. Parents never change.
// - There is nothing to drop.
unsafe impl Iter for PidNamespaces {
    const NAME: &'static str = "bpf_iter_pid_ns";
    type Item = RcuPidNs;

    #[inline]
    unsafe fn next(self) -> (NonNull<RcuPidNs>, Option<Self>) {
        let ns = self.0.as_ptr().cast::<bindings::pid_namespace>();

        // SAFETY: By the function's safety requirements the namespace is there, as said above.
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
        // SAFETY: As above. The id must not be that of an initial namespace, which is not counted.
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
            // SAFETY: The initial namespace is always there.
            let (item, rest) = unsafe { first.next() };

            assert!(core::ptr::eq(item.as_ptr().cast(), ns));
            assert!(rest.is_none());
        })
    }
}
