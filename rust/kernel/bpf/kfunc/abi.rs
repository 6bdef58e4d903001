// SPDX-License-Identifier: GPL-2.0

//! Arguments and results of a kfunc: how they are described, and how they arrive and leave.

use super::{
    flags,
    Caller,
    Flags,
    Pointers, //
};
use crate::{
    bpf::{
        btf::{
            Describe,
            Type, //
        },
        ProgTypes, //
    },
    prelude::*, //
};

/// What is passed for an argument of a kfunc. See [`Arg`].
///
/// # Safety
///
/// Whatever the verifier lets programs of the types [`Self::PROGS`] have in a register that they
/// pass for an argument of type [`Self::TYPE`] must be what the C ABI has there for a
/// [`Self::Abi`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a kfunc",
    label = "not an argument that a BPF program can pass",
    note = "integers can be, `In<'_, T>` and `Out<'_, T>` of what `bpf_struct!` declares, and \
            references to structures of the kernel that are an `Object`"
)]
pub unsafe trait ArgAbi: Sized {
    /// The description in BTF.
    const TYPE: Type;

    /// The types of programs that can pass such an argument.
    const PROGS: ProgTypes = ProgTypes::ALL;

    /// The kind of the argument.
    const KIND: Kind = Kind::Integer;

    /// Whether it is a pointer that programs may pass NULL for.
    const MAY_BE_NULL: bool = false;

    /// What arrives at the entry point.
    type Abi: Copy;
}

/// The kinds of arguments. [`Flags`] of a kfunc follow from those of its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer.
    Integer,
    /// A pointer to memory of the program.
    Memory,
    /// A pointer to a structure of the kernel, which is there during the call.
    Object(Pointers),
    /// A reference to a structure of the kernel, which is the program's no more (`KF_RELEASE`).
    Reference,
    /// The state of an iterator of that name, which is to begin (`KF_ITER_NEW`).
    IterNew(&'static str),
    /// The state of an iterator (`KF_ITER_NEXT`).
    IterNext(&'static str),
    /// The state of an iterator that is to end (`KF_ITER_DESTROY`).
    IterDestroy(&'static str),
}

/// A type that a kfunc can take as an argument in calls that last `'call`.
///
/// What points to something implements it for no lifetime but its own, so a kfunc cannot ask for
/// more than the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a kfunc",
    label = "not an argument that a BPF program can pass",
    note = "integers can be, `In<'_, T>` and `Out<'_, T>` of what `bpf_struct!` declares, and \
            references to structures of the kernel that are an `Object`; memory with a size is \
            `name[size]: In<'_, [u8]>`"
)]
pub trait Arg<'call>: ArgAbi {
    /// Takes over what arrived.
    ///
    /// # Safety
    ///
    /// `abi` must be what the verifier lets a program of one of the types [`PROGS`](ArgAbi::PROGS)
    /// pass for an argument of type [`TYPE`](ArgAbi::TYPE), in a call that is not over before
    /// `'call` is.
    unsafe fn from_abi(abi: Self::Abi) -> Self;
}

/// Takes over an argument for as long as there is the evidence of the call.
///
/// # Safety
///
/// `abi` must be what the verifier lets a program of one of the types `T::PROGS` pass for an
/// argument of type `T`, in the call that `caller` is the evidence of.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn take_arg<'call, T: Arg<'call>>(_caller: &'call Caller, abi: T::Abi) -> T {
    // SAFETY: By the function's safety requirements, and the evidence is gone before the call is
    // over.
    unsafe { T::from_abi(abi) }
}

/// A pointer that a kfunc can take as an [`Option`], and programs then pass NULL for.
///
/// # Safety
///
/// [`ArgAbi::Abi`] must be a [`NonNull`](core::ptr::NonNull).
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a kfunc",
    label = "not a pointer that may be NULL",
    note = "`In<'_, T>` and `Out<'_, T>` may be NULL, and references to structures of the kernel \
            that are an `Object`"
)]
pub unsafe trait Pointer: ArgAbi {}

// SAFETY: A pointer that may be NULL is the same to the C ABI as one that is not.
unsafe impl<A: Pointer> ArgAbi for Option<A> {
    const TYPE: Type = A::TYPE;
    const PROGS: ProgTypes = A::PROGS;
    const KIND: Kind = A::KIND;
    const MAY_BE_NULL: bool = true;
    type Abi = Option<A::Abi>;
}

impl<'call, A: Pointer + Arg<'call>> Arg<'call> for Option<A> {
    #[inline(always)]
    unsafe fn from_abi(abi: Option<A::Abi>) -> Self {
        // SAFETY: By the function's safety requirements, since the verifier lets programs pass NULL
        // or a pointer that they could pass for `A`.
        abi.map(|abi| unsafe { A::from_abi(abi) })
    }
}

