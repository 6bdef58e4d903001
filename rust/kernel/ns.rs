// SPDX-License-Identifier: GPL-2.0

//! Namespaces of tasks, and their identity.
//!
//! Userspace identifies a namespace by the pair `(st_dev, st_ino)` that `stat(2)` reports for its
//! file in nsfs, e.g. `/proc/PID/ns/pid`. [`huge_encode_dev`] of [`NsCommon::dev`], and
//! [`NsCommon::inum`], are the same pair. [`NsCommon::id`] is never reused.
//!
//! C headers: [`include/linux/ns_common.h`](srctree/include/linux/ns_common.h),
//! [`include/linux/nsproxy.h`](srctree/include/linux/nsproxy.h) and
//! [`include/uapi/linux/nsfs.h`](srctree/include/uapi/linux/nsfs.h)

use crate::{
    bindings,
    fs::nsfs,
    pid_namespace::PidNamespace,
    prelude::*,
    sync::rcu,
    task::{
        CurrentTask,
        Pid, //
    },
    types::Opaque, //
};

/// Evaluates to the [`NsCommon`] of a type in an `nsproxy`. An `nsproxy` does not have two types:
/// the macro evaluates to the expression `pid` or `user` for them.
///
/// A macro in which each arm reads the `nsproxy` avoids a second branch: the compiler merges this
/// match with that of the caller's conversion from an integer.
///
/// The task must not release the `nsproxy` while the result is in use. An `nsproxy` has a reference
/// to each of its namespaces, and `setns(2)` and `unshare(2)` replace an `nsproxy` as a whole.
macro_rules! ns_of_type {
    ($ty:expr, $nsproxy:expr, pid: $pid:expr, user: $user:expr) => {
        match $ty {
            Type::Cgroup => NsCommon::from_raw(&raw const (*(*$nsproxy).cgroup_ns).ns),
            Type::Ipc => NsCommon::from_raw(&raw const (*(*$nsproxy).ipc_ns).ns),
            Type::Mnt => NsCommon::from_raw(&raw const (*(*$nsproxy).mnt_ns).ns),
            Type::Net => NsCommon::from_raw(&raw const (*(*$nsproxy).net_ns).ns),
            Type::Pid => $pid,
            Type::Time => NsCommon::from_raw(&raw const (*(*$nsproxy).time_ns).ns),
            Type::User => $user,
            Type::Uts => NsCommon::from_raw(&raw const (*(*$nsproxy).uts_ns).ns),
        }
    };
}

mod lock;
pub use lock::LockedTask;

#[cfg(any(
    CONFIG_BPF_NS_IDENT_KUNIT_TEST,
    CONFIG_RUST_BPF_KUNIT_TEST,
    CONFIG_RUST_NS_KUNIT_TEST
))]
#[doc(hidden)]
pub mod made_up;

/// The types of namespaces. The value is the `CLONE_NEW*` flag that creates a namespace of the
/// type.
///
/// # Examples
///
/// ```
/// use kernel::ns::Type;
///
/// // `CLONE_NEWPID`.
/// assert_eq!(Type::try_from(0x20000000)?, Type::Pid);
/// assert_eq!(Type::Pid.name(), "pid");
///
/// // Two flags, or none, are not a type.
/// assert!(Type::try_from(0x20000000 | 0x40000000).is_err());
/// assert!(Type::try_from(0).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Type {
    /// Cgroup root directory, see `cgroup_namespaces(7)`.
    Cgroup = bindings::CLONE_NEWCGROUP,
    /// System V IPC and POSIX message queues, see `ipc_namespaces(7)`.
    Ipc = bindings::CLONE_NEWIPC,
    /// Mounts, see `mount_namespaces(7)`.
    Mnt = bindings::CLONE_NEWNS,
    /// Network, see `network_namespaces(7)`.
    Net = bindings::CLONE_NEWNET,
    /// Process ids, see `pid_namespaces(7)`.
    Pid = bindings::CLONE_NEWPID,
    /// Boot and monotonic clocks, see `time_namespaces(7)`.
    Time = bindings::CLONE_NEWTIME,
    /// User and group ids, see `user_namespaces(7)`.
    User = bindings::CLONE_NEWUSER,
    /// Host name and NIS domain name, see `uts_namespaces(7)`.
    Uts = bindings::CLONE_NEWUTS,
}

impl Type {
    /// All types, ordered by name.
    pub const ALL: [Type; 8] = [
        Type::Cgroup,
        Type::Ipc,
        Type::Mnt,
        Type::Net,
        Type::Pid,
        Type::Time,
        Type::User,
        Type::Uts,
    ];

    /// Returns the `CLONE_NEW*` flag of this type.
    #[inline]
    pub const fn flag(self) -> u32 {
        self as u32
    }

