// SPDX-License-Identifier: GPL-2.0

//! Open-coded iterators: three kfuncs with which a program iterates over structures of the kernel.
//!
//! The state is on the stack of the program. The verifier checks that a program begins with `new`,
//! ends with `destroy`, and does not write to the state in between.

use super::{
    flags,
    Arg,
    ArgAbi,
    Flags,
    Kind,
    Object,
    Ret, //
};
use crate::{
    bpf::{
        btf::{
            Describe,
            Member,
            Struct,
            Type, //
        },
        ProgTypes, //
    },
    types::NotThreadSafe, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    },
};

/// The rest of an iteration: at least one structure.
///
/// # Safety
///
/// - A pointer that [`Self::next`] returns must point to a valid [`Self::Item`] until the end of
///   the RCU read-side critical section in which `Self` was created.
/// - The iteration must end: after a finite number of calls, [`Self::next`] returns no rest.
/// - `Self` must not need a drop, because the program's copy is not dropped.
pub unsafe trait Iter: Sized {
    /// The name of the program's structure in BTF. It must begin with `bpf_iter_`.
    ///
    /// The names of the kfuncs are this name, followed by `_new`, `_next` and `_destroy`.
    const NAME: &'static str;

    /// The structure to iterate over.
    type Item: Object;

    /// Returns the first structure, and the rest, if any.
    ///
    /// # Safety
    ///
    /// The caller must still be in the RCU read-side critical section in which `self` was created.
    unsafe fn next(self) -> (NonNull<Self::Item>, Option<Self>);
}

/// The state in memory of the program.
type State<I> = Option<I>;

/// A member of `struct bpf_iter_*` for each slot of the stack. The names have no meaning.
const MEMBERS: [Member; 4] = {
    const fn slot(name: &'static str, index: usize) -> Member {
        Member {
            name,
            ty: <u64 as Describe>::TYPE,
            offset: 8 * index,
        }
    }
    [
        slot("opaque", 0),
        slot("opaque1", 1),
        slot("opaque2", 2),
        slot("opaque3", 3),
    ]
};

/// Returns the description of the structure on the stack of a program.
const fn state<I: Iter>() -> Type {
    assert!(
        size_of::<State<I>>() <= 8 * MEMBERS.len(),
        "the state of an iterator is too large"
    );
    assert!(
        align_of::<State<I>>() <= 8,
        "the stack of a program has slots of 8 bytes"
    );
    Type::Struct(
        &const {
            Struct {
                name: I::NAME,
                size: size_of::<State<I>>().next_multiple_of(8),
                members: MEMBERS.split_at(size_of::<State<I>>().div_ceil(8)).0,
            }
        },
    )
}

/// The first argument of `new`. Without a call of [`New::start`], the iteration is empty.
///
/// # Invariants
///
/// The pointer is valid for writes of a [`State<I>`], and no other code accesses that memory. The
/// program is in an RCU read-side critical section, which does not end before the call of
/// `destroy`.
pub struct New<'a, I: Iter> {
    ptr: NonNull<State<I>>,
    _lifetime: PhantomData<&'a mut I>,
    _not_send: NotThreadSafe,
}

impl<I: Iter> New<'_, I> {
    /// Starts the iteration over `iter`.
    #[inline]
    pub fn start(self, iter: I) {
        // SAFETY: By the type invariant.
        unsafe { self.ptr.write(Some(iter)) };
        core::mem::forget(self);
    }
}

impl<I: Iter> Drop for New<'_, I> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { self.ptr.write(None) };
    }
}

/// The only argument of `next`.
///
/// # Invariants
///
/// The pointer points to the [`State<I>`] that `new` wrote, and no other code accesses that memory.
/// The RCU read-side critical section of `new` lasts for `'a`.
pub struct Next<'a, I: Iter> {
    ptr: NonNull<State<I>>,
    _lifetime: PhantomData<&'a mut I>,
    _not_send: NotThreadSafe,
}

impl<I: Iter> Next<'_, I> {
    /// Returns the next structure, [`None`] at the end.
    #[inline]
    pub fn next(self) -> Option<Item<I>> {
        // SAFETY: By the type invariant. The state is overwritten right below.
        let state = unsafe { self.ptr.read() };
        // SAFETY: By the type invariant.
        let (item, rest) = match state.map(|iter| unsafe { iter.next() }) {
            // INVARIANT: By the requirements of `Iter`.
            Some((item, rest)) => (Some(Item(item, NotThreadSafe)), rest),
            None => (None, None),
        };

        // SAFETY: By the type invariant.
        unsafe { self.ptr.write(rest) };
        item
    }
}

