// SPDX-License-Identifier: GPL-2.0

//! Kfuncs: functions of the kernel that BPF programs call.
//!
//! A module lists its kfuncs in [`bpf_kfuncs!`](crate::bpf_kfuncs) and registers them in its
//! `init()`, see [`Set::register`]. What goes in and out of a kfunc is safe to handle:
//!
//! - Memory of the program arrives as [`In`] or [`Out`], never as a Rust reference, because it may
//!   be a map value that other CPUs, and userspace through `mmap(2)`, write to at the same time.
//!   [`In`] is copied out once, before it is looked at. [`Out`] is written once, as a whole, and
//!   filled with zeroes if it was not written, so a program never sees a stale or a half value.
//! - [`Result`]s leave as 0 or a value, or as a negative errno.
//!
//! Reference: [BPF Kernel Functions](https://docs.kernel.org/bpf/kfuncs.html)

use super::{
    btf::{
        Describe,
        Encoded,
        Func,
        Type, //
    },
    Prog,
    ProgType,
    ProgTypes, //
};
use crate::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::CurrentTask,
    types::NotThreadSafe,
    ThisModule, //
};
use core::{
    marker::PhantomData,
    mem::{
        self,
        MaybeUninit, //
    },
    ptr::NonNull,
};

/// Evidence that the code is being called by a BPF program.
///
/// # Invariants
///
/// The program runs on top of the current task until the value is gone.
pub struct Caller(NotThreadSafe);

impl Caller {
    /// Creates the evidence.
    ///
    /// # Safety
    ///
    /// Only for the entry point of a kfunc, for the duration of one call.
    #[doc(hidden)]
    #[inline]
    pub unsafe fn new() -> Self {
        // INVARIANT: By the function's safety requirements a program is calling.
        Self(NotThreadSafe)
    }

    /// Returns the task that the program runs on top of.
    #[inline]
    pub fn current(&self) -> &CurrentTask {
        // SAFETY: There is always a current task. By the type invariant, its context is not left
        // as long as `self` exists. `CurrentTask` is transparent.
        unsafe { &*current_task().cast() }
    }
}

/// Returns the current task.
///
/// In C that is inline, and a single instruction on x86-64. A helper function would cost a call in
/// a hot path, unless the compiler can see through it (`CONFIG_RUST_INLINE_HELPERS`).
#[inline(always)]
fn current_task() -> *const bindings::task_struct {
    #[cfg(all(
        CONFIG_X86_64,
        CONFIG_SMP,
        not(CONFIG_UML),
        not(CONFIG_RUST_INLINE_HELPERS)
    ))]
    {
        let task;

        // SAFETY: Reads a variable of this CPU, as `get_current()` in
        // `arch/x86/include/asm/current.h` does. For a task it is the same on every CPU.
        unsafe {
            crate::asm!(
                "movq %gs:const_current_task(%rip), {task}";
                task = out(reg) task,
                options(pure, readonly, nostack, preserves_flags),
            )
        };
        task
    }
    #[cfg(not(all(
        CONFIG_X86_64,
        CONFIG_SMP,
        not(CONFIG_UML),
        not(CONFIG_RUST_INLINE_HELPERS)
    )))]
    {
        // SAFETY: There is always a current task.
        unsafe { bindings::get_current() }
    }
}

/// Types of which a program can pass a piece of memory: structures declared by
/// [`bpf_struct!`](crate::bpf_struct), and integers other than `bool`.
///
/// Every bit pattern is valid for them, and they have no padding.
pub trait Plain: Describe + FromBytes + IntoBytes + Copy {}

impl<T: Describe + FromBytes + IntoBytes + Copy> Plain for T {}

/// Copies a `T` from (`LOAD`) or to memory that others may write to at the same time.
///
/// There each word is accessed once, as `READ_ONCE()` and `WRITE_ONCE()` do in C. A word is as wide
/// as the alignment of `T` if the shared pointer is aligned, else it is a byte: where the
/// architecture is good at unaligned accesses, the verifier allows programs to pass any address.
///
/// # Safety
///
/// `src` must be valid for reads, `dst` for writes, of `size_of::<T>()` bytes, and they must not
/// overlap. The one that is not shared must be aligned for `T`.
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
                // Only here the value has an address, so that else it can be in registers.
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

