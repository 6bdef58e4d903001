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
///   of the module runs only after that.
#[repr(transparent)]
pub struct StringParam<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: By the type invariants, there are no writes while code of the module reads.
unsafe impl<const N: usize> Sync for StringParam<N> {}

impl<const N: usize> StringParam<N> {
    /// Creates the default value of the parameter. A value that does not fit does not compile.
    ///
    /// # Safety
    ///
    /// Only for [`module_param_string!`](crate::module_param_string), in a module that is not built
    /// in.
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
    let mut bytes = [0; N];
    let mut i = 0;
    while i < s.len() {
        bytes[i] = s.as_bytes()[i];
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
/// The module must not be built in (`depends on m`).
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
#[macro_export]
macro_rules! module_param_string {
    (
        $(#[$attr:meta])*
        $vis:vis static $value:ident: StringParam<$size:literal> = $default:literal;
        name: $name:literal,
        description: $description:literal,
    ) => {
        #[cfg(not(MODULE))]
        ::core::compile_error!("`module_param_string!` needs a module that is not built in");

        $(#[$attr])*
        $vis static $value: $crate::module_param::string::StringParam<$size> =
            // SAFETY: This is `module_param_string!`, in a module that is not built in.
            unsafe { $crate::module_param::string::StringParam::new($default) };

        const _: () = {
            static __BUFFER: $crate::module_param::string::Buffer = $value.buffer();

            #[link_section = "__param"]
            #[used(compiler)]
            static __PARAM: $crate::module_param::KernelParam = __BUFFER.param(
                $crate::c_str!($name),
                &raw const $crate::bindings::__this_module,
            );

            const __TYPE: &str = ::core::concat!("parmtype=", $name, ":string\0");
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static __TYPE_INFO: [u8; __TYPE.len()] =
                $crate::module_param::string::bytes_of(__TYPE);

            const __PARM: &str = ::core::concat!("parm=", $name, ":", $description, "\0");
            #[link_section = ".modinfo"]
            #[used(compiler)]
            static __PARM_INFO: [u8; __PARM.len()] =
                $crate::module_param::string::bytes_of(__PARM);
        };
    };
}
