// SPDX-License-Identifier: GPL-2.0

//! Arguments and results of a kfunc: how they are described, and how they arrive and leave.

use super::{
    Caller,
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

    /// Which pointers the verifier has to accept, if it is one to a structure of the kernel.
    const POINTERS: Option<Pointers> = None;

    /// What arrives at the entry point.
    type Abi: Copy;
}

/// A type that a kfunc can take as an argument in calls that last `'call`.
///
/// What points to something implements it for no lifetime but its own, so a kfunc cannot ask for
/// more than the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a kfunc",
    label = "not an argument that a BPF program can pass",
    note = "integers can be, `In<'_, T>` and `Out<'_, T>` of what `bpf_struct!` declares, and \
            references to structures of the kernel that are an `Object`"
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

/// A type that a kfunc can return.
///
/// # Safety
///
/// [`Self::TYPE`] must describe, and [`Self::Abi`] be, the same C type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a kfunc",
    label = "not a result that a BPF program can take",
    note = "nothing and integers can be, and `Result`s of nothing, `i32` and `i64`"
)]
pub unsafe trait Ret {
    /// The description in BTF.
    const TYPE: Type;

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
