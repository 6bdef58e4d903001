// SPDX-License-Identifier: GPL-2.0

//! Namespaces of a task other than the current one, under its lock.

use super::{
    nsproxy,
    NsCommon,
    RcuTask,
    Type, //
};
use crate::{
    bindings,
    prelude::*,
    sync::{
        lock::{
            spinlock::SpinLockBackend,
            Lock, //
        },
        rcu,
        SpinLockGuard, //
    }, //
};

impl RcuTask {
    /// Calls `f` with the namespace of type `ty` that the task is in, as in `/proc/PID/ns`. `f`
    /// must not sleep.
    ///
    /// [`Type::Pid`] and [`Type::User`] are read under RCU. The other types need the lock of the
    /// task, which is held while `f` runs.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without namespaces of this type.
    /// - [`ENOENT`]: the task is exiting and has released the namespace, or has been released.
    /// - [`EBUSY`]: see [`Self::try_lock`].
    #[inline(always)]
    pub fn try_with<R>(
        &self,
        guard: &rcu::Guard,
        ty: Type,
        f: impl FnOnce(&NsCommon) -> R,
    ) -> Result<R> {
        if !ty.is_supported() {
            return Err(EOPNOTSUPP);
        }
        match ty {
            Type::Pid => self.pid(guard).map(|ns| f(ns.as_ref())),
            Type::User => self.user(guard).map(f),
            ty => self.try_lock(guard)?.ns(ty).map(f),
        }
    }

    /// Locks the task, so that none of its namespaces changes.
    ///
    /// The lock is `alloc_lock`, which `task_lock()` takes in C. This function only tries the lock
    /// and never waits, so the current task may hold the lock already. All other code takes the
    /// lock in process context with interrupts enabled, and none waits for the lock in an
    /// interrupt. So an interrupt may try the lock, too: a task that waits meanwhile runs on
    /// another CPU.
    ///
    /// `bpf_iter_task_vma_new()` in [`kernel/bpf/task_iter.c`] tries the same lock.
    ///
    /// # Errors
    ///
    /// [`EBUSY`]: the lock is held, or the context does not permit an attempt:
    ///
    /// | context | without `PREEMPT_RT` | with `PREEMPT_RT` |
    /// | --- | --- | --- |
    /// | preemptible | tried | tried |
    /// | preemption disabled, raw spinlock held, interrupts disabled | tried | [`EBUSY`] |
    /// | softirq | tried | tried if preemptible |
    /// | hard interrupt | tried | [`EBUSY`] |
    /// | NMI | [`EBUSY`] | [`EBUSY`] |
    /// | the current task holds the lock | [`EBUSY`], see below | [`EBUSY`] |
    /// | the current task waits for another lock | tried | [`EBUSY`] |
    ///
    /// With `PREEMPT_RT`, the lock is an `rt_mutex`. A release may wake a waiter, which takes raw
    /// spinlocks of the scheduler, and the caller may hold these. An attempt makes the current task
    /// the owner, which is wrong in an interrupt. An attempt also clears `pi_blocked_on`, which is
    /// in use while the task waits for another `rt_mutex`.
    ///
    /// In an NMI, lockdep does not follow locks, and the release of a paravirtual spinlock may call
    /// the hypervisor. So an NMI does not try the lock.
    ///
    /// On a uniprocessor, a spinlock only disables preemption, unless `CONFIG_DEBUG_SPINLOCK` is
    /// set. An attempt always succeeds there, also in an interrupt in the middle of the locked
    /// section. The result is still right: nothing else runs meanwhile, and the interrupted task
    /// frees its old `nsproxy` only after the store of the new one.
    ///
    /// [`kernel/bpf/task_iter.c`]: srctree/kernel/bpf/task_iter.c
    #[doc(alias = "task_lock")]
    #[inline]
    pub fn try_lock<'a>(&'a self, guard: &'a rcu::Guard) -> Result<LockedTask<'a>> {
        if !may_try_lock() {
            return Err(EBUSY);
        }
        // SAFETY: By the type invariants the task is valid for the duration of `'a`.
        // `copy_process()` initialises the lock before it calls a hook or a tracepoint.
        // CAST: The type of the same structure in other bindings.
        let lock = unsafe {
            Lock::<(), SpinLockBackend>::from_raw((&raw mut (*self.0.get()).alloc_lock).cast())
        };

        // INVARIANT: The task is locked, and `guard` lives as long as the result.
        Ok(LockedTask {
            task: self,
            guard,
            _lock: lock.try_lock().ok_or(EBUSY)?,
        })
    }
}

/// A locked task, which keeps all of its namespaces.
///
/// # Invariants
///
/// The lock and the RCU read side lock are held as long as the value lives.
pub struct LockedTask<'a> {
    task: &'a RcuTask,
    guard: &'a rcu::Guard,
    _lock: SpinLockGuard<'a, ()>,
}

