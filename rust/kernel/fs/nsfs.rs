// SPDX-License-Identifier: GPL-2.0

//! nsfs, the filesystem with a file for each namespace.
//!
//! C header: [`include/linux/nsfs.h`](srctree/include/linux/nsfs.h)

use crate::bindings;

/// Returns the device of the nsfs that a namespace is visible in.
///
/// This is `ns_dev()`, which is inline in C. A helper function would cost a call in a hot path,
/// unless the compiler can see through it (`CONFIG_RUST_INLINE_HELPERS`).
///
/// # Safety
///
/// `ns` must point to the `struct ns_common` of a namespace that has been set up.
#[inline]
pub(crate) unsafe fn ns_dev(ns: *const bindings::ns_common) -> bindings::dev_t {
    // SAFETY: By the function's safety requirements. The device does not change once the namespace
    // is set up.
    unsafe { (*ns).dev }
}
