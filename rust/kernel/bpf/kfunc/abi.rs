// SPDX-License-Identifier: GPL-2.0

//! Arguments and results of a kfunc: their BTF, and their conversion from and to the C ABI.

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

/// The C side of an argument of a kfunc. See [`Arg`].
///
/// # Safety
///
/// For an argument of type [`Self::TYPE`], the verifier accepts certain values from programs of the
/// types [`Self::PROGS`]. Each such value, in the register of the argument, must be a valid
/// [`Self::Abi`] in the C ABI.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a kfunc",
    label = "not an argument that a BPF program can pass",
    note = "allowed are integers, `In<'_, T>` and `Out<'_, T>` of structures by `bpf_struct!`, and \
            references to structures of the kernel that are an `Object`"
)]
pub unsafe trait ArgAbi: Sized {
    /// The description in BTF.
    const TYPE: Type;

    /// The program types that can pass such an argument.
    const PROGS: ProgTypes = ProgTypes::ALL;

    /// The kind of the argument.
    const KIND: Kind = Kind::Integer;

    /// Whether programs may pass NULL.
    const MAY_BE_NULL: bool = false;

    /// The type of the argument at the entry point.
    type Abi: Copy;
}

/// The kinds of arguments. They determine the [`Flags`] of a kfunc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An integer.
    Integer,
    /// A pointer to memory of the program.
    Memory,
    /// A pointer to a structure of the kernel, valid during the call.
    Object(Pointers),
    /// A reference to a structure of the kernel, which the program releases (`KF_RELEASE`).
    Reference,
    /// The state of an iterator with this name, to be initialised (`KF_ITER_NEW`).
    IterNew(&'static str),
    /// The state of an iterator (`KF_ITER_NEXT`).
    IterNext(&'static str),
    /// The state of an iterator, at its end (`KF_ITER_DESTROY`).
    IterDestroy(&'static str),
}

/// A type that a kfunc can take as an argument in calls that last `'call`.
///
/// A pointer type implements this trait only for its own lifetime, so a kfunc cannot require a
/// longer lifetime than `'call`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a kfunc",
    label = "not an argument that a BPF program can pass",
    note = "allowed are integers, `In<'_, T>` and `Out<'_, T>` of structures by `bpf_struct!`, and \
            references to structures of the kernel that are an `Object`; memory with a size is \
            `name[size]: In<'_, [u8]>`"
)]
pub trait Arg<'call>: ArgAbi {
    /// Converts the argument.
    ///
    /// # Safety
    ///
    /// The verifier must have accepted `abi` from a program of a type in [`PROGS`](ArgAbi::PROGS),
    /// for an argument of type [`TYPE`](ArgAbi::TYPE). The call must not end before `'call`.
    unsafe fn from_abi(abi: Self::Abi) -> Self;
}

/// Converts an argument, for the lifetime of the evidence of the call.
///
/// # Safety
///
/// The verifier must have accepted `abi` from a program of a type in `T::PROGS`, for an argument of
/// type `T`, in the call of which `caller` is the evidence.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn take_arg<'call, T: Arg<'call>>(_caller: &'call Caller, abi: T::Abi) -> T {
    // SAFETY: By the function's safety requirements. The evidence does not outlive the call.
    unsafe { T::from_abi(abi) }
}

/// A pointer type `P` that a kfunc can take as an [`Option<P>`]. Programs pass NULL for [`None`].
///
/// # Safety
///
/// [`ArgAbi::Abi`] must be a [`NonNull`](core::ptr::NonNull).
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a kfunc",
    label = "not a pointer that may be NULL",
    note = "allowed are `In<'_, T>`, `Out<'_, T>`, and references to structures of the kernel that \
            are an `Object`"
)]
pub unsafe trait Pointer: ArgAbi {}

// SAFETY: The C ABI has no difference between pointers that may be NULL and others.
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
        // SAFETY: By the function's safety requirements. The verifier accepts NULL, or a pointer
        // that it accepts for `A`.
        abi.map(|abi| unsafe { A::from_abi(abi) })
    }
}

/// Returns the name in BTF of an argument of type `A`: `nullable`, the name with the suffix for
/// pointers that may be NULL, or else `name`.
#[doc(hidden)]
pub const fn param_name<A: ArgAbi>(name: &'static str, nullable: &'static str) -> &'static str {
    if A::MAY_BE_NULL {
        nullable
    } else {
        name
    }
}

