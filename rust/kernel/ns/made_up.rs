// SPDX-License-Identifier: GPL-2.0

//! Made-up namespaces and tasks for KUnit tests, with values that no running kernel has, and in
//! states that a test cannot reach.

use super::{
    NsCommon,
    RcuTask,
    Type, //
};
use crate::{
    bindings,
    current,
    prelude::*,
    task::CurrentTask, //
};
use core::mem::MaybeUninit;

/// Calls `f` with a namespace that has this device (a `dev_t` of the kernel), inode number and id.
///
/// # Errors
///
/// [`ENOMEM`].
pub fn with_namespace<R>(
    ty: Type,
    dev: bindings::dev_t,
    inum: u32,
    id: u64,
    f: impl FnOnce(&NsCommon) -> R,
) -> Result<R> {
    let mut ns = KBox::<bindings::ns_common>::new_uninit(GFP_KERNEL | __GFP_ZERO)?;
    let ptr = ns.as_mut_ptr();

    // SAFETY: All zeroes are valid for the structure, and it has an id at that offset. It is not
    // freed before `f` has returned.
    Ok(f(unsafe {
        (*ptr).ns_type = ty.flag();
        (*ptr).dev = dev;
        (*ptr).inum = inum;
        ptr.byte_add(bindings::NS_COMMON_NS_ID_OFFSET)
            .cast::<u64>()
            .write(id);
        NsCommon::from_raw(ptr)
    }))
}

/// A `struct pid` with one element of the flexible array at its end.
#[repr(C)]
struct Pid {
    pid: bindings::pid,
    number: bindings::upid,
}

/// An exiting task: in the initial pid namespace, with the credentials of the current task, and
/// without an `nsproxy`.
///
/// # Invariants
///
/// `task` points to `signal` and to `tid`. The thread group of `signal` is `tgid` or NULL.
pub struct ExitingTask {
    task: KBox<MaybeUninit<bindings::task_struct>>,
    signal: KBox<MaybeUninit<bindings::signal_struct>>,
    tgid: KBox<MaybeUninit<Pid>>,
    tid: KBox<MaybeUninit<Pid>>,
}

impl ExitingTask {
    /// The process id of the task.
    pub const TGID: i32 = 4242;
    /// The thread id of the task.
    pub const TID: i32 = 4243;

    /// Creates the task.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new() -> Result<Self> {
        // Not on the stack, which is too small for a task.
        let zeroed = GFP_KERNEL | __GFP_ZERO;
        let mut this = Self {
            task: KBox::new_uninit(zeroed)?,
            signal: KBox::new_uninit(zeroed)?,
            tgid: KBox::new_uninit(zeroed)?,
            tid: KBox::new_uninit(zeroed)?,
        };

