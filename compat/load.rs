// SPDX-License-Identifier: GPL-2.0

//! Loading the module.

use crate::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// `module!` calls this, see [`kernel::InPlaceModule`].
pub trait InPlaceModule: Sync + Send {
    /// Creates an initialiser for the module.
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error>;
}

impl<T: kernel::Module> InPlaceModule for T {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        let initer = move |slot: *mut Self| {
            // SAFETY: This is called once, before all other code of the module, in the context of
            // the task that loads the module.
            to_result(unsafe { bindings::compat_init() })?;
            let m = <Self as kernel::Module>::init(module)?;

            // SAFETY: `slot` is valid for write per the contract with `pin_init_from_closure`.
            unsafe { slot.write(m) };
            Ok(())
        };

        // SAFETY: On success, `initer` always fully initialises an instance of `Self`.
        unsafe { pin_init::pin_init_from_closure(initer) }
    }
}