/// Copies `len` words.
///
/// # Safety
///
/// `src` must be valid for reads, `dst` for writes, of `len` words. They must be aligned, and must
/// not overlap.
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
/// Not inline, since hardly any program passes memory that is not aligned.
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
/// # Invariants
///
/// The pointer is valid for reads of `T` for the duration of `'a`, but for others that write to the
/// memory at the same time. It need not be aligned.
pub struct In<'a, T: Plain> {
    ptr: NonNull<T>,
    _lifetime: PhantomData<&'a T>,
    _not_send: NotThreadSafe,
}

impl<T: Plain> In<'_, T> {
    /// Takes a copy of what is in the memory now.
    ///
    /// Only once, so that what was checked is what is used.
    #[inline]
    pub fn read(self) -> T {
        let mut value = MaybeUninit::uninit();

        // SAFETY: By the type invariant the source is valid, and the destination is our own. All
        // bytes are copied, and any bit pattern is a valid `T`.
        unsafe {
            copy_words::<true, T>(self.ptr.as_ptr(), value.as_mut_ptr());
            value.assume_init()
        }
    }
}

/// Memory of the program that a kfunc fills, `T *` in C.
///
/// If it is not written, it is filled with zeroes.
///
/// # Invariants
///
/// The pointer is valid for writes of `T` for the duration of `'a`, but for others that access the
/// memory at the same time. It need not be aligned.
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
        // What is in the memory now is to stay.
        mem::forget(self);
    }

    #[inline(always)]
    fn store(&self, value: &T) {
        // SAFETY: By the type invariant the destination is valid, and the source is our own.
        unsafe { copy_words::<false, T>(value, self.ptr.as_ptr()) };
    }
}

impl<T: Plain> Drop for Out<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // A program may read the memory once the call has been made, whatever came of it.
        self.store(&T::new_zeroed());
    }
}

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

// SAFETY: Both are a pointer to a `T` that is not written through.
unsafe impl<T: Plain> ArgAbi for In<'_, T> {
    const TYPE: Type = Type::Ptr(&Type::Const(&T::TYPE));
    type Abi = NonNull<T>;
}

impl<'call, T: Plain> Arg<'call> for In<'call, T> {
    #[inline(always)]
    unsafe fn from_abi(abi: NonNull<T>) -> Self {
        // INVARIANT: For a pointer to a structure of integers, the verifier makes sure that it is
        // not NULL and that as many bytes behind it can be read and written during the call.
        Self {
            ptr: abi,
            _lifetime: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}

// SAFETY: Both are a pointer to a `T`.
unsafe impl<T: Plain> ArgAbi for Out<'_, T> {
    const TYPE: Type = Type::Ptr(&T::TYPE);
    type Abi = NonNull<T>;
}

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

/// What the verifier has to know of a kfunc, `KF_*` in C.
///
/// Only what goes with functions that take and give what [`Arg`] and [`Ret`] allow: others would
/// have the verifier believe of a function what it does not do.
#[derive(Clone, Copy)]
pub struct Flags(u32);

impl Flags {
    /// Adds others.
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Returns the flags that follow from the arguments of a kfunc, given the
    /// [`POINTERS`](ArgAbi::POINTERS) of each. [`None`] if these contradict each other.
    #[doc(hidden)]
    pub const fn of_args(args: &[Option<Pointers>]) -> Option<Self> {
        let mut trusted = false;
        let mut rcu = false;
        let mut i = 0;
        while i < args.len() {
            match args[i] {
                Some(Pointers::Trusted) => trusted = true,
                Some(Pointers::TrustedOrRcu) => rcu = true,
                None => (),
            }
            i += 1;
        }
        match (trusted, rcu) {
            (true, true) => None,
            (_, false) => Some(flags::NONE),
            (false, true) => Some(Self(bindings::KF_RCU)),
        }
    }
}