/// The only argument of `destroy`.
pub struct Destroy<'a, I: Iter>(PhantomData<&'a mut I>, NotThreadSafe);

/// A structure that `next` returns.
///
/// # Invariants
///
/// The pointer points to a valid structure until the RCU read-side critical section of the program
/// ends.
pub struct Item<I: Iter>(NonNull<I::Item>, NotThreadSafe);

macro_rules! argument {
    ($($ty:ident: $kind:ident, $abi:ident => $make:expr;)*) => {
        $(
            // SAFETY: `TYPE` and `Abi` are a pointer to the state. The verifier checks the state
            // because of the flag that follows from `KIND`.
            unsafe impl<I: Iter> ArgAbi for $ty<'_, I> {
                const TYPE: Type = Type::Ptr(&state::<I>());
                const PROGS: ProgTypes = I::Item::PROGS;
                const KIND: Kind = Kind::$kind(I::NAME);
                type Abi = NonNull<State<I>>;
            }

            impl<'call, I: Iter> Arg<'call> for $ty<'call, I> {
                #[inline(always)]
                unsafe fn from_abi($abi: NonNull<State<I>>) -> Self {
                    // INVARIANT: In `new`, the verifier marks as many stack slots for this iterator
                    // as the size in `TYPE` requires. The flags of `new` require an RCU read-side
                    // critical section. After the end of that section, the verifier rejects calls
                    // of `next` and `destroy`.
                    $make
                }
            }
        )*
    };
}

argument! {
    New: IterNew, abi => Self {
        ptr: abi,
        _lifetime: PhantomData,
        _not_send: NotThreadSafe,
    };
    Next: IterNext, abi => Self {
        ptr: abi,
        _lifetime: PhantomData,
        _not_send: NotThreadSafe,
    };
    Destroy: IterDestroy, _abi => Self(PhantomData, NotThreadSafe);
}

// SAFETY: `TYPE` and `Abi` are a pointer to a structure of the kernel. The verifier requires a
// check for NULL, and treats the pointer as RCU protected, since `new` has `KF_RCU_PROTECTED`.
unsafe impl<I: Iter> Ret for Option<Item<I>> {
    const TYPE: Type = Type::Ptr(&<I::Item as Object>::TYPE);
    const PROGS: ProgTypes = I::Item::PROGS;
    const FLAGS: Flags = flags::KF_RET_NULL;
    const IS_ITEM: bool = true;
    type Abi = *mut I::Item;

    #[inline(always)]
    fn into_abi(self) -> *mut I::Item {
        self.map_or(ptr::null_mut(), |item| item.0.as_ptr())
    }
}

/// Returns whether the name fits the arguments: a kfunc with the state of an iterator as its first
/// argument must have a certain name. Only `next` may return an [`Item`].
#[doc(hidden)]
pub const fn is_iter_kfunc(name: &str, args: &[Kind], is_item: bool) -> bool {
    match args {
        [Kind::IterNew(iter), ..] => is_kfunc_of(name, iter, "_new") && !is_item,
        [Kind::IterNext(iter)] => is_kfunc_of(name, iter, "_next") && is_item,
        [Kind::IterDestroy(iter)] => is_kfunc_of(name, iter, "_destroy") && !is_item,
        [Kind::IterNext(_) | Kind::IterDestroy(_), ..] => false,
        _ => !is_item,
    }
}

/// Returns whether `name` is `iter`, the name of an iterator's structure, followed by `suffix`.
const fn is_kfunc_of(name: &str, iter: &str, suffix: &str) -> bool {
    const PREFIX: &[u8] = b"bpf_iter_";

    let (name, iter, suffix) = (name.as_bytes(), iter.as_bytes(), suffix.as_bytes());
    let mut is_same = iter.len() > PREFIX.len() && name.len() == iter.len() + suffix.len();
    let mut i = 0;
    while is_same && i < name.len() {
        is_same = name[i]
            == if i < iter.len() {
                iter[i]
            } else {
                suffix[i - iter.len()]
            }
            && (i >= PREFIX.len() || name[i] == PREFIX[i]);
        i += 1;
    }
    is_same
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_kfunc_iter)]
mod tests {
    use super::*;
    use core::mem::MaybeUninit;