/// Returns the name that an argument of type `A` has in BTF, given its own and that with the suffix
/// for pointers that may be NULL.
#[doc(hidden)]
pub const fn param_name<A: ArgAbi>(name: &'static str, nullable: &'static str) -> &'static str {
    if A::MAY_BE_NULL {
        nullable
    } else {
        name
    }
}

/// Memory whose size the program passes as another argument.
///
/// In [`bpf_kfuncs!`](crate::bpf_kfuncs) it is `name[size]: T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be memory with a size",
    label = "its size is that of its type, or it is no memory",
    note = "`In<'_, [u8]>` can be"
)]
pub trait SizedArg<'call>: ArgAbi {
    /// Takes over the two arguments that arrived.
    ///
    /// # Safety
    ///
    /// As for [`Arg::from_abi`]. `size` must be the value that the program passed for an argument
    /// whose name ends in `__sz`, right behind this one.
    unsafe fn from_abi(abi: Self::Abi, size: u32) -> Self;
}

/// Does the same as [`take_arg`] for memory with a size.
///
/// # Safety
///
/// As for [`take_arg`] and [`SizedArg::from_abi`].
#[doc(hidden)]
#[inline(always)]
pub unsafe fn take_sized_arg<'call, T: SizedArg<'call>>(
    _caller: &'call Caller,
    abi: T::Abi,
    size: u32,
) -> T {
    // SAFETY: By the function's safety requirements, and the evidence is gone before the call is
    // over.
    unsafe { T::from_abi(abi, size) }
}

/// A type that a kfunc can return.
///
/// # Safety
///
/// [`Self::TYPE`] must describe, and [`Self::Abi`] be, the same C type. Whatever the verifier lets
/// programs of the types [`Self::PROGS`] do with it, by [`Self::FLAGS`], they must be able to do.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a kfunc",
    label = "not a result that a BPF program can take",
    note = "nothing and integers can be, `Result`s of nothing, `i32` and `i64`, and `ARef<T>` and \
            `Option<ARef<T>>` of structures of the kernel that are `Counted`"
)]
pub unsafe trait Ret {
    /// The description in BTF.
    const TYPE: Type;

    /// The types of programs that can take such a result.
    const PROGS: ProgTypes = ProgTypes::ALL;

    /// The flags that the kfunc has because of its result.
    const FLAGS: Flags = flags::NONE;

    /// Whether only the `next` of an iterator can return it.
    const IS_ITEM: bool = false;

    /// What leaves the entry point.
    type Abi;

    /// Converts to what leaves.
    fn into_abi(self) -> Self::Abi;
}

macro_rules! pass_int {
    ($($ty:ty: $abi:ty),*) => {
        $(
            // SAFETY: The verifier takes any 64 bits for an integer. Where the C ABI has integers
            // of 32 and 64 bits extended, the JIT does that by `TYPE`. The x86-64 one relies on
            // callers for shorter ones, which that JIT does not do, so they are cut out here.
            unsafe impl ArgAbi for $ty {
                const TYPE: Type = <$ty as Describe>::TYPE;
                type Abi = $abi;
            }

            impl Arg<'_> for $ty {
                #[inline(always)]
                unsafe fn from_abi(abi: $abi) -> $ty {
                    abi as $ty
                }
            }

            // SAFETY: An integer is the same on both sides.
            unsafe impl Ret for $ty {
                const TYPE: Type = <$ty as Describe>::TYPE;
                type Abi = $ty;

                #[inline(always)]
                fn into_abi(self) -> $ty {
                    self
                }
            }
        )*
    };
}

pass_int! {
    i8: i32,
    u8: u32,
    i16: i32,
    u16: u32,
    i32: i32,
    u32: u32,
    i64: i64,
    u64: u64
}

// SAFETY: As for other short integers. `_Bool` is a byte, and that a program passes nothing but 0
// and 1 in it is not known.
unsafe impl ArgAbi for bool {
    const TYPE: Type = <bool as Describe>::TYPE;
    type Abi = u32;
}

impl Arg<'_> for bool {
    #[inline(always)]
    unsafe fn from_abi(abi: u32) -> bool {
        abi as u8 != 0
    }
}

// SAFETY: `bool` is `_Bool`.
unsafe impl Ret for bool {
    const TYPE: Type = <bool as Describe>::TYPE;
    type Abi = bool;

    #[inline(always)]
    fn into_abi(self) -> bool {
        self
    }
}

// SAFETY: Nothing is nothing.
unsafe impl Ret for () {
    const TYPE: Type = Type::Void;
    type Abi = ();

