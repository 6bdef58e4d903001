// SPDX-License-Identifier: GPL-2.0

//! Memory of a program that the program passes to a kfunc.

use super::{
    Arg,
    ArgAbi,
    Kind,
    Pointer,
    SizedArg, //
};
use crate::{
    bpf::btf::{
        Describe,
        Type, //
    },
    prelude::*,
    types::NotThreadSafe, //
};
use core::{
    marker::PhantomData,
    mem::{
        self,
        MaybeUninit, //
    },
    ptr::NonNull,
};

/// Types of memory that a program can pass: structures declared by
/// [`bpf_struct!`](crate::bpf_struct), and integers except `bool`.
///
/// Every bit pattern is valid for them, and they have no padding.
pub trait Plain: Describe + FromBytes + IntoBytes + Copy {}

impl<T: Describe + FromBytes + IntoBytes + Copy> Plain for T {}

/// Copies a `T` from shared memory (`LOAD`), or to shared memory.
///
/// Other CPUs and userspace may access shared memory at the same time. So each word on the shared
/// side is accessed exactly once, like `READ_ONCE()` and `WRITE_ONCE()` do in C. If the shared
/// pointer is aligned, a word is as wide as the alignment of `T`, otherwise a byte. On
/// architectures with efficient unaligned accesses, the verifier accepts any address.
///
/// # Safety
///
/// `src` must be valid for reads of `size_of::<T>()` bytes, `dst` for writes of as many, and they
/// must not overlap. The side that is not shared must be aligned for `T`.
#[inline(always)]
unsafe fn copy_words<const LOAD: bool, T: Plain>(src: *const T, dst: *mut T) {
    let is_aligned = if LOAD {
        src.is_aligned()
    } else {
        dst.is_aligned()
    };
    let width = if is_aligned { align_of::<T>() } else { 1 };

    // SAFETY: By the function's safety requirements. The size of a type is a multiple of its
    // alignment.
    unsafe {
        match width {
            8 => copy::<LOAD, u64>(src.cast(), dst.cast(), size_of::<T>() / 8),
            4 => copy::<LOAD, u32>(src.cast(), dst.cast(), size_of::<T>() / 4),
            2 => copy::<LOAD, u16>(src.cast(), dst.cast(), size_of::<T>() / 2),
            _ if LOAD => {
                // Only this arm takes the address of the value, so the other arms can keep the
                // value in registers.
                let mut value = MaybeUninit::<T>::uninit();
                copy_bytes(src.cast(), value.as_mut_ptr().cast(), size_of::<T>());
                dst.write(value.assume_init());
            }
            _ => {
                let value = src.read();
                copy_bytes((&raw const value).cast(), dst.cast(), size_of::<T>());
            }
        }
    }
}

/// Copies `len` words, each in a single access on the shared side.
///
/// # Safety
///
/// `src` must be valid for reads of `len` words, `dst` for writes of as many. Both must be aligned,
/// and must not overlap.
#[inline(always)]
unsafe fn copy<const LOAD: bool, W>(src: *const W, dst: *mut W, len: usize) {
    for i in 0..len {
        // SAFETY: By the function's safety requirements.
        unsafe {
            if LOAD {
                dst.add(i).write(src.add(i).read_volatile());
            } else {
                dst.add(i).write_volatile(src.add(i).read());
            }
        }
    }
}

/// Copies `len` bytes.
///
/// Not inline, since unaligned memory is rare.
///
/// # Safety
///
/// As for [`copy`].
#[cold]
#[inline(never)]
unsafe fn copy_bytes(src: *const u8, dst: *mut u8, len: usize) {
    // SAFETY: By the function's safety requirements.
    unsafe {
        for i in 0..len {
            dst.add(i).write_volatile(src.add(i).read_volatile());
        }
    }
}

/// Memory of the program that a kfunc reads, `const T *` in C.
///
/// `In<'_, [u8]>` is memory with a size, `const void *` and an integer.
///
/// # Invariants
///
/// The pointer is valid for reads of `T` for the duration of `'a`, except that other code may write
/// to the memory at the same time. The pointer need not be aligned.
pub struct In<'a, T: ?Sized> {
    ptr: NonNull<T>,
    _lifetime: PhantomData<&'a T>,
    _not_send: NotThreadSafe,
}

impl<T: Plain> In<'_, T> {
    /// Returns a copy of the memory.
    ///
    /// Consumes `self`, so that a kfunc uses the same value that it has checked.
    #[inline]
    pub fn read(self) -> T {
        let mut value = MaybeUninit::uninit();

        // SAFETY: By the type invariant the source is valid, and the destination is a local
        // variable. All bytes are copied, and any bit pattern is a valid `T`.
        unsafe {
            copy_words::<true, T>(self.ptr.as_ptr(), value.as_mut_ptr());
            value.assume_init()
        }
    }
}

