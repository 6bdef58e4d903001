// SPDX-License-Identifier: GPL-2.0

//! Structures of the kernel that programs hold pointers to.

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
    /// The name of the structure in BTF.
    const NAME: &'static str;

    /// The description of the structure: one of `vmlinux`, or one of the module's own.
    ///
    /// For one of its own a module can register a destructor, so that programs can keep references
    /// in maps. It must have a member that is a pointer: the verifier lets programs pass memory of
    /// theirs for a structure of integers. Programs can read the members.
    const TYPE: Type = Type::Opaque(Self::NAME);

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

/// Returns the description of a structure, which the verifier must not take for memory.
const fn object<T: Object>() -> Type {
    assert!(
        !T::TYPE.is_memory(),
        "the verifier would let programs pass memory for this structure"
    );
    T::TYPE
}

// SAFETY: Both are a pointer to a structure of the kernel that is not written through.
unsafe impl<T: Object> ArgAbi for &T {
    const TYPE: Type = Type::Ptr(&Type::Const(&object::<T>()));
    const PROGS: ProgTypes = T::PROGS;
    const KIND: Kind = Kind::Object(T::POINTERS);
    type Abi = NonNull<T>;
}

// SAFETY: `Abi` is one.
unsafe impl<T: Object> Pointer for &T {}

impl<'call, T: Object> Arg<'call> for &'call T {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // SAFETY: By the requirements of `Object` and of this function.
        unsafe { abi.as_ref() }
    }
}

/// A structure of the kernel that programs hold references to.
///
/// A kfunc gives one as [`ARef<T>`], or as an [`Option`] of that, and takes one over as
/// [`ARef<T>`]. A program that has a reference must give it to a kfunc, or to a map, or is not
/// loaded.
///
/// # Safety
///
/// - Whatever the verifier takes for a reference to a `struct NAME`, no matter which kfunc it is
///   from, must be one that [`AlwaysRefCounted`] of `Self` counts. So all other kfuncs that give or
///   take references to this structure must count alike, and so must its destructor.
/// - [`AlwaysRefCounted::dec_ref`] must be allowed wherever programs of the types
///   [`Object::PROGS`] run, and, if there is a destructor, wherever the kernel frees the memory
///   of a map.
#[diagnostic::on_unimplemented(
    message = "programs cannot hold a reference to `{Self}`",
    label = "not counted as the verifier expects",
    note = "a kfunc can take a reference for the duration of a call, `&T` of an `Object`"
)]
pub unsafe trait Counted: Object + AlwaysRefCounted + Send + Sync {}

// SAFETY: Both are a pointer to a structure of the kernel.
unsafe impl<T: Counted> ArgAbi for ARef<T> {
    const TYPE: Type = Type::Ptr(&object::<T>());
    const PROGS: ProgTypes = T::PROGS;
    const KIND: Kind = Kind::Reference;
    type Abi = NonNull<T>;
}

impl<T: Counted> Arg<'_> for ARef<T> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // SAFETY: The verifier makes sure that the program has a reference, and takes it from the
        // program. By the requirements of `Counted` it is one to a `T`, counted as such.
        unsafe { ARef::from_raw(abi) }
    }
}

// SAFETY: Both are a pointer to a structure of the kernel. By the requirements of `Counted`, all
// kfuncs to which the verifier lets programs pass the reference count it alike.
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

// SAFETY: As for `ARef<T>`, and the verifier has programs check for NULL.
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

/// Gives back a reference that a program left in a map.
///
/// # Safety
///
/// `ptr` must be the pointer that a kfunc returned for an [`ARef<T>`], given back only here.
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
