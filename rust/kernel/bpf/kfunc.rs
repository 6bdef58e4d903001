// SPDX-License-Identifier: GPL-2.0

//! Kfuncs: functions of the kernel that BPF programs call.
//!
//! A module lists its kfuncs in [`bpf_kfuncs!`](crate::bpf_kfuncs) and registers them in its
//! `init()`, see [`Set::register`]. Arguments and results are safe to use:
//!
//! - Memory of the program arrives as [`In`] or [`Out`], never as a Rust reference. The memory may
//!   be a map value, to which other CPUs, and userspace through `mmap(2)`, write at the same time.
//!   [`In`] is copied once, before the kfunc uses the value. [`Out`] is written once, as a whole.
//!   If a kfunc does not write the memory, it is filled with zeroes. So a program never reads a
//!   stale or an incomplete value.
//! - A [`Result`] becomes 0 or a value, or a negative errno.
//!
//! Reference: [BPF Kernel Functions](https://docs.kernel.org/bpf/kfuncs.html)

mod abi;
mod caller;
pub mod flags;
mod iter;
mod memory;
mod object;
mod set;

pub use abi::{
    param_name,
    take_arg,
    take_sized_arg,
    Arg,
    ArgAbi,
    Kind,
    Pointer,
    Ret,
    SizedArg, //
};
pub use caller::{
    Caller,
    CallerArg,
    ProgCaller, //
};
pub use flags::{
    Conflict,
    Flags, //
};
pub use iter::{
    is_iter_kfunc,
    Destroy,
    Item,
    Iter,
    New,
    Next, //
};
pub use memory::{
    In,
    Out,
    Plain, //
};
pub use object::{
    put,
    Counted,
    Object,
    Pointers, //
};
pub use set::{
    allow_all,
    dtor_type_id,
    BtfId,
    Dtor,
    Filter,
    Set, //
};

/// Returns whether a kfunc may have this name.
#[doc(hidden)]
pub const fn is_kfunc_name(name: &str) -> bool {
    matches!(name.as_bytes(), [b'b', b'p', b'f', b'_', _, ..])
}