    #[inline(always)]
    fn into_abi(self) {}
}

// SAFETY: Both are an `int`.
unsafe impl Ret for Result {
    const TYPE: Type = <i32 as Describe>::TYPE;
    type Abi = i32;

    #[inline(always)]
    fn into_abi(self) -> i32 {
        match self {
            Ok(()) => 0,
            Err(e) => e.to_errno(),
        }
    }
}

// SAFETY: Both are an `int`.
unsafe impl Ret for Result<i32> {
    const TYPE: Type = <i32 as Describe>::TYPE;
    type Abi = i32;

    #[inline(always)]
    fn into_abi(self) -> i32 {
        self.unwrap_or_else(|e| e.to_errno())
    }
}

// SAFETY: Both are a signed integer of 64 bits.
unsafe impl Ret for Result<i64> {
    const TYPE: Type = <i64 as Describe>::TYPE;
    type Abi = i64;

    #[inline(always)]
    fn into_abi(self) -> i64 {
        self.unwrap_or_else(|e| e.to_errno().into())
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[kunit_tests(rust_kernel_bpf_kfunc_abi)]
mod tests {
    use super::*;
    use core::mem;

    #[test]
    fn bool_arrives_as_a_byte() {
        for byte in [0, 1, 2, 0xfe, 0xff] {
            for rest in [0, 0x100, 0xffff_ff00] {
                // SAFETY: Anything may be in the register.
                let value = unsafe { <bool as Arg>::from_abi(rest | byte) };
                assert_eq!(value, byte != 0);
            }
        }
    }

    // As programs do: with anything in the register. Such a call is what kCFI is there to prevent.
    #[test]
    #[cfg(all(CONFIG_64BIT, not(CONFIG_CFI)))]
    fn short_integers_are_cut_out_of_a_register() {
        #[inline(never)]
        extern "C" fn entry<T: Arg<'static> + Into<i64>>(abi: T::Abi) -> i64 {
            // SAFETY: Any integer is valid.
            unsafe { T::from_abi(abi) }.into()
        }

        fn pass<T: Arg<'static> + Into<i64>>(register: u64) -> i64 {
            let entry: extern "C" fn(T::Abi) -> i64 = entry::<T>;
            // SAFETY: Both have one argument, which is passed in a register.
            let entry: extern "C" fn(u64) -> i64 = unsafe { mem::transmute(entry) };

            core::hint::black_box(entry)(register)
        }

        assert_eq!(pass::<u8>(0xffff_ffff_ffff_ff7f), 0x7f);
        assert_eq!(pass::<i8>(0x1_0000_0180), -0x80);
        assert_eq!(pass::<i8>(0xffff_ffff_ffff_ff7f), 0x7f);
        assert_eq!(pass::<u16>(0xffff_ffff_ffff_7fff), 0x7fff);
        assert_eq!(pass::<i16>(0x1_0001_8000), -0x8000);
        assert_eq!(pass::<i16>(0xffff_ffff_ffff_7fff), 0x7fff);
        // The C ABI cuts integers of 32 bits, and none of 64 bits.
        assert_eq!(pass::<u32>(0xa5a5_a5a5_7fff_ffff), 0x7fff_ffff);
        assert_eq!(pass::<u32>(0x5a5a_5a5a_ffff_ffff), 0xffff_ffff);
        assert_eq!(pass::<i32>(0xa5a5_a5a5_8000_0000), -0x8000_0000);
        assert_eq!(pass::<i32>(0x5a5a_5a5a_7fff_ffff), 0x7fff_ffff);
        assert_eq!(pass::<i64>(0x8000_0000_0000_0000), i64::MIN);
        assert_eq!(pass::<i64>(0x0123_4567_89ab_cdef), 0x0123_4567_89ab_cdef);
        assert_eq!(pass::<bool>(0xffff_ffff_ffff_ff00), 0);
        assert_eq!(pass::<bool>(0x1_0000_0102), 1);
    }

    #[test]
    fn results_leave_as_errno() {
        assert_eq!(Ok(()).into_abi(), 0);
        assert_eq!(Err::<(), Error>(ENOENT).into_abi(), -2);
        assert_eq!(Ok(7i32).into_abi(), 7);
        assert_eq!(Err::<i32, Error>(EINVAL).into_abi(), -22);
        assert_eq!(Ok(1i64 << 40).into_abi(), 1 << 40);
        assert_eq!(Err::<i64, Error>(ESRCH).into_abi(), -3);
    }

    #[test]
    fn prototype_says_what_is_returned() {
        assert!(matches!(
            <Result as Ret>::TYPE,
            Type::Int { name: "int", .. }
        ));
        assert!(matches!(<() as Ret>::TYPE, Type::Void));
    }
}