    /// Returns the name of this type in `/proc/PID/ns`.
    pub const fn name(self) -> &'static str {
        match self {
            Type::Cgroup => "cgroup",
            Type::Ipc => "ipc",
            Type::Mnt => "mnt",
            Type::Net => "net",
            Type::Pid => "pid",
            Type::Time => "time",
            Type::User => "user",
            Type::Uts => "uts",
        }
    }

    /// Returns the inode number in nsfs of the initial namespace of this type.
    ///
    /// The number is fixed (`enum init_ns_ino` in the UAPI), and no other namespace gets it.
    pub const fn init_ino(self) -> u32 {
        match self {
            Type::Cgroup => bindings::init_ns_ino_CGROUP_NS_INIT_INO,
            Type::Ipc => bindings::init_ns_ino_IPC_NS_INIT_INO,
            Type::Mnt => bindings::init_ns_ino_MNT_NS_INIT_INO,
            Type::Net => bindings::init_ns_ino_NET_NS_INIT_INO,
            Type::Pid => bindings::init_ns_ino_PID_NS_INIT_INO,
            Type::Time => bindings::init_ns_ino_TIME_NS_INIT_INO,
            Type::User => bindings::init_ns_ino_USER_NS_INIT_INO,
            Type::Uts => bindings::init_ns_ino_UTS_NS_INIT_INO,
        }
    }

    /// Returns whether this kernel was built with namespaces of this type.
    ///
    /// Otherwise all tasks share one namespace of this type, and nsfs has no file for it.
    #[inline]
    pub const fn is_supported(self) -> bool {
        match self {
            Type::Cgroup => cfg!(CONFIG_CGROUPS),
            Type::Ipc => cfg!(CONFIG_IPC_NS),
            Type::Mnt => true,
            Type::Net => cfg!(CONFIG_NET_NS),
            Type::Pid => cfg!(CONFIG_PID_NS),
            Type::Time => cfg!(CONFIG_TIME_NS),
            Type::User => cfg!(CONFIG_USER_NS),
            Type::Uts => cfg!(CONFIG_UTS_NS),
        }
    }
}

impl TryFrom<u32> for Type {
    type Error = Error;

    /// Returns the type of a `CLONE_NEW*` flag, or [`EINVAL`] if `flag` is not exactly one known
    /// flag.
    #[inline]
    fn try_from(flag: u32) -> Result<Self> {
        Ok(match flag {
            bindings::CLONE_NEWCGROUP => Type::Cgroup,
            bindings::CLONE_NEWIPC => Type::Ipc,
            bindings::CLONE_NEWNS => Type::Mnt,
            bindings::CLONE_NEWNET => Type::Net,
            bindings::CLONE_NEWPID => Type::Pid,
            bindings::CLONE_NEWTIME => Type::Time,
            bindings::CLONE_NEWUSER => Type::User,
            bindings::CLONE_NEWUTS => Type::Uts,
            _ => return Err(EINVAL),
        })
    }
}

/// Encodes a `dev_t` of the kernel as `stat(2)` does for `st_dev`.
///
/// This is `huge_encode_dev()` of [`include/linux/kdev_t.h`], an inline function in C. The two
/// encodings differ as soon as the minor number exceeds 255.
///
/// # Examples
///
/// ```
/// use kernel::ns::huge_encode_dev;
///
/// // Device 0:7, as nsfs often is.
/// assert_eq!(huge_encode_dev(7), 7);
/// // Device 0:256: eight bits of the minor stay below the major, the rest moves above it.
/// assert_eq!(huge_encode_dev(256), 0x100000);
/// ```
///
/// [`include/linux/kdev_t.h`]: srctree/include/linux/kdev_t.h
#[inline]
pub const fn huge_encode_dev(dev: bindings::dev_t) -> u64 {
    const MINORBITS: u32 = 20;

    // The encodings of such a device are equal. Anonymous devices have no major number.
    if dev <= 0xff {
        return dev as u64;
    }
    let major = dev >> MINORBITS;
    let minor = dev & ((1 << MINORBITS) - 1);
    ((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)) as u64
}

/// The part that namespaces of all types have in common.
///
/// Wraps the kernel's `struct ns_common`.
///
/// # Invariants
///
/// The `struct ns_common` belongs to a namespace that is fully set up. The namespace is not freed
/// for the lifetime of the reference.
#[repr(transparent)]
pub struct NsCommon(Opaque<bindings::ns_common>);

