// SPDX-License-Identifier: GPL-2.0

//! Registration of the kfuncs of a module.

use super::Flags;
use crate::{
    bindings,
    bpf::{
        btf::{
            Encoded,
            Func,
            Type, //
        },
        Prog,
        ProgType,
        ProgTypes, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    ThisModule, //
};

/// The hooks to register kfuncs for, each with the program types that it covers. The kernel accepts
/// any of these types for the hook.
///
/// See `bpf_prog_type_to_kfunc_hook()` in [`kernel/bpf/btf.c`](srctree/kernel/bpf/btf.c).
const HOOKS: [&[ProgType]; 12] = [
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
    &[ProgType::STRUCT_OPS],
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
    /// Creates the set of the functions of `btf`, with the flags of each.
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

/// Returns the ids of structures and of their destructors. In the BTF, the destructors follow after
/// `nr_kfuncs` kfuncs.
#[doc(hidden)]
pub const fn dtor_ids<const N: usize>(
    btf: &Encoded,
    nr_kfuncs: usize,
    types: [Type; N],
) -> [bindings::btf_id_dtor_kfunc; N] {
    let mut ids = [bindings::btf_id_dtor_kfunc {
        btf_id: 0,
        kfunc_btf_id: 0,
    }; N];
    let mut i = 0;
    while i < N {
        ids[i].btf_id = btf.id(&types[i]);
        assert!(
            ids[i].btf_id != 0,
            "no kfunc takes or returns the structure of a destructor"
        );
        ids[i].kfunc_btf_id = btf.first_func() + (nr_kfuncs + i) as u32;
        i += 1;
    }
    ids
}

/// Decides, while a program is loaded, whether the program may call a kfunc.
///
/// The verifier calls the filter in the context of the task that loads the program. The last
/// argument is whether the kfunc is for the type of the program. If not, the call is rejected in any
/// case, and the filter can report the reason.
pub type Filter = fn(&Prog, &'static Func, bool) -> bool;

/// The filter of a module that defines none.
#[doc(hidden)]
pub fn allow_all(_: &Prog, _: &'static Func, _: bool) -> bool {
    true
}

/// The kfuncs of a module, defined by [`bpf_kfuncs!`](crate::bpf_kfuncs).
///
/// # Invariants
///
/// - `ids` points to an [`IdSet`] of `funcs.len()` elements, in the order of `funcs`.
/// - `progs` has an element for each of `funcs`: program types that can pass its arguments.
/// - `filter` calls [`Set::filter`] of this set.
/// - `first_func` and `nr_types` are those of the BTF that describes the entry points.
/// - `dtors` has type ids of that BTF: structures, and functions that release a reference to them.
pub struct Set {
    module: &'static ThisModule,
    funcs: &'static [Func],
    progs: &'static [ProgTypes],
    ids: *const bindings::btf_id_set8,
    first_func: u32,
    nr_types: u32,
    filter: bindings::btf_kfunc_filter_t,
    dtors: &'static [bindings::btf_id_dtor_kfunc],
    /// The offset that relocation added to the type ids of the module.
    moved_by: Atomic<u32>,
    is_registered: Atomic<bool>,
}

// SAFETY: No code writes through `ids`, and the other fields are `Sync`.
unsafe impl Sync for Set {}

impl Set {
    /// Creates a set.
    ///
    /// # Safety
    ///
    /// Only for [`bpf_kfuncs!`](crate::bpf_kfuncs):
    ///
    /// - `funcs`, `progs`, `btf` and `ids` must describe the same functions.
    /// - `btf` must be the BTF of `module`.
    /// - `filter` must call [`Self::filter`] of this set.
    /// - `dtors` must have destructors as `btf` describes them.
    /// - The functions with these names in `module` must be callable by programs of the types in
    ///   `progs` that the verifier has accepted with that BTF.
    #[doc(hidden)]
    pub const unsafe fn new<const N: usize>(
        module: &'static ThisModule,
        funcs: &'static [Func],
        progs: &'static [ProgTypes; N],
        btf: &Encoded,
        ids: &'static IdSet<N>,
        filter: bindings::btf_kfunc_filter_t,
        dtors: &'static [bindings::btf_id_dtor_kfunc],
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
            dtors,
            moved_by: Atomic::new(0),
            is_registered: Atomic::new(false),
        }
    }

    /// Registers the kfuncs. After that, programs of the types of a kfunc may call it.
    ///
    /// There is no function to unregister the kfuncs: the kernel removes them with the module. The
    /// module cannot be removed while a program that calls one of the kfuncs is loaded.
    ///
    /// # Errors
    ///
    /// Most errors also undo earlier registrations, so `init()` must fail.
    ///
    /// - [`EBUSY`]: the module's `init()` has returned, so the verifier may be reading its kfuncs.
    /// - [`EEXIST`]: this function has been called before.
    /// - [`ENOENT`]: the kernel has no BTF of the module, because the kernel itself has none.
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
            // SAFETY: `set` is valid during the call, and the kernel keeps no pointer to `set`. No
            // code writes to the ids. The BTF of the module describes the entry points, and the
            // filter rejects programs of other types than those in `progs`. So programs call the
            // entry points with valid arguments.
            to_result(unsafe { bindings::register_btf_kfunc_id_set(hook[0].0, &set) })?;
        }
        if self.dtors.is_empty() {
            return Ok(());
        }
        // Comes last, since this function does not check whether `init()` has returned.
        //
        // SAFETY: The ids are valid during the call, and the kernel keeps no pointer to them. They
        // are the ids of structures, and of functions that release a reference to one.
        to_result(unsafe {
            bindings::register_btf_id_dtor_kfuncs(
                self.dtors.as_ptr(),
                self.dtors.len() as u32,
                self.module.as_ptr(),
            )
        })
    }

    /// Computes the offset between the type ids of the module and the relocated ones.
    ///
    /// Errors are as for [`Self::register`].
    fn find_btf(&self) -> Result {
        // SAFETY: The module is loaded, since its code is running.
        let btf = from_err_ptr(unsafe { bindings::btf_get_module_btf(self.module.as_ptr()) })?;
        if btf.is_null() {
            // `register_btf_kfunc_id_set()` would return success.
            return Err(ENOENT);
        }
        // Relocation adds the same number to all ids of `.BTF`, since the types of the kernel
        // replace those of `.BTF.base`.
        //
        // SAFETY: `btf` is valid, and the reference to it is released here.
        let nr_types = unsafe {
            let nr_types = bindings::btf_nr_types(btf);
            bindings::btf_put(btf);
            nr_types
        };
        self.moved_by
            .store(nr_types.wrapping_sub(self.nr_types), Relaxed);
        Ok(())
    }

    /// Returns, as a `btf_kfunc_filter_t` does, whether a program may call a kfunc. The program may
    /// if the kfunc is for its type, and its element of `filters` returns `true`.
    ///
    /// # Safety
    ///
    /// Only for a filter that the verifier calls: `prog` must be valid, and `id` must be a type id.
    #[doc(hidden)]
    pub unsafe fn filter(
        &'static self,
        prog: *const bindings::bpf_prog,
        id: u32,
        filters: &[Filter],
    ) -> c_int {
        // SAFETY: The verifier passes the program that is being loaded.
        let prog = unsafe { Prog::from_raw(prog) };
        let index = id
            .wrapping_sub(self.moved_by.load(Relaxed))
            .wrapping_sub(self.first_func);

        let is_allowed = || {
            let func = self.funcs.get(index as usize)?;
            let is_for_type = self.progs.get(index as usize)?.contains(prog.prog_type());
            let filter = filters.get(index as usize)?;

            Some(filter(prog, func, is_for_type) && is_for_type)
        };
        match is_allowed() {
            Some(true) => 0,
            _ => EACCES.to_errno(),
        }
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[kunit_tests(rust_kernel_bpf_kfunc_set)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_hook() {
        let mut seen = ProgTypes::new(&[]);

        for hook in HOOKS {
            let hook = ProgTypes::new(hook);
            assert!(!hook.is_empty());
            assert!(seen.intersection(hook).is_empty());
            seen = seen.union(hook);
        }
        let without = ProgType(bindings::bpf_prog_type_BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE);
        assert!(!seen.contains(without));
    }
}