/// The [`Flags`] that there are.
pub mod flags {
    use super::Flags;
    use crate::bindings;

    /// Nothing in particular.
    pub const NONE: Flags = Flags(0);
    /// The kfunc may sleep: only sleepable programs may call it.
    pub const KF_SLEEPABLE: Flags = Flags(bindings::KF_SLEEPABLE);
    /// The kfunc may harm the system: only programs of who has `CAP_SYS_BOOT` may call it.
    pub const KF_DESTRUCTIVE: Flags = Flags(bindings::KF_DESTRUCTIVE);
    /// The kfunc must be called with the RCU read side lock held.
    pub const KF_RCU_PROTECTED: Flags = Flags(bindings::KF_RCU_PROTECTED);
}

/// The groups of program types that the kernel registers kfuncs for, by any of them.
///
/// See `bpf_prog_type_to_kfunc_hook()` in [`kernel/bpf/btf.c`](srctree/kernel/bpf/btf.c).
const HOOKS: [&[ProgType]; 11] = [
    &[
        ProgType::TRACING,
        ProgType::TRACEPOINT,
        ProgType::RAW_TRACEPOINT,
        ProgType::PERF_EVENT,
        ProgType::LSM,
    ],
    &[ProgType::KPROBE],
    &[ProgType::SYSCALL],
    &[
        ProgType::CGROUP_SKB,
        ProgType::CGROUP_SOCK,
        ProgType::CGROUP_DEVICE,
        ProgType::CGROUP_SOCK_ADDR,
        ProgType::CGROUP_SOCKOPT,
        ProgType::CGROUP_SYSCTL,
        ProgType::SOCK_OPS,
    ],
    &[ProgType::XDP, ProgType::XDP_OTHER],
    &[ProgType::SCHED_CLS],
    &[ProgType::SCHED_ACT],
    &[ProgType::SOCKET_FILTER],
    &[ProgType::SK_SKB],
    &[
        ProgType::LWT_IN,
        ProgType::LWT_OUT,
        ProgType::LWT_XMIT,
        ProgType::LWT_SEG6LOCAL,
    ],
    &[ProgType::NETFILTER],
];

/// A `struct btf_id_set8` with `N` elements.
#[doc(hidden)]
#[repr(C)]
pub struct IdSet<const N: usize> {
    cnt: u32,
    flags: u32,
    /// Type id, before relocation, and `KF_*` flags.
    pairs: [[u32; 2]; N],
}

impl<const N: usize> IdSet<N> {
    /// Creates the set of the functions of `btf`, which have these flags.
    pub const fn new(btf: &Encoded, flags: [Flags; N]) -> Self {
        let mut pairs = [[0; 2]; N];
        let mut i = 0;
        while i < N {
            pairs[i] = [btf.first_func() + i as u32, flags[i].0];
            i += 1;
        }
        Self {
            cnt: N as u32,
            flags: bindings::BTF_SET8_KFUNCS,
            pairs,
        }
    }
}

/// The filter of kfuncs that have none.
#[doc(hidden)]
pub fn allow_all(_: &Prog, _: &'static Func) -> bool {
    true
}

/// The kfuncs of a module. [`bpf_kfuncs!`](crate::bpf_kfuncs) makes it.
///
/// # Invariants
///
/// - `ids` points to an [`IdSet`] of `funcs.len()` elements, in the order of `funcs`.
/// - `progs` has an element for each of `funcs`: types of programs that can pass its arguments.
/// - `filter` calls [`Set::filter`] of this set.
/// - `first_func` and `nr_types` are those of the BTF that describes the entry points.
pub struct Set {
    module: &'static ThisModule,
    funcs: &'static [Func],
    progs: &'static [ProgTypes],
    ids: *const bindings::btf_id_set8,
    first_func: u32,
    nr_types: u32,
    filter: bindings::btf_kfunc_filter_t,
    /// By how much relocation moved the type ids of the module.
    moved_by: Atomic<u32>,
    is_registered: Atomic<bool>,
}

// SAFETY: Nothing is written through `ids`, and all else is `Sync`.
unsafe impl Sync for Set {}

