// SPDX-License-Identifier: GPL-2.0

//! Bindings for the series, see `bindings.h`.
//!
//! The kernel's own bindings lack some of these, and are another crate. So the same C type is a
//! different Rust type there, except for the types that `module!` passes to the kernel's crate.

#![allow(
    clippy::all,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    non_snake_case,
    improper_ctypes,
    unknown_lints,
    unnecessary_transmutes,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks
)]

use kernel::ffi;

pub use kernel::bindings::{
    kernel_param,
    kernel_param__bindgen_ty_1,
    module, //
};

// `rust/bindgen_parameters` excludes these.
type __kernel_size_t = usize;
type __kernel_ssize_t = isize;
type __kernel_ptrdiff_t = isize;

include!(concat!(env!("COMPAT_OBJ"), "/bindings_generated.rs"));

// Helpers have the names of the inline functions that they are for.
pub use {
    rust_helper_in_nmi as in_nmi,
    rust_helper_preemptible as preemptible,
    rust_helper_ratelimit_state_init as ratelimit_state_init, //
};

/// Returns the current task.
///
/// # Safety
///
/// No requirements. It is unsafe like all C functions.
pub unsafe fn get_current() -> *mut task_struct {
    // SAFETY: A current task always exists.
    unsafe { kernel::bindings::get_current().cast() }
}
