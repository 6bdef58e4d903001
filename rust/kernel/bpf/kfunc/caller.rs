// SPDX-License-Identifier: GPL-2.0

//! Evidence that a BPF program calls a kfunc, on top of the current task.

use crate::{
    bindings,
    task::CurrentTask,
    types::NotThreadSafe, //
};

/// Evidence that a BPF program is calling the code.
///
/// # Invariants
///
/// The program runs on top of the current task for the lifetime of the value.
pub struct Caller(NotThreadSafe);

impl Caller {
    /// Creates the evidence.
    ///
    /// # Safety
    ///
    /// Only for the entry point of a kfunc, for the duration of one call.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn new() -> Self {
        // INVARIANT: By the function's safety requirements, a program is calling.
        Self(NotThreadSafe)
    }

    /// Returns the task that the program runs on top of.
    #[inline]
    pub fn current(&self) -> &CurrentTask {
        // SAFETY: There is always a current task. By the type invariant, the code runs on top of
        // that task as long as `self` exists. `CurrentTask` is transparent.
        unsafe { &*current_task().cast() }
    }
}

/// Returns the current task.
///
/// In C this function is inline, and a single instruction on x86-64. A helper function would add a
/// call to a hot path, unless the compiler inlines the helper (`CONFIG_RUST_INLINE_HELPERS`).
#[inline(always)]
fn current_task() -> *const bindings::task_struct {
    #[cfg(all(
        CONFIG_X86_64,
        CONFIG_SMP,
        not(CONFIG_UML),
        not(CONFIG_RUST_INLINE_HELPERS)
    ))]
    {
        let task;

        // SAFETY: Reads a per-CPU variable, as `get_current()` in `arch/x86/include/asm/current.h`
        // does. The result is the same on every CPU that the task runs on.
        unsafe {
            crate::asm!(
                "movq %gs:const_current_task(%rip), {task}";
                task = out(reg) task,
                options(pure, readonly, nostack, preserves_flags),
            )
        };
        task
    }
    #[cfg(not(all(
        CONFIG_X86_64,
        CONFIG_SMP,
        not(CONFIG_UML),
        not(CONFIG_RUST_INLINE_HELPERS)
    )))]
    {
        // SAFETY: There is always a current task.
        unsafe { bindings::get_current() }
    }
}