impl LockedTask<'_> {
    /// Returns the namespace of type `ty` that the task is in, as in `/proc/PID/ns`.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without namespaces of this type.
    /// - [`ENOENT`]: the task is exiting and has released the namespace, or has been released.
    #[inline]
    pub fn ns(&self, ty: Type) -> Result<&NsCommon> {
        if !ty.is_supported() {
            return Err(EOPNOTSUPP);
        }
        // SAFETY: By the type invariants of `RcuTask` the task is valid. A task replaces its
        // `nsproxy` under the lock, and releases the old one after that. The lock is held for the
        // lifetime of the result. A task in creation has an `nsproxy` of its own, or that of its
        // parent, which cannot replace it in the middle of `copy_process()`.
        Ok(unsafe {
            ns_of_type!(
                ty,
                nsproxy(self.task.as_ptr())?,
                pid: self.task.pid(self.guard)?.as_ref(),
                user: self.task.user(self.guard)?
            )
        })
    }
}

/// Returns whether the lock of a task may be tried in the context of the caller. See
/// [`RcuTask::try_lock`].
#[cfg(not(CONFIG_PREEMPT_RT))]
#[inline]
fn may_try_lock() -> bool {
    // SAFETY: An FFI call with no additional requirements.
    !unsafe { bindings::in_nmi() }
}

/// Returns whether the lock of a task may be tried in the context of the caller. See
/// [`RcuTask::try_lock`].
#[cfg(CONFIG_PREEMPT_RT)]
#[inline]
fn may_try_lock() -> bool {
    // SAFETY: FFI calls with no additional requirements. There is always a current task.
    unsafe {
        bindings::preemptible()
            && (&raw const (*bindings::get_current()).pi_blocked_on)
                .read_volatile()
                .is_null()
    }
}

#[cfg(CONFIG_RUST_NS_KUNIT_TEST)]
#[kunit_tests(rust_kernel_ns_lock)]
mod tests {
    use super::*;
    use crate::{
        current,
        ns::Current,
        sync::lock::Backend, //
    };
    use core::mem::MaybeUninit;

    // On a uniprocessor, a spinlock without CONFIG_DEBUG_SPINLOCK has no state.
    const HAS_STATE: bool = cfg!(any(CONFIG_SMP, CONFIG_DEBUG_SPINLOCK, CONFIG_PREEMPT_RT));

    #[test]
    fn locked_task_is_what_current_is() -> Result {
        let current = current!();
        // SAFETY: The current task is valid for the whole test.
        let task = unsafe { RcuTask::from_raw(current.as_ptr()) };
        let guard = rcu::read_lock();

        assert!(task.is(current));
        for ty in Type::ALL {
            let own = Current::new(current).with(ty, NsCommon::as_ptr);

            assert!(task.try_with(&guard, ty, NsCommon::as_ptr) == own);
            assert!(task.try_lock(&guard)?.ns(ty).map(NsCommon::as_ptr) == own);
        }
        Ok(())
    }

    #[test]
    fn user_namespace_under_rcu() {
        let current = current!();
        // SAFETY: The current task is valid for the whole test.
        let task = unsafe { RcuTask::from_raw(current.as_ptr()) };
        let own = Current::new(current).with(Type::User, NsCommon::as_ptr);

        assert!(task.user(&rcu::read_lock()).map(NsCommon::as_ptr) == own);
    }

    #[test]
    fn lock_is_held_as_long_as_the_value_lives() -> Result {
        let current = current!();
        // SAFETY: The current task is valid for the whole test.
        let task = unsafe { RcuTask::from_raw(current.as_ptr()) };
        let guard = rcu::read_lock();
        let is_refused = |ty| task.try_with(&guard, ty, |_| ()) == Err(EBUSY);

        let locked = task.try_lock(&guard)?;
        let is_held = task.try_lock(&guard).err() == Some(EBUSY);
        assert_eq!(is_held, HAS_STATE);
        for ty in Type::ALL {
            let takes_lock = ty.is_supported() && ty != Type::Pid && ty != Type::User;
            let expected = HAS_STATE && takes_lock;
            assert_eq!(is_refused(ty), expected);
        }
        drop(locked);
        assert!(!Type::ALL.into_iter().any(is_refused));
        Ok(())
    }

    // `exit_nsproxy_namespaces()` leaves a task without an `nsproxy`.
    #[test]
    fn task_that_has_released_its_namespaces() -> Result {
        let mut task = KBox::new(MaybeUninit::<bindings::task_struct>::zeroed(), GFP_KERNEL)?;
        // SAFETY: All zeroes are valid: without a `struct pid` and an `nsproxy`, the methods read
        // no other field. The lock is initialised.
        let task = unsafe {
            SpinLockBackend::init(
                &raw mut (*task.as_mut_ptr()).alloc_lock,
                c"alloc_lock".as_char_ptr(),
                crate::static_lock_class!().as_ptr(),
            );
            RcuTask::from_raw(task.as_ptr())
        };
        let guard = rcu::read_lock();

        for ty in Type::ALL {
            if ty != Type::User {
                let expected = if ty.is_supported() {
                    ENOENT
                } else {
                    EOPNOTSUPP
                };
                assert!(task.try_with(&guard, ty, |_| ()) == Err(expected));
            }
        }
        Ok(())
    }
}
