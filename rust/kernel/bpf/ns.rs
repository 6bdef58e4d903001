// SPDX-License-Identifier: GPL-2.0

//! Namespaces of all types that BPF programs have pointers to.
//!
//! C header: [`include/linux/ns_common.h`](srctree/include/linux/ns_common.h)

use super::{
    btf::{
        Member,
        Struct,
        Type, //
    },
    kfunc::{
        Iter,
        Object,
        Pointers, //
    },
    ProgTypes, //
};
use crate::{
    current,
    error::{
        code::ENOENT,
        Result, //
    },
    ns::{
        self,
        Current,
        NsCommon, //
    },
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// An RCU protected namespace of any type. Programs see it as `struct bpf_ns`.
///
/// Programs have a pointer from an iterator, see [`TaskNamespaces`]. They see one member, which has
/// no meaning.
///
/// # Invariants
///
/// As for [`NsCommon`].
#[repr(transparent)]
pub struct RcuNs(NsCommon);

impl Deref for RcuNs {
    type Target = NsCommon;

    #[inline]
    fn deref(&self) -> &NsCommon {
        &self.0
    }
}

// SAFETY: The structure belongs to the module, so a pointer to one comes from an iterator of the
// module, and is RCU protected by the requirements of `Iter`. The verifier tracks that for all
// program types. Programs can read one member, which is within the `struct ns_common`.
unsafe impl Object for RcuNs {
    const NAME: &'static str = "bpf_ns";
    const TYPE: Type = Type::Struct(&Struct {
        name: Self::NAME,
        size: size_of::<*const ()>(),
        members: &[Member {
            name: "opaque",
            ty: Type::Ptr(&Type::Void),
            offset: 0,
        }],
    });
    const PROGS: ProgTypes = ProgTypes::ALL;
    const POINTERS: Pointers = Pointers::TrustedOrRcu;
}

/// The namespaces of the current task, in the order of [`ns::Type::ALL`]. Types that the kernel
/// lacks, and namespaces that the task has released, are left out.
pub struct TaskNamespaces {
    next: NonNull<RcuNs>,
    /// The index in [`ns::Type::ALL`] of the first type after `next`.
    rest: usize,
}

impl TaskNamespaces {
    /// Returns the namespaces of the current task.
    ///
    /// # Errors
    ///
    /// [`ENOENT`]: the task has released all of them.
    #[inline]
    pub fn of(task: Current<'_>) -> Result<Self> {
        Self::from(task, 0).ok_or(ENOENT)
    }

    /// Returns the namespaces of the types from an index on, if any.
    fn from(task: Current<'_>, first: usize) -> Option<Self> {
        (first..ns::Type::ALL.len()).find_map(|i| {
            let next = task.with(ns::Type::ALL[i], to_ptr).ok()?;

            Some(Self { next, rest: i + 1 })
        })
    }
}

/// A function, since bpftool reads no names of symbols as long as those with nested closures.
#[inline]
fn to_ptr(ns: &NsCommon) -> NonNull<RcuNs> {
    NonNull::from(ns).cast()
}

// SAFETY:
//
// - An RCU read-side critical section is of one task, so all calls have the same current task. Only
//   the task itself replaces its `nsproxy` and credentials, and the task cannot do so while a
//   program runs on top of it. So the namespaces are referenced until the program ends, except the
//   pid namespace of a released task. RCU protects that one, see `RcuTask::pid()`.
// - The index grows with each call, and is limited by the number of types.
// - The iterator needs no drop, since it holds no reference.
unsafe impl Iter for TaskNamespaces {
    const NAME: &'static str = "bpf_iter_task_ns";
    type Item = RcuNs;

    #[inline]
    unsafe fn next(self) -> (NonNull<RcuNs>, Option<Self>) {
        let rest = Self::from(Current::new(current!()), self.rest);

        (self.next, rest)
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_ns)]
mod tests {
    use super::*;

    #[test]
    fn each_namespace_of_the_task_once() -> Result {
        let task = current!();
        let task = Current::new(task);
        let mut rest = Some(TaskNamespaces::of(task)?);

        for ty in ns::Type::ALL.into_iter().filter(|ty| ty.is_supported()) {
            let Some(namespaces) = rest else {
                panic!("{} is missing", ty.name());
            };
            // SAFETY: The current task keeps its namespaces for the duration of the test.
            let (ns, more) = unsafe { namespaces.next() };
            // SAFETY: As above.
            let (found, id) = unsafe { (ns.as_ref().ns_type()?, ns.as_ref().id()) };

            assert_eq!(found, ty);
            assert_eq!(task.with(ty, NsCommon::id)?, id);
            rest = more;
        }
        assert!(rest.is_none());
        Ok(())
    }
}