        for (pid, nr) in [(&mut this.tgid, Self::TGID), (&mut this.tid, Self::TID)] {
            let pid = pid.as_mut_ptr().cast::<bindings::pid>();

            // SAFETY: All zeroes are valid, a level of 0 among them, and so there is one element.
            unsafe {
                let number = super::upid(pid, 0).cast_mut();
                (*number).nr = nr;
                (*number).ns = &raw mut bindings::init_pid_ns;
            }
        }
        let current = current!();
        // INVARIANT: All these pointers are set here.
        //
        // SAFETY: All zeroes are valid for these structures, no namespaces and no `exit_state`
        // among them. The current task is valid, and keeps its credentials.
        unsafe {
            let (task, signal) = (this.task.as_mut_ptr(), this.signal.as_mut_ptr());
            (*task).real_cred = (*current.as_ptr()).real_cred;
            (*task).cred = (*current.as_ptr()).cred;
            (*task).thread_pid = this.tid.as_mut_ptr().cast();
            (*task).signal = signal;
            (*signal).pids[bindings::pid_type_PIDTYPE_TGID as usize] =
                this.tgid.as_mut_ptr().cast();
        }
        Ok(this)
    }

    /// Returns the task as if it were the current one.
    pub fn as_current(&self) -> &CurrentTask {
        // SAFETY: The task has all fields that `Current` reads, and no other code has a pointer to
        // it. `CurrentTask` is transparent.
        unsafe { &*self.task.as_ptr().cast() }
    }

    #[cfg(CONFIG_RUST_NS_KUNIT_TEST)]
    fn set_exit_state(&mut self, state: u32) {
        // SAFETY: As for `new()`.
        unsafe { (*self.task.as_mut_ptr()).exit_state = state as i32 };
    }

    /// Changes the process like `release_task()` does.
    #[cfg(all(CONFIG_RUST_NS_KUNIT_TEST, CONFIG_PID_NS))]
    fn release_process(&mut self) {
        let tgid = bindings::pid_type_PIDTYPE_TGID as usize;

        // SAFETY: As for `new()`.
        unsafe { (*self.signal.as_mut_ptr()).pids[tgid] = core::ptr::null_mut() };
    }

    /// Changes the thread like `release_task()` does.
    #[cfg(all(CONFIG_RUST_NS_KUNIT_TEST, CONFIG_PID_NS))]
    fn release(&mut self) {
        // SAFETY: As for `new()`.
        unsafe { (*self.task.as_mut_ptr()).thread_pid = core::ptr::null_mut() };
    }
}

/// The number of pid namespaces of a [`NestedTask`].
const NR_LEVELS: usize = 3;

/// A `struct pid` with an element for each level.
#[repr(C)]
struct NestedPid {
    pid: bindings::pid,
    numbers: [bindings::upid; NR_LEVELS],
}

/// A process in a nested pid namespace.
///
/// # Invariants
///
/// `task` points to `signal` and to `pid`, and `pid` to all of `namespaces`.
pub struct NestedTask {
    task: KBox<MaybeUninit<bindings::task_struct>>,
    _signal: KBox<MaybeUninit<bindings::signal_struct>>,
    _pid: KBox<MaybeUninit<NestedPid>>,
    _namespaces: KBox<[MaybeUninit<bindings::pid_namespace>; NR_LEVELS]>,
}

impl NestedTask {
    /// The id of the task in the namespace of level 0. In each further level, it is one more.
    pub const PID: i32 = 4242;

    /// Creates the task, in pid namespaces with these ids.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(ids: [u64; NR_LEVELS]) -> Result<Self> {
        let zeroed = GFP_KERNEL | __GFP_ZERO;
        let mut task = KBox::<bindings::task_struct>::new_uninit(zeroed)?;
        let mut signal = KBox::<bindings::signal_struct>::new_uninit(zeroed)?;
        let mut pid = KBox::<NestedPid>::new_uninit(zeroed)?;
        let mut namespaces = KBox::new(
            [const { MaybeUninit::<bindings::pid_namespace>::zeroed() }; NR_LEVELS],
            GFP_KERNEL,
        )?;

        // INVARIANT: All these pointers are set here.
        //
        // SAFETY: All zeroes are valid for these structures. A `struct pid` with the last level has
        // `NR_LEVELS` elements, and a `struct pid_namespace` has an id at that offset.
        unsafe {
            let raw_pid = pid.as_mut_ptr().cast::<bindings::pid>();
            (*raw_pid).level = (NR_LEVELS - 1) as u32;
            for (level, id) in ids.into_iter().enumerate() {
                let ns = namespaces[level].as_mut_ptr();
                (*ns).level = level as u32;
                (&raw mut (*ns).ns)
                    .byte_add(bindings::NS_COMMON_NS_ID_OFFSET)
                    .cast::<u64>()
                    .write(id);
                let number = super::upid(raw_pid, level as u32).cast_mut();
                (*number).nr = Self::PID + level as i32;
                (*number).ns = ns;
            }
            (*task.as_mut_ptr()).thread_pid = raw_pid;
            (*task.as_mut_ptr()).signal = signal.as_mut_ptr();
            (*signal.as_mut_ptr()).pids[bindings::pid_type_PIDTYPE_TGID as usize] = raw_pid;
        }
        Ok(Self {
            task,
            _signal: signal,
            _pid: pid,
            _namespaces: namespaces,
        })
    }

    /// Returns the task.
    pub fn as_rcu(&self) -> &RcuTask {
        // SAFETY: The task has all fields that the methods about pids read, and is not freed for
        // the lifetime of the reference.
        unsafe { RcuTask::from_raw(self.task.as_ptr()) }
    }

    /// Changes the task like `release_task()` does.
    #[cfg(CONFIG_RUST_NS_KUNIT_TEST)]
    fn release(&mut self) {
        // SAFETY: As for `new()`.
        unsafe { (*self.task.as_mut_ptr()).thread_pid = core::ptr::null_mut() };
    }
}