impl NsCommon {
    /// Creates a reference from a pointer of the C side.
    ///
    /// # Safety
    ///
    /// `ptr` must point to the `struct ns_common` of a fully set up namespace that is not freed for
    /// the duration of `'a`.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::ns_common) -> &'a Self {
        // SAFETY: `Self` is transparent, and the function's safety requirements cover the rest.
        // INVARIANT: Holds by the function's safety requirements.
        unsafe { &*ptr.cast() }
    }

    #[inline]
    fn as_ptr(&self) -> *mut bindings::ns_common {
        self.0.get()
    }

    /// Returns the inode number of the namespace in nsfs.
    #[inline]
    pub fn inum(&self) -> u32 {
        // SAFETY: By the type invariant the pointer is valid, and `inum` does not change once the
        // namespace is set up.
        unsafe { (*self.as_ptr()).inum }
    }

    /// Returns the id of the namespace, as the ioctl `NS_GET_ID` does.
    #[inline]
    pub fn id(&self) -> u64 {
        // `ns_id` is in an unnamed `struct ns_tree`, which `bindgen` leaves out, so the C compiler
        // computes the offset. A helper function would add a call to a hot path.
        //
        // SAFETY: By the type invariant the pointer is valid. At that offset is a `u64`, which does
        // not change once the namespace is set up.
        unsafe {
            self.as_ptr()
                .byte_add(bindings::NS_COMMON_NS_ID_OFFSET)
                .cast::<u64>()
                .read()
        }
    }

    /// Returns the type of the namespace, or [`EINVAL`] if [`Type`] lacks it.
    pub fn ns_type(&self) -> Result<Type> {
        // SAFETY: By the type invariant the pointer is valid, and `ns_type` does not change once
        // the namespace is set up.
        Type::try_from(unsafe { (*self.as_ptr()).ns_type })
    }

    /// Returns the kernel's `dev_t` of the nsfs that the namespace's file is in.
    ///
    /// Each namespace has a device of its own as far as callers are concerned. If a namespace is
    /// visible in several instances of nsfs, it is the device of the initial instance.
    #[doc(alias = "ns_dev")]
    #[inline]
    pub fn dev(&self) -> bindings::dev_t {
        // SAFETY: By the type invariant the pointer is valid.
        unsafe { nsfs::ns_dev(self.as_ptr()) }
    }

    /// Returns whether this is the initial namespace of its type, the one that exists since boot.
    pub fn is_initial(&self) -> bool {
        self.ns_type().is_ok_and(|ty| self.inum() == ty.init_ino())
    }
}

// SAFETY: The methods only read fields that do not change, so any thread may call them.
unsafe impl Sync for NsCommon {}

impl AsRef<NsCommon> for PidNamespace {
    #[inline]
    fn as_ref(&self) -> &NsCommon {
        let ns = self.as_ptr().cast::<bindings::pid_namespace>();

        // SAFETY: A `PidNamespace` is set up, and is not freed for the lifetime of the reference.
        unsafe { NsCommon::from_raw(&raw const (*ns).ns) }
    }
}

/// A pid namespace in which tasks may be visible, by level and id.
///
/// It holds no reference to the namespace. No later namespace has the same id.
#[derive(Clone, Copy)]
pub struct PidView {
    /// The number of its ancestors.
    pub level: u32,
    /// Its id.
    pub id: u64,
}

/// The namespaces of the current task.
///
/// Only a task itself changes its namespaces, and the task cannot do so while other code runs on
/// top of it. So reads of the namespaces need neither a lock nor a reference, in any context: an
/// interrupt on top of `setns(2)` reads either the old namespaces or the new ones, and both are
/// still referenced. See "the namespaces access rules" in
/// [`include/linux/nsproxy.h`](srctree/include/linux/nsproxy.h).
///
/// Pids are the exception. After a task has exited, `release_task()` on any CPU detaches its pids,
/// and frees them after a grace period. So for an exited task, the RCU read side lock is held
/// during a call, and closures must not sleep. For other tasks, the lock would double the cost of a
/// call.
///
/// # Examples
///
/// ```
/// use kernel::{
///     current,
///     ns::{
///         Current,
///         NsCommon,
///         Type, //
///     },
/// };
///
/// let current = current!();
/// let namespaces = Current::new(current);
///
/// for ty in Type::ALL {
///     match namespaces.with(ty, NsCommon::inum) {
///         Ok(ino) => pr_info!("{}: {}\n", ty.name(), ino),
///         Err(e) => assert_eq!(e, EOPNOTSUPP),
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Current<'a>(&'a CurrentTask);

impl<'a> Current<'a> {
    /// Returns the namespaces of the current task.
    #[inline]
    pub fn new(task: &'a CurrentTask) -> Self {
        Self(task)
    }

    #[inline(always)]
    fn task(&self) -> *const bindings::task_struct {
        self.0.as_ptr()
    }

