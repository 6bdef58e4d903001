// SPDX-License-Identifier: GPL-2.0

//! Evidence that a BPF program calls a kfunc, on top of the current task: [`Caller`], and with the
//! program, [`ProgCaller`].

use super::{
    flags,
    Flags, //
};
use crate::{
    bindings,
    bpf::{
        btf::{
            Param,
            Type, //
        },
        origin::Origin, //
    },
    task::CurrentTask,
    types::NotThreadSafe, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
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

/// Evidence that a BPF program is calling the code, with the program.
///
/// For a kfunc with this evidence, the verifier passes the program in another argument, which
/// programs do not see (`KF_IMPLICIT_ARGS`). Subprograms and callbacks count as the main program. A
/// program that extends another one, or that a tail call runs, is itself.
///
/// # Invariants
///
/// `prog` points to the `struct bpf_prog_aux` of the calling program, which is not freed for the
/// lifetime of the value.
pub struct ProgCaller {
    caller: Caller,
    prog: NonNull<bindings::bpf_prog_aux>,
}

impl ProgCaller {
    /// Creates the evidence.
    ///
    /// # Safety
    ///
    /// Only for the entry point of a kfunc, for the duration of one call. `prog` must be the
    /// argument that the verifier passes for [`CallerArg::IMPLICIT`].
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn new(prog: NonNull<bindings::bpf_prog_aux>) -> Self {
        // INVARIANT: By the function's safety requirements. A program is not freed while it runs.
        Self {
            // SAFETY: By the function's safety requirements.
            caller: unsafe { Caller::new() },
            prog,
        }
    }

    /// Returns the namespaces from which the program was loaded.
    #[inline(always)]
    pub fn origin(&self) -> &Origin {
        // SAFETY: By the type invariants. A program runs only after it was loaded.
        unsafe { Origin::of(self.prog.as_ptr()) }
    }
}

impl Deref for ProgCaller {
    type Target = Caller;

    #[inline(always)]
    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// The first parameter of a kfunc, which is not an argument of the program.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the first parameter of a kfunc",
    label = "not evidence of a call",
    note = "allowed are `&Caller` and `&ProgCaller`"
)]
pub trait CallerArg {
    /// The arguments that the verifier passes for it, after those of the program.
    const IMPLICIT: &'static [Param];

    /// The flags of the kfunc that follow from it.
    const FLAGS: Flags;
}

impl CallerArg for Caller {
    const IMPLICIT: &'static [Param] = &[];
    const FLAGS: Flags = flags::NONE;
}

impl CallerArg for ProgCaller {
    const IMPLICIT: &'static [Param] = &[Param {
        name: "aux",
        ty: Type::Ptr(&Type::Opaque("bpf_prog_aux")),
    }];
    const FLAGS: Flags = flags::KF_IMPLICIT_ARGS;
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

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_caller)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_is_an_implicit_argument() {
        assert!(Caller::IMPLICIT.is_empty());
        assert_eq!(Caller::FLAGS.0, 0);
        assert!(matches!(
            ProgCaller::IMPLICIT,
            [Param {
                ty: Type::Ptr(Type::Opaque("bpf_prog_aux")),
                ..
            }]
        ));
        assert_eq!(ProgCaller::FLAGS.0, bindings::KF_IMPLICIT_ARGS);
    }
}