impl Set {
    /// Creates a set.
    ///
    /// # Safety
    ///
    /// Only for [`bpf_kfuncs!`](crate::bpf_kfuncs): `funcs`, `progs`, `btf` and `ids` must belong
    /// together, `btf` must be the BTF of `module`, `filter` must call [`Self::filter`] of this
    /// set, and the functions of that name in `module` must be callable by programs of the types in
    /// `progs` that the verifier accepted by that BTF.
    #[doc(hidden)]
    pub const unsafe fn new<const N: usize>(
        module: &'static ThisModule,
        funcs: &'static [Func],
        progs: &'static [ProgTypes; N],
        btf: &Encoded,
        ids: &'static IdSet<N>,
        filter: bindings::btf_kfunc_filter_t,
    ) -> Self {
        // INVARIANT: By the function's safety requirements.
        Self {
            module,
            funcs,
            progs,
            ids: core::ptr::from_ref(ids).cast(),
            first_func: btf.first_func(),
            nr_types: btf.nr_types(),
            filter,
            moved_by: Atomic::new(0),
            is_registered: Atomic::new(false),
        }
    }

    /// Lets programs call the kfuncs, each one programs of the types that it is for.
    ///
    /// There is no way back: the kernel forgets the kfuncs when the module goes, which it cannot as
    /// long as a program that calls one of them is loaded.
    ///
    /// # Errors
    ///
    /// The kernel forgets what went well before, too, so `init()` has to fail.
    ///
    /// - [`EBUSY`]: the module's `init()` is over, and the verifier may be looking at its kfuncs.
    /// - [`EEXIST`]: this was called before.
    /// - [`ENOENT`]: the kernel has no BTF of the module, because it has none of its own.
    /// - [`ENOMEM`], [`EINVAL`] and others: from `register_btf_kfunc_id_set()`.
    // Not inline: `btf_get_module_btf()` is not exported to modules.
    #[inline(never)]
    pub fn register(&'static self) -> Result {
        if self.is_registered.xchg(true, Relaxed) {
            return Err(EEXIST);
        }
        self.find_btf()?;

        let set = bindings::btf_kfunc_id_set {
            owner: self.module.as_ptr(),
            set: self.ids.cast_mut(),
            filter: self.filter,
        };
        let all = self
            .progs
            .iter()
            .fold(ProgTypes::new(&[]), |all, progs| all.union(*progs));

        for hook in HOOKS {
            if all.intersection(ProgTypes::new(hook)).is_empty() {
                continue;
            }
            // SAFETY: `set` is valid during the call, and nothing keeps a pointer to it; nothing
            // writes to the ids. The BTF of the module is the one that describes the entry points,
            // and the filter rejects programs of other types than those in `progs`, so programs
            // call the entry points as they have to be called.
            to_result(unsafe { bindings::register_btf_kfunc_id_set(hook[0].0, &set) })?;
        }
        Ok(())
    }

    /// Finds out where the kernel has put the BTF of the module.
    ///
    /// Errors are as for [`Self::register`].
    fn find_btf(&self) -> Result {
        // SAFETY: A module whose code runs is there.
        let btf = from_err_ptr(unsafe { bindings::btf_get_module_btf(self.module.as_ptr()) })?;
        if btf.is_null() {
            // The kernel would take this for success.
            return Err(ENOENT);
        }
        // All of `.BTF` moves as one: behind the types of the kernel instead of those of
        // `.BTF.base`.
        //
        // SAFETY: `btf` is valid, and the reference to it is given back here.
        let nr_types = unsafe {
            let nr_types = bindings::btf_nr_types(btf);
            bindings::btf_put(btf);
            nr_types
        };
        self.moved_by
            .store(nr_types.wrapping_sub(self.nr_types), Relaxed);
        Ok(())
    }