    /// Calls `f` with the namespace of type `ty` that the task is in, as in `/proc/PID/ns`. `f`
    /// must not sleep.
    ///
    /// For [`Type::Pid`], this is the namespace that the task lives in, see [`Self::with_pid`]. For
    /// [`Type::User`], it is the namespace of the task's objective credentials.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without namespaces of this type.
    /// - [`ENOENT`]: the task is exiting, and has released the namespace.
    #[inline(always)]
    pub fn with<R>(&self, ty: Type, f: impl FnOnce(&NsCommon) -> R) -> Result<R> {
        if !ty.is_supported() {
            return Err(EOPNOTSUPP);
        }

        // SAFETY: The current task is valid. Only a task itself releases its `nsproxy` and replaces
        // its credentials, which the task cannot do for the duration of `'a`. A task keeps its
        // credentials until its `task_struct` is freed, also after `release_task()`.
        let ns = unsafe {
            ns_of_type!(
                ty,
                nsproxy(self.task())?,
                pid: return self.with_pid(|ns| f(ns.as_ref())),
                user: user(self.task())
            )
        };
        Ok(f(ns))
    }

    /// Calls `f` with the pid namespace that the task lives in. `f` must not sleep.
    ///
    /// It is the one that the task was created in. `unshare(2)` and `setns(2)` only change the one
    /// of the task's future children.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without pid namespaces.
    /// - [`ENOENT`]: the task has been released, and is no longer in any.
    #[doc(alias = "task_active_pid_ns")]
    #[inline]
    pub fn with_pid<R>(&self, f: impl FnOnce(&PidNamespace) -> R) -> Result<R> {
        if !Type::Pid.is_supported() {
            return Err(EOPNOTSUPP);
        }
        if self.0.may_be_released() {
            return Self::locked(|task, guard| task.pid(guard).map(f), *self);
        }
        // SAFETY: The current task is valid. One that is not released has a `struct pid`, and keeps
        // it.
        Ok(f(unsafe { innermost(thread_pid(self.task())) }))
    }

    /// Returns the process id and the thread id of the task, as seen in a pid namespace: the first
    /// for which `f` returns `true`, beginning with the one that the task lives in, and then each
    /// ancestor.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without pid namespaces.
    /// - [`ESRCH`]: the task cannot be seen there, or has been released.
    #[doc(alias = "task_tgid_nr_ns")]
    #[inline]
    pub fn tgid_pid_where(&self, f: impl Fn(&PidNamespace) -> bool) -> Result<(Pid, Pid)> {
        if !Type::Pid.is_supported() {
            return Err(EOPNOTSUPP);
        }
        if self.0.may_be_released() {
            return Self::locked(|task, guard| task.tgid_pid_where(guard, f), *self);
        }
        // SAFETY: The current task is valid. One that is not released has a `struct pid`, and keeps
        // it.
        unsafe { tgid_pid(self.task(), thread_pid(self.task()), f) }
    }

    /// Returns the process id and the thread id of the task, as seen in the initial pid namespace.
    ///
    /// A released task keeps these ids.
    #[inline]
    pub fn tgid_pid(&self) -> (Pid, Pid) {
        // SAFETY: The current task is valid. Its ids do not change while code runs on top of it.
        unsafe { ((*self.task()).tgid, (*self.task()).pid) }
    }

    /// Calls `f` with the RCU read side lock held.
    ///
    /// Not inline, since exited tasks are rare.
    #[cold]
    #[inline(never)]
    fn locked<R>(f: impl FnOnce(&RcuTask, &rcu::Guard) -> Result<R>, this: Self) -> Result<R> {
        f(this.as_ref(), &rcu::read_lock())
    }
}

impl AsRef<RcuTask> for Current<'_> {
    #[inline(always)]
    fn as_ref(&self) -> &RcuTask {
        // SAFETY: The current task is valid for the lifetime of `self`.
        unsafe { RcuTask::from_raw(self.task()) }
    }
}

/// An RCU protected task: the current task or another one.
///
/// The pid and the user namespace of another task can be read under RCU. The other six are in the
/// `nsproxy`, which the task replaces under `task_lock()`, see [`LockedTask`].
///
/// Wraps the kernel's `struct task_struct`. Unlike [`Task`](crate::task::Task), an `RcuTask` is not
/// reference-counted: the RCU read side lock alone may protect the reference.
///
/// # Invariants
///
/// Neither the `struct task_struct` nor its `struct signal_struct` is freed for the lifetime of the
/// reference.
#[repr(transparent)]
pub struct RcuTask(Opaque<bindings::task_struct>);