impl In<'_, [u8]> {
    /// Returns the size of the memory in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.ptr.len()
    }

    /// Returns whether the size is 0.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the memory to the beginning of `buf`, and returns that part of `buf`.
    ///
    /// Each byte is read once, in order.
    ///
    /// # Errors
    ///
    /// [`E2BIG`]: the memory is larger than `buf`.
    pub fn read(self, buf: &mut [u8]) -> Result<&mut [u8]> {
        let buf = buf.get_mut(..self.len()).ok_or(E2BIG)?;

        // SAFETY: By the type invariant the source is valid. The destination is a slice of the same
        // length, and not shared.
        unsafe { copy_bytes(self.ptr.as_ptr().cast(), buf.as_mut_ptr(), buf.len()) };
        Ok(buf)
    }
}

/// Memory of the program that a kfunc writes, `T *` in C.
///
/// If the kfunc does not write the memory, it is filled with zeroes.
///
/// # Invariants
///
/// The pointer is valid for writes of `T` for the duration of `'a`, except that other code may
/// access the memory at the same time. The pointer need not be aligned.
pub struct Out<'a, T: Plain> {
    ptr: NonNull<T>,
    _lifetime: PhantomData<&'a mut T>,
    _not_send: NotThreadSafe,
}

impl<T: Plain> Out<'_, T> {
    /// Writes the value.
    #[inline]
    pub fn write(self, value: T) {
        self.store(&value);
        // Keeps the value: `drop()` would write zeroes.
        mem::forget(self);
    }

    #[inline(always)]
    fn store(&self, value: &T) {
        // SAFETY: By the type invariant the destination is valid. The source is a reference.
        unsafe { copy_words::<false, T>(value, self.ptr.as_ptr()) };
    }
}

impl<T: Plain> Drop for Out<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // The verifier permits a program to read the memory after the call, even after an error.
        self.store(&T::new_zeroed());
    }
}

// SAFETY: `TYPE` and `Abi` are a pointer to a `T`, without writes.
unsafe impl<T: Plain> ArgAbi for In<'_, T> {
    const TYPE: Type = Type::Ptr(&Type::Const(&T::TYPE));
    const KIND: Kind = Kind::Memory;
    type Abi = NonNull<T>;
}

// SAFETY: `Abi` is a `NonNull`.
unsafe impl<T: Plain> Pointer for In<'_, T> {}

impl<'call, T: Plain> Arg<'call> for In<'call, T> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // INVARIANT: For a pointer to a structure of integers, the verifier checks that the pointer
        // is not NULL, and that a structure's size of memory is readable and writable during the
        // call.
        Self {
            ptr: abi,
            _lifetime: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

// SAFETY: `TYPE` and `Abi` are a pointer, without writes.
unsafe impl ArgAbi for In<'_, [u8]> {
    const TYPE: Type = Type::Ptr(&Type::Const(&Type::Void));
    const KIND: Kind = Kind::Memory;
    type Abi = NonNull<u8>;
}

impl<'call> SizedArg<'call> for In<'call, [u8]> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<u8>, size: u32) -> Self {
        // INVARIANT: For a pointer that is followed by a size, the verifier checks that the pointer
        // is not NULL, and that as many bytes are readable and writable during the call. The size
        // is less than `BPF_MAX_VAR_SIZ`, and may be 0.
        Self {
            ptr: NonNull::slice_from_raw_parts(abi, size as usize),
            _lifetime: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

// SAFETY: `TYPE` and `Abi` are a pointer to a `T`.
unsafe impl<T: Plain> ArgAbi for Out<'_, T> {
    const TYPE: Type = Type::Ptr(&T::TYPE);
    const KIND: Kind = Kind::Memory;
    type Abi = NonNull<T>;
}

// SAFETY: `Abi` is a `NonNull`.
unsafe impl<T: Plain> Pointer for Out<'_, T> {}