    /// Returns whether a program may call a kfunc, in the way of `btf_kfunc_filter_t`: if it is of
    /// a type that the kfunc is for, and `allow` returns `true`.
    ///
    /// # Safety
    ///
    /// Only for a filter that the verifier calls: `prog` must be valid, `id` a type id.
    #[doc(hidden)]
    pub unsafe fn filter(
        &'static self,
        prog: *const bindings::bpf_prog,
        id: u32,
        allow: fn(&Prog, &'static Func) -> bool,
    ) -> c_int {
        // SAFETY: The verifier calls filters for a program that it is loading.
        let prog = unsafe { Prog::from_raw(prog) };
        let index = id
            .wrapping_sub(self.moved_by.load(Relaxed))
            .wrapping_sub(self.first_func);

        let is_allowed = || {
            let func = self.funcs.get(index as usize)?;
            let progs = self.progs.get(index as usize)?;

            Some(progs.contains(prog.prog_type()) && allow(prog, func))
        };
        match is_allowed() {
            Some(true) => 0,
            _ => EACCES.to_errno(),
        }
    }
}

/// Returns whether a kfunc may have that name.
#[doc(hidden)]
pub const fn is_kfunc_name(name: &str) -> bool {
    matches!(name.as_bytes(), [b'b', b'p', b'f', b'_', _, ..])
}

/// Defines the kfuncs of a module.
///
/// Makes, for each function, an entry point that BPF programs can call, and for all together the
/// BTF that describes them to the verifier, and a [`Set`] to register in the module's `init()`. It
/// can be used once in a module, and only in one that is not built in (`depends on m`): the BTF of
/// `vmlinux` is made by `pahole`.
///
/// - The first parameter of each function is a [`&Caller`](Caller), which the program does not
///   see. The types of the others implement [`Arg`], that of the result implements [`Ret`].
/// - `progs(...)` in front of `fn` has the [`ProgTypes`] that the function is for. Of these, only
///   types that can pass all arguments may call it, see [`Object::PROGS`].
/// - `flags(...)` behind that has the [`Flags`] that the verifier has to know. `KF_RCU` is none of
///   them: it follows from the arguments, see [`Object::POINTERS`].
/// - `filter:` names a function `fn(&Prog, &'static Func) -> bool`. The verifier calls it, in the
///   context of the task that loads the program, for programs of the right type. It returns whether
///   the program may call the kfunc.
///
/// The names of kfuncs are global. They must begin with `bpf_`, since a function of another name
/// could take the place of one that the module imports. Those of parameters must not contain `__`,
/// to which the verifier gives a meaning.
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
///     /// What `bpf_example_times()` gives.
///     struct Times as "bpf_example_times" {
///         product: u64,
///     }
/// }
///
/// kernel::bpf_kfuncs! {
///     /// The kfuncs of this module.
///     static KFUNCS;
///
///     /// Multiplies.
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
        $vis:vis static $set:ident $(, filter: $filter:path)?;