impl RcuTask {
    /// Creates a reference from a pointer of the C side.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, a reference to the task must be held, or the RCU read side lock
    /// must be held. In the second case, `ptr` must have been read under that lock, from a place in
    /// which the kernel publishes tasks by RCU.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::task_struct) -> &'a Self {
        // SAFETY: `Self` is transparent, and the function's safety requirements cover the rest.
        // INVARIANT: `__put_task_struct()` releases the `signal` of a task, after the last
        // reference is gone. `put_task_struct()` calls it after a grace period.
        // `put_task_struct_rcu_user()` drops the reference of the task's users after a grace
        // period.
        unsafe { &*ptr.cast() }
    }

    #[inline(always)]
    fn as_ptr(&self) -> *const bindings::task_struct {
        self.0.get()
    }

    /// Returns whether this is the current task, for which [`Current`] returns all namespaces.
    #[inline]
    pub fn is(&self, current: &CurrentTask) -> bool {
        core::ptr::eq(self.as_ptr(), current.as_ptr())
    }

    /// Returns the user namespace of the task's objective credentials.
    ///
    /// A task keeps this namespace until the task is freed, also after its release.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: this kernel was built without user namespaces.
    #[inline]
    pub fn user<'g>(&self, _guard: &'g rcu::Guard) -> Result<&'g NsCommon> {
        if !Type::User.is_supported() {
            return Err(EOPNOTSUPP);
        }
        // SAFETY: By the type invariants the task is valid, so it has credentials. The read is
        // under the RCU read side lock, which is held for `'g`. `commit_creds()` frees the old
        // credentials after a grace period, and their reference to the namespace is dropped only
        // then.
        Ok(unsafe { user(self.as_ptr()) })
    }

    /// Returns the pid namespace that the task lives in.
    ///
    /// It is the one that the task was created in. `unshare(2)` and `setns(2)` only change the one
    /// of the task's future children.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without pid namespaces.
    /// - [`ENOENT`]: the task has been released, and is no longer in any.
    #[doc(alias = "task_active_pid_ns")]
    #[inline]
    pub fn pid<'g>(&self, _guard: &'g rcu::Guard) -> Result<&'g PidNamespace> {
        if !Type::Pid.is_supported() {
            return Err(EOPNOTSUPP);
        }
        // SAFETY: By the type invariants the task is valid.
        match unsafe { thread_pid(self.as_ptr()) } {
            pid if pid.is_null() => Err(ENOENT),
            // SAFETY: The `struct pid` was read under the RCU read side lock, which is held for
            // `'g`. `release_task()` detaches the pid from the task before `free_pid()`, which
            // frees the pid after a grace period. Its reference to the namespace is dropped only
            // then.
            pid => Ok(unsafe { innermost(pid) }),
        }
    }

    /// Returns the process id and the thread id of the task, as seen in a pid namespace: the first
    /// for which `f` returns `true`, beginning with the one that the task lives in, and then each
    /// ancestor.
    ///
    /// # Errors
    ///
    /// - [`EOPNOTSUPP`]: this kernel was built without pid namespaces.
    /// - [`ESRCH`]: the task cannot be seen there, or has been released.
    #[doc(alias = "task_tgid_nr_ns")]
    #[inline]
    pub fn tgid_pid_where(
        &self,
        _guard: &rcu::Guard,
        f: impl Fn(&PidNamespace) -> bool,
    ) -> Result<(Pid, Pid)> {
        if !Type::Pid.is_supported() {
            return Err(EOPNOTSUPP);
        }
        // SAFETY: By the type invariants the task is valid.
        match unsafe { thread_pid(self.as_ptr()) } {
            pid if pid.is_null() => Err(ESRCH),
            // SAFETY: By the type invariants the task is valid, and the RCU read side lock is held.
            pid => unsafe { tgid_pid(self.as_ptr(), pid, f) },
        }
    }
}

impl RcuTask {
    /// Returns whether the task is visible in a pid namespace: the task lives there, or in a
    /// descendant. `/proc` of that namespace shows the same tasks.
    ///
    /// A released task is not visible in any.
    #[inline]
    pub fn is_visible_in(&self, _guard: &rcu::Guard, view: PidView) -> bool {
        // SAFETY: By the type invariants the task is valid, and the RCU read side lock is held.
        unsafe { visible_pid(self.as_ptr(), view) }.is_some()
    }

    /// Returns the process id and the thread id of the task, as seen in a pid namespace.
    ///
    /// # Errors
    ///
    /// [`ESRCH`]: the task is not visible there, or has been released.
    #[inline]
    pub fn tgid_pid_in(&self, guard: &rcu::Guard, view: PidView) -> Result<(Pid, Pid)> {
        self.tgid_pid_below(guard, view, |ns| ns.as_ref().id() == view.id)
    }

