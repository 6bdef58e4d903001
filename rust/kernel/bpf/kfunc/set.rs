// SPDX-License-Identifier: GPL-2.0

//! Registration of the kfuncs of a module.

use super::Flags;
use crate::{
    alloc::KVec,
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
    current,
    error::{
        from_err_ptr,
        to_result, //
    },
    prelude::*,
    str::CString,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    ThisModule, //
};
use core::ptr::NonNull;

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

/// The names of a structure and of its destructor in BTF.
#[doc(hidden)]
pub struct DtorNames {
    /// The structure.
    pub ty: &'static str,
    /// The destructor.
    pub func: &'static str,
}

/// A reference to the BTF of a module, or of `vmlinux`.
///
/// # Invariants
///
/// `self` owns a reference to the `struct btf`.
struct BtfRef(NonNull<bindings::btf>);

impl BtfRef {
    /// Returns the BTF of a module, or that of `vmlinux` for code that is built in.
    fn of(module: &'static ThisModule) -> Result<Self> {
        // SAFETY: The module is loaded, since its code is running. The function accepts NULL.
        let btf = from_err_ptr(unsafe { bindings::btf_get_module_btf(module.as_ptr()) })?;

        // For NULL, `register_btf_kfunc_id_set()` may return success.
        //
        // INVARIANT: The function returns a reference.
        NonNull::new(btf).map(Self).ok_or(ENOENT)
    }

    fn nr_types(&self) -> u32 {
        // SAFETY: By the type invariant.
        unsafe { bindings::btf_nr_types(self.0.as_ptr()) }
    }

    /// Returns the id of a type.
    fn find(&self, name: &str, kind: u32) -> Result<u32> {
        let name = CString::try_from_fmt(fmt!("{name}"))?;

        // SAFETY: By the type invariant, and `name` is valid during the call.
        let id = unsafe {
            bindings::btf_find_by_name_kind(self.0.as_ptr(), name.as_char_ptr(), kind as u8)
        };
        u32::try_from(id).map_err(|_| ENOENT)
    }
}

impl Drop for BtfRef {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::btf_put(self.0.as_ptr()) };
    }
}

/// Returns whether an initcall of the kernel is calling.
///
/// The thread that becomes init(1) runs the initcalls one after another. Programs of userspace run
/// only after that thread has left them.
fn is_in_initcall() -> bool {
    // SAFETY: The variable is always valid for reads.
    let state = unsafe { (&raw const bindings::system_state).read_volatile() };

    current!().pid() == 1 && state == bindings::system_states_SYSTEM_SCHEDULING
}

/// Decides, while a program is loaded, whether the program may call a kfunc.
///
/// The verifier calls the filter in the context of the task that loads the program. The last
/// argument is whether the kfunc is for the type of the program. If not, the call is rejected in
/// any case, and the filter can report the reason.
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
/// - For a module that is built in, `module` is NULL, and `vmlinux_ids` has an element for each of
///   `funcs`.
pub struct Set {
    module: &'static ThisModule,
    funcs: &'static [Func],
    progs: &'static [ProgTypes],
    ids: *const bindings::btf_id_set8,
    first_func: u32,
    nr_types: u32,
    filter: bindings::btf_kfunc_filter_t,
    dtors: &'static [bindings::btf_id_dtor_kfunc],
    dtor_names: &'static [DtorNames],
    /// The type ids of `funcs` in the BTF of `vmlinux`, or 0.
    vmlinux_ids: &'static [Atomic<u32>],
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
    /// - `dtors` and `dtor_names` must have destructors as `btf` describes them.
    /// - If the module is built in, `vmlinux_ids` must have `N` elements. resolve_btfids must have
    ///   added `btf` to the BTF of `vmlinux`.
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
        dtor_names: &'static [DtorNames],
        vmlinux_ids: &'static [Atomic<u32>],
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
            dtor_names,
            vmlinux_ids,
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
    ///   Or the module is built in, and the caller is not the thread that runs the initcalls.
    /// - [`EEXIST`]: this function has been called before.
    /// - [`ENOENT`]: the kernel has no BTF of the module, because the kernel itself has none. Or
    ///   the BTF of `vmlinux` lacks that of a module that is built in.
    /// - [`ENOMEM`], [`EINVAL`] and others: from `register_btf_kfunc_id_set()`.
    // Not inline: `btf_get_module_btf()` is not exported to modules.
    #[inline(never)]
    pub fn register(&'static self) -> Result {
        if self.is_registered.xchg(true, Relaxed) {
            return Err(EEXIST);
        }
        let btf = BtfRef::of(self.module)?;

        if self.module.as_ptr().is_null() {
            // The verifier and other initcalls access the sets of `vmlinux` without a lock.
            if !is_in_initcall() {
                return Err(EBUSY);
            }
            let ids = self.find_ids(&btf)?;
            let dtors = self.find_dtors(&btf)?;

            // SAFETY: The ids are those of the functions and structures in the BTF of `vmlinux`.
            return unsafe { self.register_ids(ids.as_ptr().cast(), &dtors) };
        }
        // Relocation adds the same number to all ids of `.BTF`, since the types of the kernel
        // replace those of `.BTF.base`.
        self.moved_by
            .store(btf.nr_types().wrapping_sub(self.nr_types), Relaxed);

        // SAFETY: By the type invariants.
        unsafe { self.register_ids(self.ids, self.dtors) }
    }

