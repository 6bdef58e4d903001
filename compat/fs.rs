// SPDX-License-Identifier: GPL-2.0

//! File systems: additions of the series to `kernel::fs`.

pub use kernel::fs::*;

/// nsfs, the filesystem with a file for each namespace.
pub(crate) mod nsfs {
    use crate::bindings;

    /// Returns the device of nsfs, which is the same for all namespaces of such a kernel.
    ///
    /// # Safety
    ///
    /// No requirements, since the namespace is not accessed.
    #[inline]
    pub(crate) unsafe fn ns_dev(_ns: *const bindings::ns_common) -> bindings::dev_t {
        // SAFETY: `nsfs_dev` does not change after `compat_init()`.
        unsafe { bindings::nsfs_dev }
    }
}
