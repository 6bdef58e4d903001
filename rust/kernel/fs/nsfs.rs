// SPDX-License-Identifier: GPL-2.0

//! nsfs, the filesystem with a file for each namespace.
//!
//! C header: [`include/linux/nsfs.h`](srctree/include/linux/nsfs.h)

use crate::bindings;

/// Returns the device of the nsfs that a namespace is visible in.
///
/// Reimplements the inline function `ns_dev()`. A helper would add a call to a hot path, unless the
/// compiler inlines it (`CONFIG_RUST_INLINE_HELPERS`).
///
/// # Safety
///
/// `ns` must point to the `struct ns_common` of a namespace that has been set up.
#[inline]
pub(crate) unsafe fn ns_dev(ns: *const bindings::ns_common) -> bindings::dev_t {
    // SAFETY: By the function's safety requirements. The device does not change after the namespace
    // has been set up.
    unsafe { (*ns).dev }
}
