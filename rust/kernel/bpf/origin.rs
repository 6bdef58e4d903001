// SPDX-License-Identifier: GPL-2.0

//! The namespaces from which a BPF program was loaded.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    bindings,
    ns::{
        NsCommon,
        PidView,
        RcuTask, //
    },
    prelude::*,
    sync::rcu, //
};

#[cfg(CONFIG_BPF_PROG_ORIGIN)]
use bindings::bpf_prog_origin;

/// The structure of a kernel that records no origin.
#[cfg(not(CONFIG_BPF_PROG_ORIGIN))]
#[allow(non_camel_case_types)]
struct bpf_prog_origin {
    pidns_id: u64,
    netns_id: u64,
    pidns_level: u32,
}

/// The namespaces from which a program was loaded, its origin.
///
/// A program of the initial pid namespace sees all tasks and net namespaces. Any other program sees
/// the tasks that `/proc` shows in its pid namespace, and its own net namespace. A program with an
/// origin of zero sees nothing.
///
/// An origin stays valid when the loader and its namespaces are gone, since the ids are never
/// reused. Then it matches no namespace.
///
/// Wraps the kernel's `struct bpf_prog_origin`.
#[repr(transparent)]
pub struct Origin(bpf_prog_origin);

impl Origin {
    /// Whether this kernel records the origin of programs (`CONFIG_BPF_PROG_ORIGIN`).
    ///
    /// Otherwise, all programs have the initial origin. So a filter must allow only loaders in the
    /// initial pid namespace.
    pub const IS_RECORDED: bool = cfg!(CONFIG_BPF_PROG_ORIGIN);

    /// The initial pid and net namespaces.
    pub const INITIAL: Self = Self(bpf_prog_origin {
        pidns_id: bindings::init_ns_id_PID_NS_INIT_ID as u64,
        netns_id: bindings::init_ns_id_NET_NS_INIT_ID as u64,
        pidns_level: 0,
    });

    /// Returns the origin of a program.
    ///
    /// # Safety
    ///
    /// The program must be loaded, or be in the verifier, and must not be freed for the duration of
    /// `'a`.
    #[inline(always)]
    pub(super) unsafe fn of<'a>(prog: *const bindings::bpf_prog_aux) -> &'a Self {
        #[cfg(CONFIG_BPF_PROG_ORIGIN)]
        // SAFETY: By the function's safety requirements. `bpf_prog_load()` writes the origin before
        // it calls the verifier, and no code does after that. `Self` is transparent.
        unsafe {
            &*(&raw const (*prog).origin).cast()
        }
        #[cfg(not(CONFIG_BPF_PROG_ORIGIN))]
        {
            let _ = prog;
            &Self::INITIAL
        }
    }

    /// Returns whether the program sees all tasks and net namespaces, because it was loaded from
    /// the initial pid namespace.
    ///
    /// This compares the id. A zeroed origin has the level of the initial pid namespace, too.
    #[inline(always)]
    pub fn sees_all(&self) -> bool {
        self.0.pidns_id == Self::INITIAL.0.pidns_id
    }

    /// Returns the pid namespace from which the program was loaded.
    #[inline]
    pub fn pid_view(&self) -> PidView {
        PidView {
            level: self.0.pidns_level,
            id: self.0.pidns_id,
        }
    }

    /// Calls `f` if the program sees a task: `/proc` of its pid namespace shows the task.
    ///
    /// A program that sees all also sees a released task. For such programs, callers check
    /// [`Self::sees_all`] first on a hot path, since this function is not inline.
    ///
    /// # Errors
    ///
    /// [`ESRCH`]: the program does not see the task. And the errors of `f`.
    #[cold]
    #[inline(never)]
    pub fn if_sees<R>(&self, task: &RcuTask, f: impl FnOnce() -> Result<R>) -> Result<R> {
        if self.sees_all() || task.is_visible_in(&rcu::read_lock(), self.pid_view()) {
            return f();
        }
        Err(ESRCH)
    }

    /// Returns whether the program sees a net namespace, by the rule of nsfs: the initial pid
    /// namespace sees all, and others see their own.
    #[inline(always)]
    pub fn sees_net(&self, net: &NsCommon) -> bool {
        self.sees_all() || self.0.netns_id == net.id()
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_origin)]
mod tests {
    use super::*;
    use crate::{
        ns::{
            made_up::{
                with_namespace,
                NestedTask, //
            },
            Type, //
        }, //
    };

    const fn origin(pidns_id: u64, pidns_level: u32, netns_id: u64) -> Origin {
        Origin(bpf_prog_origin {
            pidns_id,
            netns_id,
            pidns_level,
        })
    }

    fn sees(origin: &Origin, task: &NestedTask) -> bool {
        let result = origin.if_sees(task.as_rcu(), || Ok(()));

        assert!(matches!(result, Ok(()) | Err(ESRCH)));
        result.is_ok()
    }

    fn sees_net(origin: &Origin, id: u64) -> Result<bool> {
        with_namespace(Type::Net, 7, 4026533000, id, |net| origin.sees_net(net))
    }

    // `enum init_ns_id` in the UAPI.
    #[test]
    fn initial_is_an_id() {
        assert!(Origin::INITIAL.sees_all());
        assert!(origin(4, 0, 0).sees_all());
        for id in [0, 1, 3, 5, 7, 4 << 32, u64::MAX] {
            assert!(!origin(id, 0, 7).sees_all());
        }
    }

    #[test]
    fn tasks_below_the_origin_are_visible() -> Result {
        // The task lives at level 2.
        let task = NestedTask::new([4, 100, 200])?;

        assert!(sees(&Origin::INITIAL, &task));
        assert!(sees(&origin(100, 1, 0), &task));
        assert!(sees(&origin(200, 2, 0), &task));
        for (id, level) in [
            (101, 1),
            (100, 0),
            (200, 1),
            (100, 2),
            (300, 3),
            (0, 0),
            (0, 1),
        ] {
            assert!(!sees(&origin(id, level, 7), &task));
        }
        Ok(())
    }

    #[test]
    fn zero_sees_nothing() -> Result {
        let zero = origin(0, 0, 0);

        assert!(!zero.sees_all());
        assert!(!sees(&zero, &NestedTask::new([4, 100, 200])?));
        for id in [4, 7, 100] {
            assert!(!sees_net(&zero, id)?);
        }
        Ok(())
    }

    #[test]
    fn own_net_namespace_is_visible() -> Result {
        for id in [7, 300, 301] {
            assert!(sees_net(&Origin::INITIAL, id)?);
            assert!(sees_net(&origin(4, 0, 300), id)?);
            assert_eq!(sees_net(&origin(100, 1, 300), id)?, id == 300);
        }
        Ok(())
    }
}
