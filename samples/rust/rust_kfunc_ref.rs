// SPDX-License-Identifier: GPL-2.0

//! Rust kfunc sample: references held by BPF programs, and iterators.
//!
//! Documentation: [Kfuncs in Rust](https://docs.kernel.org/bpf/rust_kfuncs.html)

use kernel::{
    bpf::{
        kfunc::{
            Caller,
            Destroy,
            Item,
            New,
            Next, //
        },
        ns::{
            RcuNs,
            TaskNamespaces, //
        },
        pid_ns::{
            PidNamespaces,
            PidNs,
            RcuPidNs, //
        },
        ProgTypes, //
    },
    ns::{
        Current,
        RcuTask,
        Type, //
    },
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
};

module! {
    type: RustKfuncRef,
    name: "rust_kfunc_ref",
    authors: ["Rust for Linux Contributors"],
    description: "Rust kfunc sample: references",
    license: "GPL",
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS, kptr PidNs as "bpf_pid_ns": bpf_rust_sample_ns_dtor;

    /// Returns a reference to the pid namespace that `task` lives in. NULL stands for the current
    /// task.
    ///
    /// The program must release the reference by bpf_rust_sample_ns_put(), or store it in a map.
    /// Returns NULL if the task has been released, or if this kernel was built without pid
    /// namespaces.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_get(caller: &Caller, task: Option<&RcuTask>) -> Option<ARef<PidNs>> {
        match task {
            Some(task) => task.pid(&rcu::read_lock()).map(PidNs::get).ok(),
            None => Current::new(caller.current()).with_pid(PidNs::get).ok(),
        }
    }

    /// Returns the inode number of a pid namespace in nsfs.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_ino(_: &Caller, ns: &RcuPidNs) -> u32 {
        ns.as_ref().inum()
    }

    /// Releases a reference to a pid namespace.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_put(_: &Caller, ns: ARef<PidNs>) {
        drop(ns);
    }

    /// Starts an iteration over the pid namespaces in which a task is visible: from the one that
    /// the task lives in, up to the initial one.
    ///
    /// Returns 0 or a negative errno, and then the iteration is empty:
    /// - `-ENOENT`: the task has been released, and is in no pid namespace any more.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    progs(ProgTypes::ALL)
    fn bpf_iter_pid_ns_new(_: &Caller, it: New<'_, PidNamespaces>, task: &RcuTask) -> Result {
        it.start(PidNamespaces::of(task, &rcu::read_lock())?);
        Ok(())
    }

    /// Returns the next pid namespace, or NULL at the end.
    progs(ProgTypes::ALL)
    fn bpf_iter_pid_ns_next(
        _: &Caller,
        it: Next<'_, PidNamespaces>,
    ) -> Option<Item<PidNamespaces>> {
        it.next()
    }

    /// Ends the iteration.
    progs(ProgTypes::ALL)
    fn bpf_iter_pid_ns_destroy(_: &Caller, it: Destroy<'_, PidNamespaces>) {
        let _ = it;
    }

    /// Starts an iteration over the namespaces of the current task, one of each type.
    ///
    /// Returns 0 or a negative errno, and then the iteration is empty:
    /// - `-ENOENT`: the task has released all of them.
    progs(ProgTypes::ALL)
    fn bpf_iter_task_ns_new(caller: &Caller, it: New<'_, TaskNamespaces>) -> Result {
        it.start(TaskNamespaces::of(Current::new(caller.current()))?);
        Ok(())
    }

    /// Returns the next namespace, or NULL at the end.
    progs(ProgTypes::ALL)
    fn bpf_iter_task_ns_next(
        _: &Caller,
        it: Next<'_, TaskNamespaces>,
    ) -> Option<Item<TaskNamespaces>> {
        it.next()
    }

    /// Ends the iteration.
    progs(ProgTypes::ALL)
    fn bpf_iter_task_ns_destroy(_: &Caller, it: Destroy<'_, TaskNamespaces>) {
        let _ = it;
    }

    /// Returns the type of a namespace, a `CLONE_NEW*` flag, and the inode number in nsfs:
    /// `type << 32 | ino`.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_type_ino(_: &Caller, ns: &RcuNs) -> u64 {
        let ty = ns.ns_type().map_or(0, Type::flag);

        u64::from(ty) << 32 | u64::from(ns.inum())
    }
}

struct RustKfuncRef;

impl kernel::Module for RustKfuncRef {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        Ok(Self)
    }
}