impl<'call, T: Plain> Arg<'call> for Out<'call, T> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // INVARIANT: As for `In`.
        Self {
            ptr: abi,
            _lifetime: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[kunit_tests(rust_kernel_bpf_kfunc_memory)]
mod tests {
    use super::*;
    use crate::bpf::ProgTypes;

    crate::bpf_struct! {
        /// Words of 8 bytes.
        #[derive(PartialEq)]
        struct Wide as "wide" {
            a: u64,
            b: u64,
        }

        /// Words of 2 bytes.
        #[derive(PartialEq)]
        struct Narrow as "narrow" {
            a: u16,
            b: u8,
            c: u8,
        }

        /// Three words of 2 bytes: a number that is not a power of two.
        #[derive(PartialEq)]
        struct Odd as "odd" {
            a: u16,
            b: u16,
            c: u16,
        }

        /// A structure with another one as a member: words of 4 bytes.
        #[derive(PartialEq)]
        struct Nested as "nested" {
            odd: Odd,
            d: u16,
            e: u32,
        }
    }

    const WIDE: Wide = Wide {
        a: 0x0102_0304_0506_0708,
        b: u64::MAX,
    };
    const NARROW: Narrow = Narrow {
        a: 0x0102,
        b: 3,
        c: 4,
    };
    const ODD: Odd = Odd {
        a: 0x0506,
        b: 0x0708,
        c: 0x090a,
    };
    const NESTED: Nested = Nested {
        odd: ODD,
        d: 0x0b0c,
        e: 0x0d0e_0f10,
    };

    /// Memory of a program: space for a `T` at every alignment, between bytes that must not change.
    #[repr(C, align(8))]
    struct Memory([u8; 40]);

    impl Memory {
        fn poisoned() -> Self {
            Self([0xa5; 40])
        }

        fn at<T: Plain>(&mut self, offset: usize) -> NonNull<T> {
            NonNull::from(&mut self.0[offset]).cast()
        }

        /// Returns whether only the `T` at `offset` has changed, to `value`.
        fn has_only<T: Plain + PartialEq>(&self, offset: usize, value: T) -> bool {
            let end = offset + size_of::<T>();
            T::read_from_bytes(&self.0[offset..end]).is_ok_and(|v| v == value)
                && self.0[..offset].iter().all(|&b| b == 0xa5)
                && self.0[end..].iter().all(|&b| b == 0xa5)
        }
    }

    fn out_and_in<T: Plain + PartialEq>(value: T) -> bool {
        (8..16).all(|offset| {
            let mut memory = Memory::poisoned();
            let ptr = memory.at::<T>(offset);

            // SAFETY: The memory is valid, here and below.
            unsafe { Out::<T>::from_abi(ptr) }.write(value);
            let written = memory.has_only(offset, value);

            let ptr = memory.at::<T>(offset);
            // SAFETY: As above.
            let read = unsafe { In::<T>::from_abi(ptr) }.read();

            let ptr = memory.at::<T>(offset);
            // SAFETY: As above.
            drop(unsafe { Out::<T>::from_abi(ptr) });
            let zeroed = memory.has_only(offset, T::new_zeroed());

            written && read == value && zeroed
        })
    }

    #[test]
    fn memory_of_program_at_any_alignment() {
        assert!(out_and_in(WIDE));
        assert!(out_and_in(NARROW));
        assert!(out_and_in(ODD));
        assert!(out_and_in(NESTED));
        assert!(out_and_in(0x0102_0304u32));
        assert!(out_and_in(5u8));
    }

    #[test]
    fn memory_with_a_size() {
        let bytes = *b"0123456789";
        let mut buf = [0xa5; 8];
        let mut read = |len: u32| {
            // SAFETY: So many bytes are valid.
            let memory = unsafe {
                <In<'_, [u8]> as SizedArg<'_>>::from_abi(NonNull::from(&bytes).cast(), len)
            };
            assert_eq!(memory.len(), len as usize);
            assert_eq!(memory.is_empty(), len == 0);
            let copied = memory.read(&mut buf).map(|copy| copy.len());
            (copied, buf)
        };

        assert_eq!(read(0), (Ok(0), [0xa5; 8]));
        assert_eq!(read(9), (Err(E2BIG), [0xa5; 8]));
        assert_eq!(read(3), (Ok(3), *b"012\xa5\xa5\xa5\xa5\xa5"));
        assert_eq!(read(8), (Ok(8), *b"01234567"));
    }

    #[test]
    fn prototype_describes_the_argument() {
        assert!(matches!(
            <Out<'_, Wide> as ArgAbi>::TYPE,
            Type::Ptr(Type::Struct(s)) if s.name == "wide" && s.size == 16
        ));
        assert!(matches!(
            <In<'_, Narrow> as ArgAbi>::TYPE,
            Type::Ptr(Type::Const(Type::Struct(s))) if s.members[2].offset == 3
        ));
        assert!(<In<'_, Wide> as ArgAbi>::PROGS == ProgTypes::ALL);
    }
}