/// Memory with a size that the program passes as another argument.
///
/// In [`bpf_kfuncs!`](crate::bpf_kfuncs) it is `name[size]: T`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be memory with a size",
    label = "has the size of its type, or is not memory",
    note = "allowed is `In<'_, [u8]>`"
)]
pub trait SizedArg<'call>: ArgAbi {
    /// Converts the two arguments.
    ///
    /// # Safety
    ///
    /// As for [`Arg::from_abi`]. `size` must be the value of the next argument, with a name that
    /// ends in `__sz`.
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
    // SAFETY: By the function's safety requirements. The evidence does not outlive the call.
    unsafe { T::from_abi(abi, size) }
}

/// A type that a kfunc can return.
///
/// # Safety
///
/// [`Self::TYPE`] and [`Self::Abi`] must be the same C type. All operations on the result that the
/// verifier accepts, with [`Self::FLAGS`] and in programs of the types [`Self::PROGS`], must be
/// sound.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a kfunc",
    label = "not a result that a BPF program can take",
    note = "allowed are `()`, integers, a `Result` of `()`, `i32` or `i64`, and `ARef<T>` and \
            `Option<ARef<T>>` of structures of the kernel that are `Counted`"
)]
pub unsafe trait Ret {
    /// The description in BTF.
    const TYPE: Type;

    /// The program types that can take such a result.
    const PROGS: ProgTypes = ProgTypes::ALL;

    /// The flags of the kfunc that follow from the result.
    const FLAGS: Flags = flags::NONE;

    /// Whether only the `next` of an iterator can return it.
    const IS_ITEM: bool = false;

    /// The type of the result at the entry point.
    type Abi;

    /// Converts the result.
    fn into_abi(self) -> Self::Abi;
}

macro_rules! pass_int {
    ($($ty:ty: $abi:ty),*) => {
        $(
            // SAFETY: The verifier accepts any 64 bits for an integer. If the C ABI requires
            // extension of 32-bit integers, the JIT extends them according to `TYPE`. On x86-64,
            // the C ABI leaves the extension of shorter integers to the caller, and the JIT does
            // not extend them. So the code here truncates them.
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

            // SAFETY: `TYPE` and `Abi` are the same integer.
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

// SAFETY: As for other short integers. In C, `_Bool` is a byte. A program may pass other values
// than 0 and 1.
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

// SAFETY: `()` corresponds to C `void`.
unsafe impl Ret for () {
    const TYPE: Type = Type::Void;
    type Abi = ();

    #[inline(always)]
    fn into_abi(self) {}
}

// SAFETY: `TYPE` and `Abi` are an `int`.
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

// SAFETY: `TYPE` and `Abi` are an `int`.
unsafe impl Ret for Result<i32> {
    const TYPE: Type = <i32 as Describe>::TYPE;
    type Abi = i32;

    #[inline(always)]
    fn into_abi(self) -> i32 {
        self.unwrap_or_else(|e| e.to_errno())
    }
}

// SAFETY: `TYPE` and `Abi` are a signed integer of 64 bits.
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
    use super::{
        super::In,
        *, //
    };
    use core::mem;

    #[test]
    fn bool_arrives_as_a_byte() {
        for byte in [0, 1, 2, 0xfe, 0xff] {
            for rest in [0, 0x100, 0xffff_ff00] {
                // SAFETY: The register may have any value.
                let value = unsafe { <bool as Arg>::from_abi(rest | byte) };
                assert_eq!(value, byte != 0);
            }
        }
    }

    // Calls a function like a program does, with any value in the register. kCFI would reject the
    // call.
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
        // The C ABI truncates to 32 bits, and does not change 64 bits.
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
    fn bool_leaves_as_it_is() {
        assert!(true.into_abi());
        assert!(!false.into_abi());
    }

    #[test]
    fn only_pointers_that_may_be_null_have_the_suffix() {
        assert_eq!(param_name::<u32>("a", "a__nullable"), "a");
        assert_eq!(param_name::<In<'_, u64>>("a", "a__nullable"), "a");
        assert_eq!(
            param_name::<Option<In<'_, u64>>>("a", "a__nullable"),
            "a__nullable"
        );
    }

    #[test]
    fn prototype_describes_the_result() {
        assert!(matches!(
            <Result as Ret>::TYPE,
            Type::Int { name: "int", .. }
        ));
        assert!(matches!(<() as Ret>::TYPE, Type::Void));
    }
}