        $(
            $(#[doc = $doc:expr])*
            progs($progs:expr)
            $(flags($flags:expr))?
            fn $name:ident($caller:tt: &$caller_ty:ty $(, $arg:ident: $ty:ty)* $(,)?)
                $(-> $ret:ty)?
            $body:block
        )+
    ) => {
        #[cfg(not(MODULE))]
        ::core::compile_error!("`bpf_kfuncs!` needs a module that is not built in");

        $(
            // Programs find the entry point by its name, and the kernel finds it in the symbol
            // table, so it must be there under exactly that name.
            $(#[doc = $doc])*
            #[no_mangle]
            unsafe extern "C" fn $name(
                $($arg: <$ty as $crate::bpf::kfunc::ArgAbi>::Abi,)*
            ) -> $crate::bpf_kfuncs!(@abi $($ret)?) {
                #[inline(always)]
                fn __bpf_kfunc_body($caller: &$caller_ty, $($arg: $ty,)*) $(-> $ret)? $body

                // SAFETY: Nothing but programs calls this function.
                let caller = unsafe { $crate::bpf::kfunc::Caller::new() };
                $(
                    // SAFETY: The __BTF below has `TYPE` for this argument, so the verifier has
                    // checked it, for a program of a type in `PROGS`.
                    let $arg = unsafe { $crate::bpf::kfunc::take_arg::<$ty>(&caller, $arg) };
                )*
                $crate::bpf::kfunc::Ret::into_abi(__bpf_kfunc_body(&caller, $($arg,)*))
            }
        )+

        $(
            const _: () = ::core::assert!(
                $crate::bpf::kfunc::is_kfunc_name(::core::stringify!($name)),
                ::core::concat!(
                    "`",
                    ::core::stringify!($name),
                    "`: the name of a kfunc has to begin with `bpf_`",
                ),
            );
        )+

        $($(
            const _: () = ::core::assert!(
                !$crate::bpf::btf::is_annotated(::core::stringify!($arg)),
                ::core::concat!(
                    "`",
                    ::core::stringify!($arg),
                    "`: the verifier may take a name with `__` for more than a name",
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
                            name: ::core::stringify!($arg),
                            ty: <$ty as $crate::bpf::kfunc::ArgAbi>::TYPE,
                        },
                    )*],
                    ret: <$crate::bpf_kfuncs!(@ret $($ret)?) as $crate::bpf::kfunc::Ret>::TYPE,
                },
            )+];
            // The module's expressions must not meet items of the same name here, hence `__`.
            static __PROGS: [$crate::bpf::ProgTypes; __FUNCS.len()] = [$({
                const __CALLERS: $crate::bpf::ProgTypes = $crate::bpf::ProgTypes::intersection(
                    $progs,
                    $crate::bpf::ProgTypes::ALL
                        $(.intersection(<$ty as $crate::bpf::kfunc::ArgAbi>::PROGS))*,
                );
                ::core::assert!(
                    !__CALLERS.is_empty(),
                    ::core::concat!(
                        "`",
                        ::core::stringify!($name),
                        "`: no type of programs that this is for can pass all arguments",
                    ),
                );
                __CALLERS
            },)+];
            const __BTF: $crate::bpf::btf::Encoded = $crate::bpf::btf::encode(__FUNCS);
            const __BASE: [u8; __BTF.base_len()] = __BTF.base();
            const __SPLIT: [u8; __BTF.split_len()] = __BTF.split();

            // A second use of this macro in a module would append to the sections, which the kernel
            // would not see. Let the linker object.
            #[no_mangle]
            #[link_section = ".BTF.base"]
            #[used(compiler)]
            static __bpf_kfuncs_once_per_module: [u8; __BASE.len()] = __BASE;

            #[link_section = ".BTF"]
            #[used(compiler)]
            static __SECTION: [u8; __SPLIT.len()] = __SPLIT;

            static __IDS: $crate::bpf::kfunc::IdSet<{ __FUNCS.len() }> =
                $crate::bpf::kfunc::IdSet::new(
                    &__BTF,
                    [$({
                        const __OF_ARGS: ::core::option::Option<$crate::bpf::kfunc::Flags> =
                            $crate::bpf::kfunc::Flags::of_args(
                                &[$(<$ty as $crate::bpf::kfunc::ArgAbi>::POINTERS),*],
                            );
                        let ::core::option::Option::Some(of_args) = __OF_ARGS else {
                            ::core::panic!(::core::concat!(
                                "`",
                                ::core::stringify!($name),
                                "`: RCU is enough to keep one argument, but not another",
                            ))
                        };
                        of_args.union($crate::bpf_kfuncs!(@flags $($flags)?))
                    }),+],
                );

            // Not in the function below, which is unsafe: the module's may not be.
            const __BPF_KFUNCS_ALLOW: fn(
                &$crate::bpf::Prog,
                &'static $crate::bpf::btf::Func,
            ) -> bool = $crate::bpf_kfuncs!(@filter $($filter)?);

            // Has exactly the type `btf_kfunc_filter_t`, as kCFI demands.
            unsafe extern "C" fn __bpf_kfuncs_filter(
                prog: *const $crate::bindings::bpf_prog,
                id: u32,
            ) -> $crate::ffi::c_int {
                // SAFETY: Only the verifier calls this function.
                unsafe { $set.filter(prog, id, __BPF_KFUNCS_ALLOW) }
            }

