// SPDX-License-Identifier: GPL-2.0

//! Tasks: additions of the series to `kernel::task`.

use crate::{
    bindings,
    str::BStr, //
};
use core::ops::Deref;

pub use kernel::task::*;

/// The current task, see [`kernel::task::CurrentTask`].
#[repr(transparent)]
pub struct CurrentTask(kernel::task::CurrentTask);

impl CurrentTask {
    /// Returns a pointer to the task.
    #[inline]
    pub fn as_ptr(&self) -> *mut bindings::task_struct {
        // CAST: The same structure in other bindings.
        self.0.as_ptr().cast()
    }

    /// Returns whether the current task is a kernel thread, `PF_KTHREAD`.
    ///
    /// User workers, `PF_USER_WORKER`, are not kernel threads in this sense.
    #[inline]
    pub fn is_kthread(&self) -> bool {
        // SAFETY: The current task is valid, and only the task itself changes this flag.
        let flags = unsafe { (*self.as_ptr()).flags };

        flags & bindings::PF_KTHREAD != 0
    }

    /// Returns whether `release_task()` may have been called on the task, or run concurrently.
    ///
    /// `release_task()` is only called on tasks with an `exit_state`. The task itself sets the
    /// state in `exit_notify()`.
    #[inline]
    pub fn may_be_released(&self) -> bool {
        // SAFETY: The current task is valid. Other CPUs may write to the field, so the read is
        // volatile.
        unsafe { (&raw const (*self.as_ptr()).exit_state).read_volatile() != 0 }
    }

    /// Copies the name of the current task, `comm` in `proc(5)`, into `buf`.
    ///
    /// A task chooses its own name, so the name may have any bytes except NUL. Formatting the
    /// result escapes unprintable bytes.
    pub fn comm<'a>(&self, buf: &'a mut [u8; bindings::TASK_COMM_LEN as usize]) -> &'a BStr {
        // SAFETY: `buf` and `comm` are both valid for `TASK_COMM_LEN` bytes. `comm` may change at
        // any time, as everywhere where it is read, but its last byte is always NUL.
        let len = unsafe {
            bindings::sized_strscpy(
                buf.as_mut_ptr().cast(),
                (&raw const (*self.as_ptr()).comm).cast(),
                buf.len(),
            )
        };

        BStr::from_bytes(usize::try_from(len).map_or(&[], |len| &buf[..len.min(buf.len())]))
    }
}

impl Deref for CurrentTask {
    type Target = kernel::task::CurrentTask;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Returns the current task, like [`kernel::task::Task::current`].
///
/// # Safety
///
/// The result must not be used outside of the context of the current task.
#[doc(hidden)]
#[inline]
pub unsafe fn current() -> impl Deref<Target = CurrentTask> {
    struct TaskRef<T>(T);

    impl<T: Deref<Target = kernel::task::CurrentTask>> Deref for TaskRef<T> {
        type Target = CurrentTask;

        #[inline]
        fn deref(&self) -> &CurrentTask {
            // SAFETY: `CurrentTask` is transparent.
            unsafe { &*core::ptr::from_ref(&*self.0).cast() }
        }
    }

    // SAFETY: By the function's safety requirements.
    TaskRef(unsafe { Task::current() })
}

/// Returns the current task, see [`kernel::current!`].
#[macro_export]
macro_rules! current {
    () => {
        // SAFETY: As in `current!` of the `kernel` crate.
        unsafe { &*$crate::task::current() }
    };
}