#[cfg(CONFIG_RUST_NS_KUNIT_TEST)]
#[kunit_tests(rust_kernel_ns_made_up)]
mod tests {
    use super::*;
    use crate::{
        ns::{
            huge_encode_dev,
            Current,
            PidView, //
        },
        sync::rcu, //
    };

    const EXIT_STATES: [u32; 3] = [
        bindings::EXIT_ZOMBIE,
        bindings::EXIT_DEAD,
        bindings::EXIT_ZOMBIE | bindings::EXIT_DEAD,
    ];

    #[test]
    fn values_are_not_cut() -> Result {
        let dev = 0xabc << 20 | 0x1_2345;

        with_namespace(Type::Uts, dev, u32::MAX, 0xfedc_ba98_7654_3210, |ns| {
            assert_eq!(ns.dev(), dev);
            assert_eq!(huge_encode_dev(ns.dev()), 0x123a_bc45);
            assert_eq!(ns.inum(), u32::MAX);
            assert_eq!(ns.id(), 0xfedc_ba98_7654_3210);
            assert!(ns.ns_type() == Ok(Type::Uts));
        })
    }

    // The number of the initial namespace of another type does not match.
    #[test]
    fn initial_is_by_number_and_type() -> Result {
        for ty in Type::ALL {
            for other in Type::ALL {
                let is_initial = with_namespace(ty, 7, other.init_ino(), 1, NsCommon::is_initial)?;
                assert_eq!(is_initial, ty == other);
            }
            for inum in [0, ty.init_ino() - 16, ty.init_ino() & 0x7fff_ffff] {
                assert!(!with_namespace(ty, 7, inum, 1, NsCommon::is_initial)?);
            }
        }
        Ok(())
    }

    #[test]
    fn exiting_task_has_given_up_its_namespaces() -> Result {
        let task = ExitingTask::new()?;
        let namespaces = Current::new(task.as_current());

        for ty in Type::ALL {
            let err = match ty {
                Type::Pid | Type::User => None,
                _ => Some(ENOENT),
            };
            if ty.is_supported() {
                assert_eq!(namespaces.with(ty, |_| ()).err(), err);
            }
        }
        Ok(())
    }

    #[test]
    fn task_with_an_exit_state_may_be_released() -> Result {
        let mut task = ExitingTask::new()?;

        assert!(!task.as_current().may_be_released());
        for state in EXIT_STATES {
            task.set_exit_state(state);
            assert!(task.as_current().may_be_released());
        }
        Ok(())
    }

