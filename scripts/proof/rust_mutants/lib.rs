// SPDX-License-Identifier: GPL-2.0

//! The part of the `kernel` crate that `kernel::bpf` needs, on the host, for scripts/proof/rust-mutants.

#![allow(dead_code, non_upper_case_globals, unused_imports)]

extern crate self as kernel;

pub use core::{
    ffi,
    fmt, //
};

pub mod bindings;
pub mod bpf;

pub mod sync {
    // The kernel's own file.
    pub mod aref;
}

pub mod error {
    /// A negative errno.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Error(i32);

    impl Error {
        pub fn to_errno(self) -> i32 {
            self.0
        }
    }

    pub const ENOENT: Error = Error(-2);
    pub const ESRCH: Error = Error(-3);
    pub const E2BIG: Error = Error(-7);
    pub const EINVAL: Error = Error(-22);

    impl From<core::str::Utf8Error> for Error {
        fn from(_: core::str::Utf8Error) -> Self {
            EINVAL
        }
    }

    pub type Result<T = (), E = Error> = core::result::Result<T, E>;
}

pub mod types {
    /// Makes a type `!Send`, like in the kernel.
    pub type NotThreadSafe = core::marker::PhantomData<*mut ()>;
    #[allow(non_upper_case_globals)]
    pub const NotThreadSafe: NotThreadSafe = core::marker::PhantomData;

    /// For the kernel's aref.rs.
    ///
    /// # Safety
    ///
    /// As in the kernel.
    pub unsafe trait ForeignOwnable {
        const FOREIGN_ALIGN: usize;
        type Borrowed<'a>
        where
            Self: 'a;
        type BorrowedMut<'a>
        where
            Self: 'a;
        fn into_foreign(self) -> *mut core::ffi::c_void;
        /// # Safety
        ///
        /// As in the kernel.
        unsafe fn from_foreign(ptr: *mut core::ffi::c_void) -> Self;
        /// # Safety
        ///
        /// As in the kernel.
        unsafe fn borrow<'a>(ptr: *mut core::ffi::c_void) -> Self::Borrowed<'a>;
        /// # Safety
        ///
        /// As in the kernel.
        unsafe fn borrow_mut<'a>(ptr: *mut core::ffi::c_void) -> Self::BorrowedMut<'a>;
    }

    #[repr(transparent)]
    pub struct Opaque<T>(core::cell::UnsafeCell<T>);

    impl<T> Opaque<T> {
        pub const fn get(&self) -> *mut T {
            self.0.get()
        }
    }
}

pub mod str {
    #[repr(transparent)]
    pub struct BStr([u8]);

    impl BStr {
        pub fn from_bytes(bytes: &[u8]) -> &Self {
            // SAFETY: `Self` is transparent.
            unsafe { &*(core::ptr::from_ref(bytes) as *const Self) }
        }
    }

    impl core::ops::Deref for BStr {
        type Target = [u8];

        fn deref(&self) -> &[u8] {
            &self.0
        }
    }

    pub struct CString(Vec<u8>);

    impl CString {
        pub fn try_from_fmt(args: core::fmt::Arguments<'_>) -> crate::error::Result<Self> {
            Ok(Self(args.to_string().into_bytes()))
        }

        pub fn to_bytes(&self) -> &[u8] {
            &self.0
        }
    }
}

pub mod prelude {
    pub use crate::error::*;
    pub use core::format_args as fmt;
    pub use core::{
        ffi::{
            c_void,
            CStr, //
        },
        mem::{
            align_of,
            size_of, //
        },
    };
    pub use zerocopy::{
        FromBytes,
        IntoBytes, //
    };

    pub struct Flags;
    pub const GFP_KERNEL: Flags = Flags;

    pub struct KBox<T>(Box<T>);

    impl<T> KBox<T> {
        pub fn new(value: T, _flags: Flags) -> Result<Self> {
            Ok(Self(Box::new(value)))
        }
    }

    impl<T> core::ops::Deref for KBox<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }

    impl<T> core::ops::DerefMut for KBox<T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.0
        }
    }

    /// The methods of the kernel's `CStr`.
    pub trait CStrExt {
        /// # Safety
        ///
        /// As for [`CStr::from_ptr`].
        unsafe fn from_char_ptr<'a>(ptr: *const core::ffi::c_char) -> &'a CStr {
            // SAFETY: By the function's safety requirements.
            unsafe { CStr::from_ptr(ptr) }
        }
    }

    impl CStrExt for CStr {}
}