    /// Does the same as [`Self::tgid_pid_where`], in a pid namespace and its descendants only.
    ///
    /// # Errors
    ///
    /// [`ESRCH`]: the task is not visible in `view`, or there is no such namespace, or the task has
    /// been released.
    #[inline]
    pub fn tgid_pid_below(
        &self,
        _guard: &rcu::Guard,
        view: PidView,
        f: impl Fn(&PidNamespace) -> bool,
    ) -> Result<(Pid, Pid)> {
        // SAFETY: By the type invariants the task is valid, and the RCU read side lock is held. The
        // level of a namespace does not change.
        unsafe {
            let pid = visible_pid(self.as_ptr(), view).ok_or(ESRCH)?;
            tgid_pid(self.as_ptr(), pid, |ns| {
                (*ns.as_ptr().cast::<bindings::pid_namespace>()).level >= view.level && f(ns)
            })
        }
    }
}

/// Returns the `struct pid` of a task that is visible in a pid namespace.
///
/// # Safety
///
/// `task` must be valid, and the RCU read side lock must be held as long as the result is in use.
#[inline(always)]
unsafe fn visible_pid(
    task: *const bindings::task_struct,
    view: PidView,
) -> Option<*const bindings::pid> {
    // SAFETY: By the function's safety requirements, neither the task nor its `struct pid` is
    // freed. The pid has an element for each level down to 0, and a reference to the innermost
    // namespace, which has one to its parent, and so on.
    unsafe {
        let pid = thread_pid(task);

        (!pid.is_null() && (*pid).level >= view.level && {
            let ns = (*upid(pid, view.level)).ns;
            NsCommon::from_raw(&raw const (*ns).ns).id() == view.id
        })
        .then_some(pid)
    }
}

/// Returns the structure with most of a task's namespaces.
///
/// # Errors
///
/// [`ENOENT`]: the task is exiting and has released it.
///
/// # Safety
///
/// `task` must be valid.
#[inline(always)]
unsafe fn nsproxy(task: *const bindings::task_struct) -> Result<*const bindings::nsproxy> {
    // SAFETY: By the function's safety requirements. The read is a single access, since the code
    // may run in an interrupt in the middle of `switch_task_namespaces()`.
    let nsproxy = unsafe { (&raw const (*task).nsproxy).read_volatile() };
    if nsproxy.is_null() {
        return Err(ENOENT);
    }
    Ok(nsproxy)
}

/// Returns the user namespace of a task's objective credentials, which have a reference to it.
///
/// # Safety
///
/// `task` must be valid, and its credentials must not be freed for the duration of `'a`.
#[inline(always)]
unsafe fn user<'a>(task: *const bindings::task_struct) -> &'a NsCommon {
    // SAFETY: By the function's safety requirements. The read is a single access, since the task
    // may be in the middle of `commit_creds()`.
    unsafe {
        let cred = (&raw const (*task).real_cred).read_volatile();
        NsCommon::from_raw(&raw const (*(*cred).user_ns).ns)
    }
}

/// Returns the `struct pid` of a task, or NULL if the task has been released.
///
/// # Safety
///
/// `task` must be valid.
#[inline(always)]
unsafe fn thread_pid(task: *const bindings::task_struct) -> *const bindings::pid {
    // SAFETY: By the function's safety requirements. The read is a single access, like
    // `READ_ONCE()`, since another CPU may run `release_task()`.
    unsafe { (&raw const (*task).thread_pid).read_volatile() }
}

/// Returns the process id and the thread id of a task, as seen in the first pid namespace for which
/// `f` returns `true`. The search begins with the innermost namespace. Returns [`ESRCH`] if there
/// is no such namespace, or if the process has been released.
///
/// # Safety
///
/// `task` must be valid, and `pid` must be its `struct pid`. During the call, `release_task()` must
/// not be called on the task, or the RCU read side lock must be held since before the read of
/// `pid`.
#[inline(always)]
unsafe fn tgid_pid(
    task: *const bindings::task_struct,
    pid: *const bindings::pid,
    f: impl Fn(&PidNamespace) -> bool,
) -> Result<(Pid, Pid)> {
    // SAFETY: By the function's safety requirements, no `struct pid` of the task is freed during
    // the call. Its `level` never changes.
    let mut level = unsafe { (*pid).level };

    loop {
        // SAFETY: The array has an element for each level down to 0. The `struct pid` has a
        // reference to the innermost namespace, and each namespace has one to its parent.
        let (here, ns) = unsafe {
            let here = upid(pid, level);
            (here, &*(*here).ns.cast())
        };

        if f(ns) {
            // SAFETY: A task keeps its `signal` until it is freed.
            let tgid = unsafe {
                (&raw const (*(*task).signal).pids[bindings::pid_type_PIDTYPE_TGID as usize])
                    .read_volatile()
            };
            if tgid.is_null() {
                return Err(ESRCH);
            }
            // SAFETY: All threads of a process live in the same pid namespace, so both pids have an
            // element for this level. Their numbers never change.
            return Ok(unsafe { ((*upid(tgid, level)).nr, (*here).nr) });
        }
        level = level.checked_sub(1).ok_or(ESRCH)?;
    }
}

