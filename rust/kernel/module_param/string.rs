// SPDX-License-Identifier: GPL-2.0

//! Module parameters that are strings.
//!
//! The parameters of `module!` are numbers, and sysfs does not show them.
//!
//! C header: [`include/linux/moduleparam.h`](srctree/include/linux/moduleparam.h)

use super::KernelParam;
use crate::{
    bindings,
    prelude::*,
    str::{
        as_char_ptr_in_const_context,
        BStr, //
    },
};
use core::cell::UnsafeCell;

/// The value of a parameter, a string of at most `N - 1` bytes.
///
/// [`module_param_string!`](crate::module_param_string) defines one.
///
/// # Invariants
///
/// - The last byte is 0.
/// - No code writes to the bytes after the kernel has parsed the arguments of the module, and code
///   of the module runs only after that. If the module is built in, the kernel parses its command
///   line before the initcalls.
#[repr(transparent)]
pub struct StringParam<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: By the type invariants, there are no writes while code of the module reads.
unsafe impl<const N: usize> Sync for StringParam<N> {}

impl<const N: usize> StringParam<N> {
    /// Creates the default value of the parameter. A value that does not fit does not compile.
    ///
    /// # Safety
    ///
    /// Only for [`module_param_string!`](crate::module_param_string).
    #[doc(hidden)]
    pub const unsafe fn new(default: &str) -> Self {
        assert!(default.len() < N, "the default value is too long");
        // INVARIANT: The rest, which is at least one byte, is 0. The kernel writes by
        // `param_set_copystring()`: at most `N - 1` bytes and a 0.
        Self(UnsafeCell::new(bytes_of(default)))
    }

    /// Returns the value.
    pub fn value(&self) -> &BStr {
        // SAFETY: By the type invariants.
        let bytes = unsafe { &*self.0.get() };
        let len = bytes.iter().position(|&c| c == 0).unwrap_or(N);

        BStr::from_bytes(&bytes[..len])
    }

    /// Returns the address and the size of the bytes, for the kernel.
    #[doc(hidden)]
    pub const fn buffer(&'static self) -> Buffer {
        Buffer(bindings::kparam_string {
            maxlen: N as c_uint,
            string: self.0.get().cast(),
        })
    }
}

/// The address and the size of the buffer that the kernel copies a string to.
#[doc(hidden)]
#[repr(transparent)]
pub struct Buffer(bindings::kparam_string);

// SAFETY: No code writes to it.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Creates the entry of a parameter for the section `__param`. sysfs shows the parameter, and
    /// does not permit changes.
    pub const fn param(
        &'static self,
        name: &'static CStr,
        module: *const bindings::module,
    ) -> KernelParam {
        KernelParam::new(bindings::kernel_param {
            name: as_char_ptr_in_const_context(name),
            mod_: module.cast_mut(),
            ops: (&raw const bindings::param_ops_string).cast(),
            perm: 0o444,
            level: -1,
            flags: 0,
            __bindgen_anon_1: bindings::kernel_param__bindgen_ty_1 {
                arg: core::ptr::from_ref(self).cast_mut().cast(),
            },
        })
    }
}

/// Returns the bytes of a string, followed by zeroes.
#[doc(hidden)]
pub const fn bytes_of<const N: usize>(s: &str) -> [u8; N] {
    joined(&[s.as_bytes()])
}

/// Returns a string that ends with the only 0.
#[doc(hidden)]
pub const fn c_str(bytes: &'static [u8]) -> &'static CStr {
    match CStr::from_bytes_with_nul(bytes) {
        Ok(string) => string,
        Err(_) => panic!("the name of a parameter has a 0"),
    }
}

/// Returns some strings one after another, followed by zeroes.
#[doc(hidden)]
pub const fn joined<const N: usize>(strings: &[&[u8]]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut len = 0;
    let mut i = 0;
    while i < strings.len() {
        let mut j = 0;
        while j < strings[i].len() {
            bytes[len] = strings[i][j];
            len += 1;
            j += 1;
        }
        i += 1;
    }
    bytes
}

/// Defines a module parameter with a string as its value.
///
/// The kernel sets the parameter when the module is loaded, and sysfs shows it to all users. `SIZE`
/// is the size of the buffer, including the 0 at the end. If a value does not fit, the load of the
/// module fails with `ENOSPC`, and the kernel log has a message.
///
/// If the module is built in, the command line of the kernel has the parameter as `MODULE.NAME=`.
///
/// # Examples
///
/// ```ignore
/// kernel::module_param_string! {
///     /// The parameter `colours`.
///     static COLOURS: StringParam<64> = "red,green";
///     name: "colours",
///     description: "Names of colours, with commas in between",
/// }
///
/// pr_info!("colours={}\n", COLOURS.value());
/// ```
// The module is that of the crate which uses the macro.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! module_param_string {
    (
        $(#[$attr:meta])*
        $vis:vis static $value:ident: StringParam<$size:literal> = $default:literal;
        name: $name:literal,
        description: $description:literal,
    ) => {
        $(#[$attr])*
        $vis static $value: $crate::module_param::string::StringParam<$size> =
            // SAFETY: This is `module_param_string!`.
            unsafe { $crate::module_param::string::StringParam::new($default) };

        const _: () = {
            static __BUFFER: $crate::module_param::string::Buffer = $value.buffer();

            // The prefix of a module that is built in, such as `printk.`.
            #[cfg(not(MODULE))]
            const __PREFIX: &[&[u8]] = &[
                <crate::LocalModule as $crate::ModuleMetadata>::NAME.to_bytes(),
                b".",
            ];
            #[cfg(MODULE)]
            const __PREFIX: &[&[u8]] = &[b"", b""];
            const __PREFIX_LEN: usize = __PREFIX[0].len() + __PREFIX[1].len();

            static __NAME: [u8; __PREFIX_LEN + $name.len() + 1] =
                $crate::module_param::string::joined(&[
                    __PREFIX[0],
                    __PREFIX[1],
                    $name.as_bytes(),
                ]);

            #[link_section = "__param"]
            #[used(compiler)]
            static __PARAM: $crate::module_param::KernelParam = __BUFFER.param(
                $crate::module_param::string::c_str(&__NAME),
                #[cfg(MODULE)]
                &raw const $crate::bindings::__this_module,
                #[cfg(not(MODULE))]
                ::core::ptr::null(),
            );

            const __TYPE: &str = ::core::concat!("parmtype=", $name, ":string");
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static __TYPE_INFO: [u8; __PREFIX_LEN + __TYPE.len() + 1] =
                $crate::module_param::string::joined(&[
                    __PREFIX[0],
                    __PREFIX[1],
                    __TYPE.as_bytes(),
                ]);

            const __PARM: &str = ::core::concat!("parm=", $name, ":", $description);
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static __PARM_INFO: [u8; __PREFIX_LEN + __PARM.len() + 1] =
                $crate::module_param::string::joined(&[
                    __PREFIX[0],
                    __PREFIX[1],
                    __PARM.as_bytes(),
                ]);
        };
    };
}