/// Defines the kfuncs of a module.
///
/// For each function, the macro defines an entry point that BPF programs can call. For all
/// functions, it defines the BTF, with which the verifier checks the calls, and a [`Set`] to
/// register in the module's `init()`. `resolve_btfids` adds the BTF to that of the module, or to
/// that of `vmlinux` if the module is built in. A module that is built without `vmlinux` can use
/// the macro once, and has no other BTF.
///
/// - The first parameter of each function is a [`&Caller`](Caller) or, for the calling program, a
///   [`&ProgCaller`](ProgCaller). It is not an argument of the program. The types of the other
///   parameters implement [`Arg`], the type of the result implements [`Ret`].
/// - `kptr T as STRUCT: NAME`, behind the name of the [`Set`] and the filter, defines a destructor
///   with this name. `STRUCT` is [`Object::NAME`] of `T`. With a destructor, programs can store
///   references to a `T` in maps, see [`Counted`].
/// - `progs(...)`, before `fn`, has the [`ProgTypes`](crate::bpf::ProgTypes) of the function. Of
///   these, only types that can pass all arguments may call the function, see [`Object::PROGS`].
/// - `flags(...)`, behind these two, has further [`Flags`] for the verifier. The other flags
///   follow from the arguments and the result: `KF_RCU` from [`Object::POINTERS`], `KF_RELEASE`,
///   `KF_ACQUIRE` and `KF_RET_NULL` from an [`ARef`](crate::sync::aref::ARef), and the flags of
///   iterators from [`New`], [`Next`] and [`Destroy`].
/// - `name[size]: In<'_, [u8]>` is memory with a size. Programs pass the size as another argument.
/// - `filter:` names a [`Filter`], which decides whether a program may call the functions.
///   `filter(...)`, behind `progs(...)`, names one for that function instead.
///
/// The names of kfuncs are global. They must begin with `bpf_`, since a function with another name
/// could replace a function that the module imports. Names of parameters must not contain `__`,
/// which has a meaning for the verifier.
///
/// # Examples
///
/// ```ignore
/// use kernel::{
///     bpf::kfunc::{
///         Caller,
///         Out, //
///     },
///     bpf::{
///         ProgType,
///         ProgTypes, //
///     },
///     prelude::*,
/// };
///
/// kernel::bpf_struct! {
///     /// The result of `bpf_example_multiply()`.
///     struct Times as "bpf_example_times" {
///         product: u64,
///     }
/// }
///
/// kernel::bpf_kfuncs! {
///     /// The kfuncs of this module.
///     static KFUNCS;
///
///     /// Multiplies two numbers.
///     ///
///     /// Returns 0, or `-ERANGE` if the product does not fit.
///     progs(ProgTypes::new(&[ProgType::TRACING, ProgType::SYSCALL]))
///     fn bpf_example_multiply(_: &Caller, a: u64, b: u64, times: Out<'_, Times>) -> Result {
///         let product = a.checked_mul(b).ok_or(ERANGE)?;
///         times.write(Times { product });
///         Ok(())
///     }
/// }
///
/// struct Example;
///
/// impl kernel::Module for Example {
///     fn init(_module: &'static ThisModule) -> Result<Self> {
///         KFUNCS.register()?;
///         Ok(Self)
///     }
/// }
/// ```
///
/// [`rust_kfunc.rs`](srctree/samples/rust/rust_kfunc.rs) is a whole module.
// The module is that of the crate which uses the macro.
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! bpf_kfuncs {
    (
        $(#[$set_attr:meta])*
        $vis:vis static $set:ident
            $(, filter: $filter:path)?
            $(, kptr $kptr:ty as $kptr_name:literal: $dtor:ident)*;

        $(
            $(#[doc = $doc:expr])*
            progs($progs:expr)
            $(filter($own_filter:path))?
            $(flags($flags:expr))?
            fn $name:ident(
                $caller:tt: &$caller_ty:ident
                $(, $arg:ident $([$size:ident])?: $ty:ty)* $(,)?
            ) $(-> $ret:ty)?
            $body:block
        )+
    ) => {
        $(
            $crate::bpf_kfuncs! {
                @entry $caller_ty;
                $(#[doc = $doc])*
                fn $name($caller: &$caller_ty $(, $arg $([$size])?: $ty)*) $(-> $ret)? $body
            }
        )+

        $(
            #[no_mangle]
            unsafe extern "C" fn $dtor(ptr: *mut $crate::ffi::c_void) {
                // SAFETY: The kernel calls this function for a pointer that it takes from a map.
                // The verifier has checked that the program stored a reference to the structure
                // there.
                unsafe { $crate::bpf::kfunc::put::<$kptr>(ptr) }
            }

            // kCFI requires exactly the type `btf_dtor_kfunc_t`. The pointer also shows objtool
            // that the function is called indirectly: the kernel looks its address up in the symbol
            // table.
            const _: () = {
                #[used(compiler)]
                static __DTOR: $crate::bindings::btf_dtor_kfunc_t =
                    ::core::option::Option::Some($dtor);
            };

            const _: () = ::core::assert!(
                $crate::bpf::kfunc::is_kfunc_name(::core::stringify!($dtor)),
                ::core::concat!(
                    "`",
                    ::core::stringify!($dtor),
                    "`: the name of a destructor must begin with `bpf_`",
                ),
            );

            const _: () = ::core::assert!(
                ::core::matches!(
                    <$kptr as $crate::bpf::kfunc::Object>::TYPE,
                    $crate::bpf::btf::Type::Struct(_),
                ),
                ::core::concat!(
                    "`",
                    ::core::stringify!($dtor),
                    "`: a module can only have destructors for its own structures",
                ),
            );

            const _: () = ::core::assert!(
                $crate::bpf::btf::same_str(
                    <$kptr as $crate::bpf::kfunc::Object>::NAME,
                    $kptr_name,
                ),
                ::core::concat!("`", $kptr_name, "`: the structure has another name in BTF"),
            );
        )*

        $(
            const _: () = ::core::assert!(
                $crate::bpf::kfunc::is_kfunc_name(::core::stringify!($name)),
                ::core::concat!(
                    "`",
                    ::core::stringify!($name),
                    "`: the name of a kfunc must begin with `bpf_`",
                ),
            );
        )+

        $($(
            const _: () = ::core::assert!(
                !$crate::bpf::btf::is_annotated(::core::stringify!($arg)),
                ::core::concat!(
                    "`",
                    ::core::stringify!($arg),
                    "`: a name with `__` may have a meaning for the verifier",
                ),
            );
        )*)+

        $(#[$set_attr])*
        $vis static $set: $crate::bpf::kfunc::Set = {
            const __FUNCS: &[$crate::bpf::btf::Func] = &[$(
                $crate::bpf::btf::Func {
                    name: ::core::stringify!($name),
                    params: &[$(
                        $crate::bpf::btf::Param {
                            name: $crate::bpf::kfunc::param_name::<$ty>(
                                ::core::stringify!($arg),
                                ::core::concat!(::core::stringify!($arg), "__nullable"),
                            ),
                            ty: <$ty as $crate::bpf::kfunc::ArgAbi>::TYPE,
                        },
                        $($crate::bpf::btf::Param {
                            // The suffix marks the size of the argument before.
                            name: {
                                let _ = ::core::stringify!($size);
                                ::core::concat!(::core::stringify!($arg), "__sz")
                            },
                            ty: <u32 as $crate::bpf::btf::Describe>::TYPE,
                        },)?
                    )*],
                    implicit: <$caller_ty as $crate::bpf::kfunc::CallerArg>::IMPLICIT,
                    ret: <$crate::bpf_kfuncs!(@ret $($ret)?) as $crate::bpf::kfunc::Ret>::TYPE,
                },
            )+];
            const __DTORS: &[$crate::bpf::btf::Func] = &[$(
                $crate::bpf::btf::Func {
                    name: ::core::stringify!($dtor),
                    // With kCFI, the kernel requires a pointer to void.
                    params: &[$crate::bpf::btf::Param {
                        name: "ptr",
                        ty: $crate::bpf::btf::Type::Ptr(&$crate::bpf::btf::Type::Void),
                    }],
                    implicit: &[],
                    ret: $crate::bpf::btf::Type::Void,
                },
            )*];
            // The prefix `__` keeps these names apart from names in expressions of the module.
            static __PROGS: [$crate::bpf::ProgTypes; __FUNCS.len()] = [$({
                const __CALLERS: $crate::bpf::ProgTypes = $crate::bpf::ProgTypes::intersection(
                    $progs,
                    <$crate::bpf_kfuncs!(@ret $($ret)?) as $crate::bpf::kfunc::Ret>::PROGS
                        $(.intersection(<$ty as $crate::bpf::kfunc::ArgAbi>::PROGS))*,
                );
                ::core::assert!(
                    !__CALLERS.is_empty(),
                    ::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: no program type in `progs` can pass all arguments",
                    ),
                );
                __CALLERS
            },)+];
            const __BTF: $crate::bpf::btf::Encoded =
                $crate::bpf::btf::encode_all(__FUNCS, __DTORS);
            const __BASE: [u8; __BTF.base_len()] = __BTF.base();
            const __SPLIT: [u8; __BTF.split_len()] = __BTF.split();

            $crate::bpf_kfuncs!(@sections __BASE, __SPLIT, $($name)+);

            static __FLAGS: [$crate::bpf::kfunc::Flags; __FUNCS.len()] = [$({
                const __KINDS: &[$crate::bpf::kfunc::Kind] =
                    &[$(<$ty as $crate::bpf::kfunc::ArgAbi>::KIND),*];
                let of_args = match $crate::bpf::kfunc::Flags::of_args(__KINDS) {
                    ::core::result::Result::Ok(flags) => flags,
                    ::core::result::Result::Err(
                        $crate::bpf::kfunc::Conflict::Protection,
                    ) => ::core::panic!(::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: RCU protects one argument, but not another",
                    )),
                    ::core::result::Result::Err(
                        $crate::bpf::kfunc::Conflict::Reference,
                    ) => ::core::panic!(::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: a released reference must be the first argument, \
                         and the only pointer",
                    )),
                    ::core::result::Result::Err(
                        $crate::bpf::kfunc::Conflict::Iterator,
                    ) => ::core::panic!(::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: the state of an iterator must be the first argument",
                    )),
                };
                ::core::assert!(
                    $crate::bpf::kfunc::is_iter_kfunc(
                        ::core::stringify!($name),
                        __KINDS,
                        <$crate::bpf_kfuncs!(@ret $($ret)?)
                            as $crate::bpf::kfunc::Ret>::IS_ITEM,
                    ),
                    ::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: the kfunc of an iterator has another name, other arguments \
                         or another result",
                    ),
                );
                of_args
                    .union(<$crate::bpf_kfuncs!(@ret $($ret)?)
                        as $crate::bpf::kfunc::Ret>::FLAGS)
                    .union(<$caller_ty as $crate::bpf::kfunc::CallerArg>::FLAGS)
                    .union($crate::bpf_kfuncs!(@flags $($flags)?))
            }),+];

            static __IDS: [&$crate::bpf::kfunc::BtfId; __FUNCS.len()] = [$(
                $crate::bpf_kfuncs!(
                    @id "func", ::core::stringify!($name),
                    __BTF.func_id(__FUNCS, __DTORS, ::core::stringify!($name))
                )
            ),+];
            static __RELOCATED: [$crate::sync::atomic::Atomic<u32>; __FUNCS.len()] =
                [const { $crate::sync::atomic::Atomic::new(0) }; __FUNCS.len()];

            static __DTOR_IDS: &[$crate::bpf::kfunc::Dtor] = &[$(
                $crate::bpf::kfunc::Dtor {
                    ty: $crate::bpf_kfuncs!(
                        @id "struct", $kptr_name,
                        $crate::bpf::kfunc::dtor_type_id(
                            &__BTF,
                            &<$kptr as $crate::bpf::kfunc::Object>::TYPE,
                        )
                    ),
                    func: $crate::bpf_kfuncs!(
                        @id "func", ::core::stringify!($dtor),
                        __BTF.func_id(__FUNCS, __DTORS, ::core::stringify!($dtor))
                    ),
                }
            ),*];

            // Not in the unsafe function below, so that the module's expressions are outside of
            // `unsafe`.
            const __FILTER: $crate::bpf::kfunc::Filter = $crate::bpf_kfuncs!(@filter $($filter)?);
            static __FILTERS: [$crate::bpf::kfunc::Filter; __FUNCS.len()] =
                [$($crate::bpf_kfuncs!(@filter $($own_filter,)? __FILTER)),+];

            // kCFI requires exactly the type `btf_kfunc_filter_t`.
            unsafe extern "C" fn __bpf_kfuncs_filter(
                prog: *const $crate::bindings::bpf_prog,
                id: u32,
            ) -> $crate::ffi::c_int {
                // SAFETY: Only the verifier calls this function.
                unsafe { $set.filter(prog, id, &__FILTERS) }
            }

            // SAFETY: All arguments belong together: the same list of functions defines the entry
            // points, the program types, the BTF and the ids.
            unsafe {
                $crate::bpf::kfunc::Set::new(
                    $crate::module::this_module::<crate::LocalModule>(),
                    __FUNCS,
                    &__PROGS,
                    &__FLAGS,
                    &__IDS,
                    &__RELOCATED,
                    ::core::option::Option::Some(__bpf_kfuncs_filter),
                    __DTOR_IDS,
                )
            }
        };
    };

    // resolve_btfids finds the BTF by these names. If a module has no other BTF, the kernel can
    // also read the sections as they are.
    (@sections $base:ident, $split:ident, $first:ident $($name:ident)*) => {
        const _: () = {
            #[export_name = ::core::concat!("__BTF_SPLIT_BASE__", ::core::stringify!($first))]
            #[cfg_attr(MODULE, link_section = ".BTF.base")]
            #[cfg_attr(not(MODULE), link_section = ".init.rodata")]
            #[used(compiler)]
            static __BASE_DATA: [u8; $base.len()] = $base;

            #[export_name = ::core::concat!("__BTF_SPLIT__", ::core::stringify!($first))]
            #[cfg_attr(MODULE, link_section = ".BTF")]
            #[cfg_attr(not(MODULE), link_section = ".init.rodata")]
            #[used(compiler)]
            static __SPLIT_DATA: [u8; $split.len()] = $split;
        };
    };
    // resolve_btfids resolves a symbol with such a name. The number has no meaning.
    (@id $kind:literal, $name:expr, $id:expr) => {{
        #[export_name = ::core::concat!("__BTF_ID__", $kind, "__", $name, "__1")]
        #[link_section = ".BTF_ids"]
        static __ID: $crate::bpf::kfunc::BtfId =
            $crate::bpf::kfunc::BtfId::new($id, ::core::cfg!(MODULE));
        &__ID
    }};

    (@entry Caller; $($function:tt)*) => {
        $crate::bpf_kfuncs! { @define [] [$crate::bpf::kfunc::Caller::new()] $($function)* }
    };
    (@entry ProgCaller; $($function:tt)*) => {
        $crate::bpf_kfuncs! {
            @define
            [aux: ::core::ptr::NonNull<$crate::bindings::bpf_prog_aux>]
            [$crate::bpf::kfunc::ProgCaller::new(aux)]
            $($function)*
        }
    };
    (@entry $other:ident; $($function:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`&",
            ::core::stringify!($other),
            "`: the first parameter of a kfunc must be `&Caller` or `&ProgCaller`",
        ));
    };
    (
        @define [$($implicit:ident: $implicit_ty:ty)?] [$new:expr]
        $(#[doc = $doc:expr])*
        fn $name:ident(
            $caller:tt: &$caller_ty:ident
            $(, $arg:ident $([$size:ident])?: $ty:ty)*
        ) $(-> $ret:ty)?
        $body:block
    ) => {
        // Programs refer to the entry point by name, and the kernel looks this name up in the
        // symbol table, so the symbol must have exactly this name.
        $(#[doc = $doc])*
        #[no_mangle]
        unsafe extern "C" fn $name(
            $($arg: <$ty as $crate::bpf::kfunc::ArgAbi>::Abi, $($size: u32,)?)*
            $($implicit: $implicit_ty,)?
        ) -> $crate::bpf_kfuncs!(@abi $($ret)?) {
            #[inline(always)]
            fn __bpf_kfunc_body($caller: &$caller_ty, $($arg: $ty,)*) $(-> $ret)? $body

            // SAFETY: Only programs call this function, and the verifier passes the argument for
            // which the __BTF below has `IMPLICIT`.
            let caller = unsafe { $new };
            $(
                // SAFETY: The __BTF below has `TYPE` for this argument, so the verifier has checked
                // the argument, for a program of a type in `PROGS`.
                let $arg = unsafe {
                    $crate::bpf_kfuncs!(@take $ty, &caller, $arg $(, $size)?)
                };
            )*
            $crate::bpf::kfunc::Ret::into_abi(__bpf_kfunc_body(&caller, $($arg,)*))
        }
    };

    (@take $ty:ty, $caller:expr, $arg:ident) => {
        $crate::bpf::kfunc::take_arg::<$ty>($caller, $arg)
    };
    (@take $ty:ty, $caller:expr, $arg:ident, $size:ident) => {
        $crate::bpf::kfunc::take_sized_arg::<$ty>($caller, $arg, $size)
    };
    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
    (@abi $($ret:ty)?) => {
        <$crate::bpf_kfuncs!(@ret $($ret)?) as $crate::bpf::kfunc::Ret>::Abi
    };
    (@flags) => { $crate::bpf::kfunc::flags::NONE };
    (@flags $flags:expr) => { $flags };
    (@filter) => { $crate::bpf::kfunc::allow_all };
    (@filter $filter:path $(, $default:path)?) => { $filter };
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc)]
mod tests {
    use super::*;

    #[test]
    fn names_of_kfuncs() {
        for name in ["bpf_a", "bpf__"] {
            assert!(is_kfunc_name(name));
        }
        for name in ["", "bpf_", "bpf", "rust_helper_get_current", "_bpf_a"] {
            assert!(!is_kfunc_name(name));
        }
    }
}
