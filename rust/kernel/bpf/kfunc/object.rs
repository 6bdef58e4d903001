// SPDX-License-Identifier: GPL-2.0

//! Structures of the kernel that programs have pointers to.

use super::{
    flags,
    Arg,
    ArgAbi,
    Flags,
    Kind,
    Pointer,
    Ret, //
};
use crate::{
    bpf::{
        btf::Type,
        ProgTypes, //
    },
    ffi::c_void,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
};
use core::ptr::{
    self,
    NonNull, //
};

/// The pointers to a structure of the kernel that the verifier accepts from a program.
///
/// The flag applies to all arguments of a kfunc, so a kfunc cannot take two structures with
/// different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointers {
    /// Trusted pointers: the program, or its caller, holds the structure.
    Trusted,
    /// Trusted pointers, and pointers that are valid during the RCU read side critical section of
    /// the program (`KF_RCU`).
    TrustedOrRcu,
}

/// A structure of the kernel that programs have pointers to.
///
/// A kfunc takes it as `&T`. The wrapper is transparent and opaque ([`Opaque`]), since other code
/// may write to the structure at the same time.
///
/// [`Opaque`]: crate::types::Opaque
///
/// # Safety
///
/// Each pointer that the verifier accepts for a `const struct NAME *`, as restricted by
/// [`Self::POINTERS`], from programs of the types [`Self::PROGS`], must point to a valid `Self` for
/// the duration of the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a structure of the kernel that programs have pointers to",
    label = "a reference to this cannot be an argument of a kfunc",
    note = "memory of the program arrives as `In<'_, T>` or `Out<'_, T>`"
)]
pub unsafe trait Object {
    /// The name of the structure in BTF.
    const NAME: &'static str;

    /// The description of the structure, which is one of `vmlinux` or one of the module.
    ///
    /// A module can register a destructor for a structure of its own, so that programs can store
    /// references in maps. The structure must have a pointer as a member, because the verifier
    /// accepts memory of programs for a structure of integers. Programs can read the members.
    const TYPE: Type = Type::Opaque(Self::NAME);

    /// The program types that may pass such a pointer. Other programs cannot call a kfunc that
    /// takes one.
    ///
    /// The verifier recognises contexts by name, and only for program types with such a context.
    /// For other types, a structure of integers with the name of a context is plain memory, see
    /// `btf_is_prog_ctx_type()` in
    /// [`kernel/bpf/btf.c`](srctree/kernel/bpf/btf.c).
    const PROGS: ProgTypes;

    /// The pointers that the verifier accepts.
    const POINTERS: Pointers = Pointers::Trusted;
}

/// Returns the description of a structure, for which the verifier must not accept memory of
/// programs.
const fn object<T: Object>() -> Type {
    assert!(
        !T::TYPE.is_memory(),
        "the verifier would accept memory of programs for this structure"
    );
    T::TYPE
}

// SAFETY: `TYPE` and `Abi` are a pointer to a structure of the kernel, without writes.
unsafe impl<T: Object> ArgAbi for &T {
    const TYPE: Type = Type::Ptr(&Type::Const(&object::<T>()));
    const PROGS: ProgTypes = T::PROGS;
    const KIND: Kind = Kind::Object(T::POINTERS);
    type Abi = NonNull<T>;
}

// SAFETY: `Abi` is a `NonNull`.
unsafe impl<T: Object> Pointer for &T {}

impl<'call, T: Object> Arg<'call> for &'call T {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // SAFETY: By the requirements of `Object` and of this function.
        unsafe { abi.as_ref() }
    }
}