    /// Returns the `struct btf_id_set8` of the functions in the BTF of `vmlinux`.
    fn find_ids(&self, btf: &BtfRef) -> Result<KVec<u32>> {
        let mut ids = KVec::with_capacity(2 + 2 * self.funcs.len(), GFP_KERNEL)?;
        // SAFETY: By the type invariants.
        let flags = unsafe {
            core::slice::from_raw_parts(self.ids.cast::<u32>(), 2 + 2 * self.funcs.len())
        };

        ids.extend_from_slice(flags, GFP_KERNEL)?;
        for (i, (func, id)) in self.funcs.iter().zip(self.vmlinux_ids).enumerate() {
            let found = btf.find(func.name, bindings::BTF_KIND_FUNC)?;

            id.store(found, Relaxed);
            ids[2 + 2 * i] = found;
        }
        Ok(ids)
    }

    /// Returns the ids of the structures and destructors in the BTF of `vmlinux`.
    fn find_dtors(&self, btf: &BtfRef) -> Result<KVec<bindings::btf_id_dtor_kfunc>> {
        let mut dtors = KVec::with_capacity(self.dtor_names.len(), GFP_KERNEL)?;

        for names in self.dtor_names {
            dtors.push(
                bindings::btf_id_dtor_kfunc {
                    btf_id: btf.find(names.ty, bindings::BTF_KIND_STRUCT)?,
                    kfunc_btf_id: btf.find(names.func, bindings::BTF_KIND_FUNC)?,
                },
                GFP_KERNEL,
            )?;
        }
        Ok(dtors)
    }

    /// Registers the kfuncs and the destructors.
    ///
    /// # Safety
    ///
    /// - `ids` must be valid during the call, and have the functions of this set.
    /// - `dtors` must have the ids of structures, and of functions that release a reference to one.
    unsafe fn register_ids(
        &self,
        ids: *const bindings::btf_id_set8,
        dtors: &[bindings::btf_id_dtor_kfunc],
    ) -> Result {
        let set = bindings::btf_kfunc_id_set {
            owner: self.module.as_ptr(),
            set: ids.cast_mut(),
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
            // code writes to the ids. The BTF describes the entry points, and the filter rejects
            // programs of other types than those in `progs`. So programs call the entry points with
            // valid arguments.
            to_result(unsafe { bindings::register_btf_kfunc_id_set(hook[0].0, &set) })?;
        }
        if dtors.is_empty() {
            return Ok(());
        }
        // Comes last, since this function does not check whether `init()` has returned.
        //
        // SAFETY: The ids are valid during the call, and the kernel keeps no pointer to them. By
        // the function's safety requirements, they are right.
        to_result(unsafe {
            bindings::register_btf_id_dtor_kfuncs(
                dtors.as_ptr(),
                dtors.len() as u32,
                self.module.as_ptr(),
            )
        })
    }

    /// Returns the index of a kfunc in `funcs`, from the type id. [`None`] is for kfuncs of
    /// `vmlinux` that are not in this set.
    fn index(&self, id: u32) -> Option<usize> {
        if self.module.as_ptr().is_null() {
            return self
                .vmlinux_ids
                .iter()
                .position(|known| known.load(Relaxed) == id);
        }
        Some(
            id.wrapping_sub(self.moved_by.load(Relaxed))
                .wrapping_sub(self.first_func) as usize,
        )
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
        // The filters of `vmlinux` are called for all of its kfuncs.
        let Some(index) = self.index(id) else {
            return 0;
        };

        let is_allowed = || {
            let func = self.funcs.get(index)?;
            let is_for_type = self.progs.get(index)?.contains(prog.prog_type());
            let filter = filters.get(index)?;

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

    // KUnit runs the tests in threads of their own.
    #[test]
    fn only_initcalls_register_built_in_kfuncs() {
        assert!(!is_in_initcall());
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
        let without = ProgType(bindings::bpf_prog_type_BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE);
        assert!(!seen.contains(without));
    }
}