            // SAFETY: All belongs together: the same list of functions made the entry points, the
            // types of programs, the BTF and the ids.
            unsafe {
                $crate::bpf::kfunc::Set::new(
                    $crate::module::this_module::<crate::LocalModule>(),
                    __FUNCS,
                    &__PROGS,
                    &__BTF,
                    &__IDS,
                    ::core::option::Option::Some(__bpf_kfuncs_filter),
                )
            }
        };
    };

    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
    (@abi $($ret:ty)?) => {
        <$crate::bpf_kfuncs!(@ret $($ret)?) as $crate::bpf::kfunc::Ret>::Abi
    };
    (@flags) => { $crate::bpf::kfunc::flags::NONE };
    (@flags $flags:expr) => { $flags };
    (@filter) => { $crate::bpf::kfunc::allow_all };
    (@filter $filter:path) => { $filter };
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[kunit_tests(rust_kernel_bpf_kfunc)]
mod tests {
    use super::*;

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

    /// Memory of a program: a place for a `T` at every alignment, between bytes that are not to
    /// change.
    #[repr(C, align(8))]
    struct Memory([u8; 40]);

    impl Memory {
        fn poisoned() -> Self {
            Self([0xa5; 40])
        }

        fn at<T: Plain>(&mut self, offset: usize) -> NonNull<T> {
            NonNull::from(&mut self.0[offset]).cast()
        }

        /// Whether nothing but the `T` at `offset` changed, to `value`.
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
        assert!(out_and_in(0x0102_0304u32));
        assert!(out_and_in(5u8));
    }

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
    fn prototype_says_what_is_passed() {
        assert!(matches!(
            <Out<'_, Wide> as ArgAbi>::TYPE,
            Type::Ptr(Type::Struct(s)) if s.name == "wide" && s.size == 16
        ));
        assert!(matches!(
            <In<'_, Narrow> as ArgAbi>::TYPE,
            Type::Ptr(Type::Const(Type::Struct(s))) if s.members[2].offset == 3
        ));
        assert!(matches!(
            <Result as Ret>::TYPE,
            Type::Int { name: "int", .. }
        ));
        assert!(matches!(<() as Ret>::TYPE, Type::Void));

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
        assert!(<In<'_, Wide> as ArgAbi>::PROGS == ProgTypes::ALL);
    }

    #[test]
    fn flags_follow_from_arguments() {
        struct Trusted;
        // SAFETY: There is no function that takes it.
        unsafe impl Object for Trusted {
            const NAME: &'static str = "trusted";
            const PROGS: ProgTypes = ProgTypes::ALL;
        }

        struct Rcu;
        // SAFETY: As above.
        unsafe impl Object for Rcu {
            const NAME: &'static str = "rcu";
            const PROGS: ProgTypes = ProgTypes::ALL;
            const POINTERS: Pointers = Pointers::TrustedOrRcu;
        }

        const MEMORY: Option<Pointers> = <Out<'_, Wide> as ArgAbi>::POINTERS;
        const TRUSTED: Option<Pointers> = <&Trusted as ArgAbi>::POINTERS;
        const RCU: Option<Pointers> = <&Rcu as ArgAbi>::POINTERS;
        let flags = |args: &[_]| Flags::of_args(args).map(|flags| flags.0);

        assert_eq!(flags(&[]), Some(0));
        assert_eq!(flags(&[MEMORY, <u32 as ArgAbi>::POINTERS]), Some(0));
        assert_eq!(flags(&[TRUSTED, MEMORY]), Some(0));
        assert_eq!(flags(&[RCU, MEMORY, RCU]), Some(bindings::KF_RCU));
        assert_eq!(flags(&[RCU, MEMORY, TRUSTED]), None);
        assert_eq!(flags(&[TRUSTED, RCU]), None);
    }

    #[test]
    fn each_type_has_one_hook() {
        let mut seen = ProgTypes::new(&[]);

        for hook in HOOKS {
            let hook = ProgTypes::new(hook);
            assert!(!hook.is_empty());
            assert!(seen.intersection(hook).is_empty());
            seen = seen.union(hook);
        }
        assert!(!seen.contains(ProgType(bindings::bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS)));
    }

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