/// Returns the pid namespace in which a `struct pid` was allocated, the innermost one of the pid.
///
/// This is `ns_of_pid()`, which is inline in C.
///
/// # Safety
///
/// `pid` must be valid for the duration of `'a`.
#[inline(always)]
unsafe fn innermost<'a>(pid: *const bindings::pid) -> &'a PidNamespace {
    // SAFETY: By the function's safety requirements. `level` and the namespace do not change, and
    // the `struct pid` has a reference to the namespace.
    unsafe { &*(*upid(pid, (*pid).level)).ns.cast() }
}

/// Returns the element of a `struct pid` for the pid namespace of a level.
///
/// # Safety
///
/// `pid` must be valid, and `level` at most its own.
#[inline(always)]
unsafe fn upid(pid: *const bindings::pid, level: u32) -> *const bindings::upid {
    // SAFETY: By the function's safety requirements: `numbers` has `level + 1` elements.
    unsafe {
        (&raw const (*pid).numbers)
            .cast::<bindings::upid>()
            .add(level as usize)
    }
}

#[cfg(CONFIG_RUST_NS_KUNIT_TEST)]
#[kunit_tests(rust_kernel_ns)]
mod tests {
    use super::*;
    use crate::current;
    #[cfg(CONFIG_PID_NS)]
    use core::mem::MaybeUninit;

    /// Returns a `dev_t`, like `MKDEV()`.
    const fn mkdev(major: u32, minor: u32) -> bindings::dev_t {
        (major << 20) | minor
    }

    #[test]
    fn dev_encoding() {
        // One byte of the minor, twelve bits of the major, then the rest of the minor.
        assert_eq!(huge_encode_dev(mkdev(0, 0)), 0);
        assert_eq!(huge_encode_dev(mkdev(0, 7)), 7);
        assert_eq!(huge_encode_dev(mkdev(0, 255)), 0xff);
        assert_eq!(huge_encode_dev(mkdev(0, 256)), 0x10_0000);
        assert_eq!(huge_encode_dev(mkdev(0, 0x1234)), 0x0120_0034);
        assert_eq!(huge_encode_dev(mkdev(8, 1)), 0x801);
        assert_eq!(huge_encode_dev(mkdev(259, 0x12345)), 0x1231_0345);
        assert_eq!(huge_encode_dev(mkdev(0xfff, 0xfffff)), 0xffff_ffff);
    }

    #[test]
    fn type_is_one_known_flag() {
        for ty in Type::ALL {
            assert_eq!(ty.flag().count_ones(), 1);
            assert!(Type::try_from(ty.flag()) == Ok(ty));
        }
        assert!(Type::try_from(0) == Err(EINVAL));
        assert!(Type::try_from(u32::MAX) == Err(EINVAL));
        assert!(Type::try_from(bindings::CLONE_NEWPID | bindings::CLONE_NEWNET) == Err(EINVAL));
        assert!(Type::try_from(bindings::CLONE_VM) == Err(EINVAL));
    }

    #[test]
    fn initial_numbers_are_the_uapi_ones() {
        let expected: [(Type, u32); 8] = [
            (Type::Cgroup, 0xEFFF_FFFB),
            (Type::Ipc, 0xEFFF_FFFF),
            (Type::Mnt, 0xEFFF_FFF8),
            (Type::Net, 0xEFFF_FFF9),
            (Type::Pid, 0xEFFF_FFFC),
            (Type::Time, 0xEFFF_FFFA),
            (Type::User, 0xEFFF_FFFD),
            (Type::Uts, 0xEFFF_FFFE),
        ];
        for (ty, ino) in expected {
            assert_eq!(ty.init_ino(), ino);
        }
    }

    // KUnit runs in a kernel thread, which is in the initial namespaces. `mnt_is_what_c_says` tests
    // the mount namespace.
    #[test]
    fn kthread_is_in_initial_namespaces() {
        let current = current!();
        let namespaces = Current::new(current);

        for ty in Type::ALL {
            if ty.is_supported() && ty != Type::Mnt {
                let is_right = namespaces.with(ty, |ns| {
                    assert!(ns.is_initial());
                    assert_eq!(ns.inum(), ty.init_ino());
                    assert!(ns.ns_type() == Ok(ty));
                    // `enum init_ns_id` in the UAPI: 1 to 8.
                    assert!((1..=8).contains(&ns.id()));
                });
                assert!(is_right.is_ok());
            }
        }
    }