/// A structure of the kernel that programs have references to.
///
/// A kfunc returns a reference as [`ARef<T>`], or as an [`Option`] of that, and releases one that
/// it takes as [`ARef<T>`]. The verifier rejects programs that neither pass a reference to a kfunc
/// nor store it in a map.
///
/// # Safety
///
/// - All references to a `struct NAME` must be counted by [`AlwaysRefCounted`] of `Self`, because
///   the verifier does not distinguish them by kfunc. So all other kfuncs that return or release
///   references to this structure, and its destructor, must count in the same way.
/// - [`AlwaysRefCounted::dec_ref`] must be allowed in every context in which programs of the types
///   [`Object::PROGS`] run. With a destructor, it must also be allowed in every context in which
///   the kernel frees the memory of a map.
#[diagnostic::on_unimplemented(
    message = "programs cannot hold a reference to `{Self}`",
    label = "not `Counted`",
    note = "a kfunc can take a reference for the duration of a call, `&T` of an `Object`"
)]
pub unsafe trait Counted: Object + AlwaysRefCounted + Send + Sync {}

// SAFETY: `TYPE` and `Abi` are a pointer to a structure of the kernel.
unsafe impl<T: Counted> ArgAbi for ARef<T> {
    const TYPE: Type = Type::Ptr(&object::<T>());
    const PROGS: ProgTypes = T::PROGS;
    const KIND: Kind = Kind::Reference;
    type Abi = NonNull<T>;
}

impl<T: Counted> Arg<'_> for ARef<T> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // SAFETY: The verifier checks that the program has a reference, which the program loses by
        // the call. By the requirements of `Counted`, the reference is counted as one of a `T`.
        unsafe { ARef::from_raw(abi) }
    }
}

// SAFETY: `TYPE` and `Abi` are a pointer to a structure of the kernel. By the requirements of
// `Counted`, all kfuncs to which programs can pass the reference count it in the same way.
unsafe impl<T: Counted> Ret for ARef<T> {
    const TYPE: Type = Type::Ptr(&object::<T>());
    const PROGS: ProgTypes = T::PROGS;
    const FLAGS: Flags = flags::KF_ACQUIRE;
    type Abi = *mut T;

    #[inline(always)]
    fn into_abi(self) -> *mut T {
        ARef::into_raw(self).as_ptr()
    }
}

// SAFETY: As for `ARef<T>`, and the verifier requires a check for NULL.
unsafe impl<T: Counted> Ret for Option<ARef<T>> {
    const TYPE: Type = <ARef<T> as Ret>::TYPE;
    const PROGS: ProgTypes = T::PROGS;
    const FLAGS: Flags = flags::KF_ACQUIRE.union(flags::KF_RET_NULL);
    type Abi = *mut T;

    #[inline(always)]
    fn into_abi(self) -> *mut T {
        self.map_or(ptr::null_mut(), Ret::into_abi)
    }
}

/// Releases a reference that a program stored in a map.
///
/// # Safety
///
/// `ptr` must be a pointer that a kfunc returned for an [`ARef<T>`], and that no other code
/// releases.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn put<T: Counted>(ptr: *mut c_void) {
    if let Some(ptr) = NonNull::new(ptr.cast::<T>()) {
        // SAFETY: By the function's safety requirements.
        drop(unsafe { ARef::from_raw(ptr) });
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_object)]
mod tests {
    use super::*;
    use crate::bpf::ProgType;

    #[test]
    fn prototype_describes_the_argument() {
        struct Kernel;
        // SAFETY: No function takes this structure.
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

    #[test]
    fn references_leave_as_pointers() {
        struct Held(u8);
        // SAFETY: No function takes this structure.
        unsafe impl Object for Held {
            const NAME: &'static str = "held";
            const PROGS: ProgTypes = ProgTypes::ALL;
        }
        // SAFETY: The only `Held` is below, and lives longer than its references.
        unsafe impl AlwaysRefCounted for Held {
            fn inc_ref(&self) {}
            unsafe fn dec_ref(_: NonNull<Self>) {}
        }
        // SAFETY: As above.
        unsafe impl Counted for Held {}

        let held = Held(1);
        let pointer = (&raw const held).cast_mut();
        assert!(ARef::from(&held).into_abi() == pointer);
        assert!(Some(ARef::from(&held)).into_abi() == pointer);
        assert!(None::<ARef<Held>>.into_abi().is_null());
        assert_eq!(held.0, 1);
    }
}
