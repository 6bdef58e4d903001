// SPDX-License-Identifier: GPL-2.0

//! Who calls a kfunc: a program, on top of the current task.

use crate::{
    bindings,
    task::CurrentTask,
    types::NotThreadSafe, //
};

/// Evidence that the code is being called by a BPF program.
///
/// # Invariants
///
/// The program runs on top of the current task until the value is gone.
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
        // INVARIANT: By the function's safety requirements a program is calling.
        Self(NotThreadSafe)
    }

    /// Returns the task that the program runs on top of.
    #[inline]
    pub fn current(&self) -> &CurrentTask {
        // SAFETY: There is always a current task. By the type invariant, its context is not left
        // as long as `self` exists. `CurrentTask` is transparent.
        unsafe { &*current_task().cast() }
    }
}

/// Returns the current task.
///
/// In C that is inline, and a single instruction on x86-64. A helper function would cost a call in
/// a hot path, unless the compiler can see through it (`CONFIG_RUST_INLINE_HELPERS`).
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

        // SAFETY: Reads a variable of this CPU, as `get_current()` in
        // `arch/x86/include/asm/current.h` does. For a task it is the same on every CPU.
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
