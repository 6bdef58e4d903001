// SPDX-License-Identifier: GPL-2.0

//! Items of Linux 7.3 that the series uses, and that 7.2 lacks.

/// As `kernel::module`.
pub mod module {
    use kernel::{
        types::Opaque,
        ModuleMetadata,
        ThisModule, //
    };

    // SAFETY: Each module has a copy of this file, and the kernel keeps its `__this_module` as long
    // as code of the module runs.
    static THIS_MODULE: ThisModule = unsafe {
        extern "C" {
            static __this_module: Opaque<kernel::bindings::module>;
        }

        ThisModule::from_ptr(__this_module.get())
    };

    /// Returns the `THIS_MODULE` pointer of the module that this is linked into.
    #[inline]
    pub const fn this_module<M: ModuleMetadata>() -> &'static ThisModule {
        &THIS_MODULE
    }
}

/// As `kernel::prelude`.
pub mod prelude {
    pub use kernel::prelude::*;

    use core::mem::transmute;

    // The kernel's constructor is not a `const fn`.
    //
    // SAFETY: The assertion below shows that an error is the negative number of the errno, and no
    // errno is 0.
    /// Operation not supported on transport endpoint.
    pub const EOPNOTSUPP: Error =
        unsafe { transmute::<i32, Error>(-(crate::bindings::EOPNOTSUPP as i32)) };

    // SAFETY: An `i32` may have any value, and the size is compared at compile time.
    const _: () =
        assert!(unsafe { transmute::<Error, i32>(EINVAL) } == -(crate::bindings::EINVAL as i32));
}
