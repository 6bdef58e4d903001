// SPDX-License-Identifier: GPL-2.0

//! Structures of the kernel that programs hold pointers to.

use super::{
    Arg,
    ArgAbi, //
};
use crate::bpf::{
    btf::Type,
    ProgTypes, //
};
use core::ptr::NonNull;

/// Which pointers to a structure of the kernel the verifier accepts from a program.
///
/// That goes for all such arguments of a kfunc, so a kfunc cannot take two that differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    /// Those that it trusts: the program, or whoever calls it, keeps the structure.
    Trusted,
    /// Besides, those that are valid as long as the program is in an RCU read side critical section
    /// (`KF_RCU`).
    TrustedOrRcu,
}

/// A structure of the kernel that programs hold pointers to.
///
/// A kfunc takes it as `&T`. The wrapper is transparent and opaque ([`Opaque`]), since others may
/// write to the structure at the same time.
///
/// [`Opaque`]: crate::types::Opaque
///
/// # Safety
///
/// What the verifier accepts for a `const struct NAME *`, of [`Self::POINTERS`] and from programs
/// of the types [`Self::PROGS`], must be a pointer to a valid `Self` for the duration of the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a structure of the kernel that programs hold pointers to",
    label = "a reference to this cannot be an argument of a kfunc",
    note = "what is memory of the program arrives as `In<'_, T>` or `Out<'_, T>`"
)]
pub unsafe trait Object {
    /// The name of the structure in the BTF of `vmlinux`.
    const NAME: &'static str;

    /// The types of programs that may pass such a pointer. No other program can call a kfunc that
    /// takes one.
    ///
    /// The verifier knows contexts by their names, and only in programs that have such a context.
    /// For others a context of integers is plain memory, see `btf_is_prog_ctx_type()` in
    /// [`kernel/bpf/btf.c`](srctree/kernel/bpf/btf.c).
    const PROGS: ProgTypes;

    /// Which pointers the verifier accepts.
    const POINTERS: Pointers = Pointers::Trusted;
}

// SAFETY: Both are a pointer to a structure of the kernel that is not written through.
unsafe impl<T: Object> ArgAbi for &T {
    const TYPE: Type = Type::Ptr(&Type::Const(&Type::Opaque(T::NAME)));
    const PROGS: ProgTypes = T::PROGS;
    const POINTERS: Option<Pointers> = Some(T::POINTERS);
    type Abi = NonNull<T>;
}

impl<'call, T: Object> Arg<'call> for &'call T {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // SAFETY: By the requirements of `Object` and of this function.
        unsafe { abi.as_ref() }
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_object)]
mod tests {
    use super::*;
    use crate::bpf::ProgType;

    #[test]
    fn prototype_says_what_is_passed() {
        struct Kernel;
        // SAFETY: There is no function that takes it.
        unsafe impl Object for Kernel {
            const NAME: &'static str = "kernel";
            const PROGS: ProgTypes = ProgTypes::new(&[ProgType::XDP]);
        }
        assert!(matches!(
            <&Kernel as ArgAbi>::TYPE,
            Type::Ptr(Type::Const(Type::Opaque("kernel")))
        ));
        assert!(<&Kernel as ArgAbi>::PROGS == Kernel::PROGS);
    }
}