    struct Thing(#[allow(dead_code)] u8);
    // SAFETY: No function takes this structure.
    unsafe impl Object for Thing {
        const NAME: &'static str = "thing";
        const PROGS: ProgTypes = ProgTypes::ALL;
    }

    static THINGS: [Thing; 3] = [const { Thing(0) }; 3];

    /// The rest of [`THINGS`].
    struct Things(&'static Thing, &'static [Thing]);
    // SAFETY: The structures are static, and the array is finite.
    unsafe impl Iter for Things {
        const NAME: &'static str = "bpf_iter_thing";
        type Item = Thing;

        unsafe fn next(self) -> (NonNull<Thing>, Option<Self>) {
            let rest = self.1.split_first();
            (self.0.into(), rest.map(|(first, rest)| Self(first, rest)))
        }
    }

    fn count(start: impl FnOnce(New<'_, Things>)) -> usize {
        // The stack of a program may have anything.
        let mut state = MaybeUninit::<State<Things>>::new(Some(Things(&THINGS[0], &[])));
        let ptr = NonNull::from(&mut state).cast();
        let mut nr = 0;

        // SAFETY: The state is valid, here and below.
        start(unsafe { New::from_abi(ptr) });
        // SAFETY: As above.
        while unsafe { Next::<'_, Things>::from_abi(ptr) }
            .next()
            .is_some()
        {
            nr += 1;
        }
        // The iterator stays at its end.
        // SAFETY: As above.
        assert!(unsafe { Next::<'_, Things>::from_abi(ptr) }
            .next()
            .is_none());
        nr
    }

    #[test]
    fn goes_to_the_end() {
        assert_eq!(count(|new| new.start(Things(&THINGS[0], &THINGS[1..]))), 3);
        assert_eq!(count(|new| new.start(Things(&THINGS[0], &[]))), 1);
        assert_eq!(count(|_| ()), 0);
    }

    #[test]
    fn items_leave_as_pointers() {
        let mut state = MaybeUninit::<State<Things>>::uninit();
        let ptr = NonNull::from(&mut state).cast();
        // SAFETY: The state is valid, here and below.
        unsafe { New::from_abi(ptr) }.start(Things(&THINGS[0], &THINGS[1..2]));

        for expected in [&raw const THINGS[0], &raw const THINGS[1], ptr::null()] {
            // SAFETY: As above.
            let item = unsafe { Next::<'_, Things>::from_abi(ptr) }.next();
            assert!(item.into_abi().cast_const() == expected);
        }
    }

    #[test]
    fn state_is_in_slots_of_8_bytes() {
        assert!(matches!(
            <New<'_, Things> as ArgAbi>::TYPE,
            Type::Ptr(Type::Struct(s)) if s.name == "bpf_iter_thing"
                && s.size % 8 == 0
                && s.size >= size_of::<State<Things>>()
        ));
    }

    #[test]
    fn names_of_the_three() {
        const NEW: Kind = <New<'_, Things> as ArgAbi>::KIND;
        const NEXT: Kind = <Next<'_, Things> as ArgAbi>::KIND;
        const DESTROY: Kind = <Destroy<'_, Things> as ArgAbi>::KIND;

        assert!(is_iter_kfunc(
            "bpf_iter_thing_new",
            &[NEW, Kind::Integer],
            false
        ));
        assert!(is_iter_kfunc("bpf_iter_thing_next", &[NEXT], true));
        assert!(is_iter_kfunc("bpf_iter_thing_destroy", &[DESTROY], false));
        assert!(is_iter_kfunc("bpf_thing", &[Kind::Integer], false));

        assert!(!is_iter_kfunc("bpf_iter_thing_next", &[NEW], false));
        for name in [
            "bpf_iter_things_new",
            "bpf_iter_thong_new",
            "bpf_iter_thing_ne",
            "bpf_iter_thing_news",
        ] {
            assert!(!is_iter_kfunc(name, &[NEW], false));
        }
        assert!(!is_iter_kfunc("bpf_iter_thing_new", &[NEW], true));
        assert!(!is_iter_kfunc("bpf_iter_thing_next", &[NEXT], false));
        assert!(!is_iter_kfunc("bpf_iter_thing_destroy", &[DESTROY], true));
        assert!(!is_iter_kfunc(
            "bpf_iter_thing_next",
            &[NEXT, Kind::Integer],
            true
        ));
        assert!(!is_iter_kfunc(
            "bpf_iter_thing_destroy",
            &[DESTROY, Kind::Integer],
            false
        ));
        assert!(!is_iter_kfunc("bpf_thing", &[Kind::Integer], true));
        assert!(!is_iter_kfunc(
            "thing_new",
            &[Kind::IterNew("thing")],
            false
        ));
        assert!(!is_iter_kfunc(
            "bpf_iter__new",
            &[Kind::IterNew("bpf_iter_")],
            false
        ));
    }
}
