// SPDX-License-Identifier: GPL-2.0

//! File systems: what the series adds to `kernel::fs`.

pub use kernel::fs::*;

/// nsfs, the filesystem with a file for each namespace.
pub(crate) mod nsfs {
    use crate::bindings;

    /// Returns the device of nsfs, which such a kernel has one of.
    ///
    /// # Safety
    ///
    /// None: the namespace is not looked at.
    #[inline]
    pub(crate) unsafe fn ns_dev(_ns: *const bindings::ns_common) -> bindings::dev_t {
        // SAFETY: Nobody writes to it after `compat_init()`.
        unsafe { bindings::nsfs_dev }
    }
}
