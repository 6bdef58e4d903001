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

/// A type id in the section `.BTF_ids`.
///
/// The compiler's id is that of the BTF in [`Encoded`]. The symbol of a `BtfId` has the name of the
/// type, see `include/linux/btf_ids.h`. If resolve_btfids adds that BTF to other BTF, it replaces
/// the id in the file.
#[doc(hidden)]
#[repr(transparent)]
pub struct BtfId(u32);

impl BtfId {
    /// Creates the id of a type of a loadable module. For code that is built in, only
    /// resolve_btfids has the id: 0 is void, and no id of a function or of a structure.
    #[inline]
    pub const fn new(id: u32, is_module: bool) -> Self {
        Self(if is_module { id } else { 0 })
    }

    /// Returns the id before relocation.
    fn get(&'static self) -> u32 {
        // Volatile, since the compiler does not see the change by resolve_btfids.
        //
        // SAFETY: A reference is valid for reads.
        unsafe { (&raw const self.0).read_volatile() }
    }
}

/// The ids of a structure and of its destructor.
#[doc(hidden)]
pub struct Dtor {
    /// The structure.
    pub ty: &'static BtfId,
    /// The destructor.
    pub func: &'static BtfId,
}

/// Returns the id of the structure of a destructor.
#[doc(hidden)]
#[inline]
pub const fn dtor_type_id(btf: &Encoded, ty: &Type) -> u32 {
    let id = btf.id(ty);
    assert!(
        id != 0,
        "no kfunc takes or returns the structure of a destructor"
    );
    id
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

    /// Returns the id that a type has after relocation.
    fn relocate(&self, id: &'static BtfId) -> Result<u32> {
        // SAFETY: By the type invariant.
        match unsafe { bindings::btf_relocate_id(self.0.as_ptr(), id.get()) } {
            0 => Err(ENOENT),
            id => Ok(id),
        }
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
/// - Each of `ids` is the id, before relocation, of the function with the same index in `funcs`.
/// - `progs` has an element for each of `funcs`: program types that can pass its arguments.
/// - `filter` calls [`Set::filter`] of this set.
/// - `dtors` has the ids of structures, and of functions that release a reference to them.
/// - For a module that is built in, `module` is NULL.
pub struct Set {
    module: &'static ThisModule,
    funcs: &'static [Func],
    progs: &'static [ProgTypes],
    flags: &'static [Flags],
    ids: &'static [&'static BtfId],
    /// The ids after relocation, or 0.
    relocated: &'static [Atomic<u32>],
    filter: bindings::btf_kfunc_filter_t,
    dtors: &'static [Dtor],
    is_registered: Atomic<bool>,
}

impl Set {
    /// Creates a set.
    ///
    /// # Safety
    ///
    /// Only for [`bpf_kfuncs!`](crate::bpf_kfuncs):
    ///
    /// - `funcs`, `progs`, `flags` and `ids` must be about the same functions, in the same order.
    /// - `ids` and `dtors` must be in `.BTF_ids` of `module`, under the names of the functions and
    ///   structures.
    /// - `filter` must call [`Self::filter`] of this set.
    /// - `dtors` must have functions that release a reference to the structure.
    /// - The functions with these names in `module` must be callable by programs of the types in
    ///   `progs` that the verifier has accepted with the BTF of `funcs`.
    #[doc(hidden)]
    pub const unsafe fn new<const N: usize>(
        module: &'static ThisModule,
        funcs: &'static [Func],
        progs: &'static [ProgTypes; N],
        flags: &'static [Flags; N],
        ids: &'static [&'static BtfId; N],
        relocated: &'static [Atomic<u32>; N],
        filter: bindings::btf_kfunc_filter_t,
        dtors: &'static [Dtor],
    ) -> Self {
        // INVARIANT: By the function's safety requirements.
        Self {
            module,
            funcs,
            progs,
            flags,
            ids,
            relocated,
            filter,
            dtors,
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
    ///   the BTF lacks one of the kfuncs, because resolve_btfids failed.
    /// - [`ENOMEM`], [`EINVAL`] and others: from `register_btf_kfunc_id_set()`.
    // Not inline: `btf_get_module_btf()` is not exported to modules.
    #[inline(never)]
    pub fn register(&'static self) -> Result {
        if self.is_registered.xchg(true, Relaxed) {
            return Err(EEXIST);
        }
        // The verifier and other initcalls access the sets of `vmlinux` without a lock.
        if self.module.as_ptr().is_null() && !is_in_initcall() {
            return Err(EBUSY);
        }
        let btf = BtfRef::of(self.module)?;
        let mut ids = KVec::with_capacity(2 + 2 * self.ids.len(), GFP_KERNEL)?;
        let mut dtors = KVec::with_capacity(self.dtors.len(), GFP_KERNEL)?;

        // The members of `struct btf_id_set8`.
        ids.extend_from_slice(
            &[self.ids.len() as u32, bindings::BTF_SET8_KFUNCS],
            GFP_KERNEL,
        )?;
        for ((id, flags), relocated) in self.ids.iter().zip(self.flags).zip(self.relocated) {
            ids.extend_from_slice(&[id.get(), flags.0], GFP_KERNEL)?;
            relocated.store(btf.relocate(id)?, Relaxed);
        }
        for dtor in self.dtors {
            dtors.push(
                bindings::btf_id_dtor_kfunc {
                    btf_id: dtor.ty.get(),
                    kfunc_btf_id: dtor.func.get(),
                },
                GFP_KERNEL,
            )?;
        }
        self.register_ids(&mut ids, &dtors)
    }

    /// Registers the kfuncs and the destructors.
    fn register_ids(&self, ids: &mut [u32], dtors: &[bindings::btf_id_dtor_kfunc]) -> Result {
        let set = bindings::btf_kfunc_id_set {
            owner: self.module.as_ptr(),
            set: ids.as_mut_ptr().cast(),
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
            // SAFETY: `set` and `ids` are valid during the call, and the kernel keeps no pointer to
            // them. By the type invariants, the BTF describes the entry points, and the filter
            // rejects programs of other types than those in `progs`. So programs call the entry
            // points with valid arguments.
            to_result(unsafe { bindings::register_btf_kfunc_id_set(hook[0].0, &set) })?;
        }
        if dtors.is_empty() {
            return Ok(());
        }
        // Comes last, since this function does not check whether `init()` has returned.
        //
        // SAFETY: The ids are valid during the call, and the kernel keeps no pointer to them. They
        // are right by the type invariants.
        to_result(unsafe {
            bindings::register_btf_id_dtor_kfuncs(
                dtors.as_ptr(),
                dtors.len() as u32,
                self.module.as_ptr(),
            )
        })
    }

    /// Returns the index of a kfunc in `funcs`, from the relocated id. [`None`] is for kfuncs that
    /// are not in this set.
    fn index(&self, id: u32) -> Option<usize> {
        self.relocated
            .iter()
            .position(|known| known.load(Relaxed) == id)
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
        // The kernel calls each filter of a module for all kfuncs of the module.
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