    // Without the option, the kernel has no namespaces of the type.
    #[test]
    fn supported_types_are_those_of_the_configuration() {
        let expected: [(Type, bool); 8] = [
            (Type::Uts, cfg!(CONFIG_UTS_NS)),
            (Type::User, cfg!(CONFIG_USER_NS)),
            (Type::Time, cfg!(CONFIG_TIME_NS)),
            (Type::Pid, cfg!(CONFIG_PID_NS)),
            (Type::Net, cfg!(CONFIG_NET_NS)),
            (Type::Mnt, true),
            (Type::Ipc, cfg!(CONFIG_IPC_NS)),
            (Type::Cgroup, cfg!(CONFIG_CGROUPS)),
        ];
        for (ty, is_supported) in expected {
            assert_eq!(ty.is_supported(), is_supported);
        }
    }

    #[test]
    fn unsupported_type() {
        let current = current!();
        let namespaces = Current::new(current);

        for ty in Type::ALL {
            let is_refused = namespaces.with(ty, |_| ()).err() == Some(EOPNOTSUPP);
            assert_eq!(is_refused, !ty.is_supported());
        }
    }

    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn pid_is_what_c_says() -> Result {
        let current = current!();

        // SAFETY: The current task is valid.
        let c_ns = unsafe { bindings::task_active_pid_ns(current.as_ptr()) };
        assert!(Current::new(current).with_pid(|ns| core::ptr::eq(ns.as_ptr(), c_ns))?);
        Ok(())
    }

    // The kernel may have a device for each namespace.
    #[test]
    fn dev_is_what_c_says() -> Result {
        let current = current!();
        let namespaces = Current::new(current);

        for ty in Type::ALL {
            if !ty.is_supported() {
                continue;
            }
            let matches = namespaces.with(ty, |ns| {
                let (dev, ino) = (ns.dev(), ns.inum() as bindings::ino_t);
                // SAFETY: By the type invariant of `NsCommon` the pointer is valid.
                let matches = |dev, ino| unsafe { bindings::ns_match(ns.as_ptr(), dev, ino) };

                (
                    matches(dev, ino),
                    matches(dev + 1, ino),
                    matches(dev, ino + 1),
                )
            })?;
            assert!(matches == (true, false, false));
        }
        Ok(())
    }

    // `struct mnt_namespace` is private to fs/, which has a function for other code.
    #[test]
    fn mnt_is_what_c_says() -> Result {
        let current = current!();
        let (ns, ty) = Current::new(current).with(Type::Mnt, |ns| (ns.as_ptr(), ns.ns_type()))?;

        // SAFETY: The current task is valid, and keeps its namespaces for the whole test.
        let c_ns = unsafe { bindings::from_mnt_ns((*(*current.as_ptr()).nsproxy).mnt_ns) };
        assert!(core::ptr::eq(ns, c_ns));
        assert_eq!(ty?, Type::Mnt);
        Ok(())
    }

    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn any_task_is_what_current_is() -> Result {
        let current = current!();
        // SAFETY: The current task is valid for the whole test.
        let task = unsafe { RcuTask::from_raw(current.as_ptr()) };
        let guard = rcu::read_lock();
        let is_own = |ns: &PidNamespace| NsCommon::is_initial(ns.as_ref());

        let ns = task.pid(&guard)?;
        assert!(Current::new(current).with_pid(|own| core::ptr::eq(own.as_ptr(), ns.as_ptr()))?);
        assert!(task.tgid_pid_where(&guard, is_own) == Ok((current.pid(), current.pid())));
        assert!(task.tgid_pid_where(&guard, |_| false) == Err(ESRCH));
        Ok(())
    }

    // `release_task()` leaves a task without a `struct pid`.
    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn released_task_has_no_pid() -> Result {
        let task = KBox::new(MaybeUninit::<bindings::task_struct>::zeroed(), GFP_KERNEL)?;
        // SAFETY: All zeroes are valid: without a `struct pid`, the methods read no other field.
        let task = unsafe { RcuTask::from_raw(task.as_ptr()) };
        let guard = rcu::read_lock();

        assert!(task.pid(&guard).err() == Some(ENOENT));
        assert!(task.tgid_pid_where(&guard, |_| true) == Err(ESRCH));
        Ok(())
    }

    #[test]
    #[cfg(CONFIG_PID_NS)]
    fn tgid_and_pid_in_own_namespace() {
        let current = current!();
        let namespaces = Current::new(current);

        // A kernel thread is in the initial namespace, and is a process of its own.
        let is_own = |ns: &PidNamespace| NsCommon::is_initial(ns.as_ref());
        assert!(namespaces.tgid_pid_where(is_own) == Ok((current.pid(), current.pid())));
        assert!(namespaces.tgid_pid_where(|_| false) == Err(ESRCH));
    }
}