    // Another CPU may call `release_task()` on such a task at any time. Only lockdep sees the lock.
    #[test]
    #[cfg(all(CONFIG_PID_NS, CONFIG_DEBUG_LOCK_ALLOC))]
    fn task_that_may_be_released_is_read_under_rcu() -> Result {
        // SAFETY: The function may be called in any context.
        let is_locked = || unsafe { bindings::rcu_read_lock_held() != 0 };
        let mut task = ExitingTask::new()?;

        // If lockdep is off, the function always returns true.
        if is_locked() {
            return Ok(());
        }
        for state in EXIT_STATES {
            task.set_exit_state(state);
            let namespaces = Current::new(task.as_current());
            assert_eq!(namespaces.with_pid(|_| is_locked()), Ok(true));
            assert_eq!(namespaces.with(Type::Pid, |_| is_locked()), Ok(true));
            assert!(namespaces.tgid_pid_where(|_| is_locked()).is_ok());
        }
        assert!(!is_locked());
        Ok(())
    }

    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn ids_of_a_thread_and_of_its_process() -> Result {
        let mut task = ExitingTask::new()?;
        let ids = (ExitingTask::TGID, ExitingTask::TID);

        for state in [0, bindings::EXIT_DEAD] {
            task.set_exit_state(state);
            let namespaces = Current::new(task.as_current());
            assert!(namespaces.tgid_pid_where(|_| true) == Ok(ids));
        }
        Ok(())
    }

    // The namespaces with the ids 1000 and 2000 are nested in the initial one, with the id 4.
    #[test]
    fn task_is_visible_in_its_namespace_and_above() -> Result {
        let mut task = NestedTask::new([4, 1000, 2000])?;
        let view = |level, id| PidView { level, id };

        {
            let (task, guard) = (task.as_rcu(), rcu::read_lock());
            for (level, id) in [(0, 4), (1, 1000), (2, 2000)] {
                let nr = NestedTask::PID + level as i32;
                assert!(task.is_visible_in(&guard, view(level, id)));
                assert!(task.tgid_pid_in(&guard, view(level, id)) == Ok((nr, nr)));
            }
            for (level, id) in [
                (0, 1000),
                (1, 1001),
                (1, 2000),
                (2, 1000),
                (3, 2000),
                (0, 0),
            ] {
                assert!(!task.is_visible_in(&guard, view(level, id)));
                assert!(task.tgid_pid_in(&guard, view(level, id)) == Err(ESRCH));
                assert!(task.tgid_pid_below(&guard, view(level, id), |_| true) == Err(ESRCH));
            }
        }
        task.release();
        let guard = rcu::read_lock();
        assert!(!task.as_rcu().is_visible_in(&guard, view(0, 4)));
        assert!(task.as_rcu().tgid_pid_in(&guard, view(0, 4)) == Err(ESRCH));
        Ok(())
    }

    #[test]
    fn ids_below_a_namespace() -> Result {
        let task = NestedTask::new([4, 1000, 2000])?;
        let (task, guard) = (task.as_rcu(), rcu::read_lock());
        let view = PidView { level: 1, id: 1000 };
        let in_ns = |id| task.tgid_pid_below(&guard, view, |ns| ns.as_ref().id() == id);

        for level in [1, 2] {
            let nr = NestedTask::PID + level;
            assert!(in_ns(1000 * level as u64) == Ok((nr, nr)));
        }
        for id in [4, 3000] {
            assert!(in_ns(id) == Err(ESRCH));
        }
        Ok(())
    }

    // `release_task()` takes the process from a task before the thread.
    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn thread_of_a_released_process_has_no_ids() -> Result {
        let mut task = ExitingTask::new()?;

        task.set_exit_state(bindings::EXIT_DEAD);
        assert!(task.as_current().may_be_released());
        task.release_process();
        let namespaces = Current::new(task.as_current());
        assert!(namespaces.tgid_pid_where(|_| true) == Err(ESRCH));
        assert!(namespaces.with_pid(|_| ()).is_ok());
        {
            // SAFETY: No other code frees the task.
            let task = unsafe { RcuTask::from_raw(task.task.as_ptr()) };
            let guard = rcu::read_lock();
            assert!(task.tgid_pid_where(&guard, |_| true) == Err(ESRCH));
            assert!(task.pid(&guard).is_ok());
        }

        task.release();
        let namespaces = Current::new(task.as_current());
        assert!(namespaces.tgid_pid_where(|_| true) == Err(ESRCH));
        assert_eq!(namespaces.with_pid(|_| ()).err(), Some(ENOENT));
        Ok(())
    }
}
