// SPDX-License-Identifier: GPL-2.0

//! Kfuncs that report the identity of namespaces to BPF programs, in the terms of `stat(2)`.
//!
//! Documentation: [BPF namespace identity](https://docs.kernel.org/bpf/ns_ident.html)

use kernel::{
    bpf::{
        kfunc::{
            In,
            Out,
            ProgCaller, //
        },
        net::{
            NfCtx,
            SkBuff,
            Sock,
            XdpBuff, //
        },
        origin::Origin,
        ProgType,
        ProgTypes, //
    },
    ns::{
        huge_encode_dev,
        Current,
        NsCommon,
        RcuTask, //
    },
    prelude::*,
    sync::rcu,
    task::{
        CurrentTask,
        Pid, //
    }, //
};

mod loader;

module! {
    type: BpfNsIdent,
    name: "bpf_ns_ident",
    description: "Identity of namespaces for BPF programs",
    license: "GPL",
}

kernel::bpf_struct! {
    /// The identity of a namespace, in the terms of userspace.
    struct Ident as "bpf_ns_ident" {
        /// `st_dev` of the namespace's file in nsfs.
        dev: u64,
        /// `st_ino` of that file. nsfs reuses the number after the namespace is gone.
        ino: u64,
        /// The id that the ioctl `NS_GET_ID` returns, never reused until the next boot.
        id: u64,
    }
}

impl From<&NsCommon> for Ident {
    #[inline]
    fn from(ns: &NsCommon) -> Self {
        Self {
            dev: huge_encode_dev(ns.dev()),
            ino: ns.inum().into(),
            id: ns.id(),
        }
    }
}

impl Ident {
    /// Returns whether this is the identity of the namespace. An `id` of zero matches any id.
    #[inline]
    fn matches(&self, ns: &NsCommon) -> bool {
        // Compares the number first, since it differs for most namespaces.
        self.ino == ns.inum().into()
            && (self.id == 0 || self.id == ns.id())
            && self.dev == huge_encode_dev(ns.dev())
    }
}

/// Packs both ids like bpf_get_current_pid_tgid().
#[inline]
fn pid_tgid((tgid, pid): (Pid, Pid)) -> i64 {
    i64::from(tgid) << 32 | i64::from(pid)
}

// Bodies of kfuncs. Each is inline in two places: on the hot path, for programs that see all, and
// in `Origin::if_sees()`.

#[inline(always)]
fn write_pidns(current: Current<'_>, ident: Out<'_, Ident>) -> Result {
    current.with_pid(|ns| ident.write(ns.as_ref().into()))
}

#[inline(always)]
fn write_ns(current: Current<'_>, ns_type: u32, ident: Out<'_, Ident>) -> Result {
    current.with(ns_type.try_into()?, |ns| ident.write(ns.into()))
}

#[inline(always)]
fn write_task_pidns(task: &RcuTask, ident: Out<'_, Ident>) -> Result {
    let guard = rcu::read_lock();

    ident.write(task.pid(&guard)?.as_ref().into());
    Ok(())
}

#[inline(always)]
fn write_task_ns(
    task: &RcuTask,
    current: &CurrentTask,
    ns_type: u32,
    ident: Out<'_, Ident>,
) -> Result {
    let ty = ns_type.try_into()?;

    if task.is(current) {
        return Current::new(current).with(ty, |ns| ident.write(ns.into()));
    }
    // The lock is released before the write to memory of the program.
    let of_task = task.try_with(&rcu::read_lock(), ty, |ns| Ident::from(ns))?;
    ident.write(of_task);
    Ok(())
}

/// Returns the net namespace if the calling program sees it.
#[inline(always)]
fn visible_net<'a>(caller: &ProgCaller, net: &'a NsCommon) -> Result<&'a NsCommon> {
    match caller.origin().sees_net(net) {
        true => Ok(net),
        false => Err(ESRCH),
    }
}

/// Does `bpf_get_current_pid_tgid_in()` and `bpf_task_pid_tgid_in()` for a program that does not
/// see all tasks: only in its own pid namespace and in the descendants.
#[cold]
#[inline(never)]
fn nested_pid_tgid_in(origin: &Origin, task: &RcuTask, pidns: In<'_, Ident>) -> i64 {
    let pidns = pidns.read();

    pid_tgid_or_errno(
        task.tgid_pid_below(&rcu::read_lock(), origin.pid_view(), |ns| {
            pidns.matches(ns.as_ref())
        }),
    )
}

/// Does `bpf_get_current_pid_tgid_own()` for a program that does not see all tasks.
#[cold]
#[inline(never)]
fn nested_pid_tgid_own(origin: &Origin, task: &RcuTask) -> i64 {
    pid_tgid_or_errno(task.tgid_pid_in(&rcu::read_lock(), origin.pid_view()))
}

/// Packs both ids, or returns a negative errno.
///
/// An integer fits into a register, unlike a [`Result`] of one. So a call at the end of a kfunc is
/// a jump.
#[inline]
fn pid_tgid_or_errno(ids: Result<(Pid, Pid)>) -> i64 {
    ids.map_or_else(|e| e.to_errno().into(), pid_tgid)
}

/// The types of programs that run on top of the task that caused the event.
///
/// Other types, such as `cgroup_skb` and `sock_ops`, also run in softirqs, on top of an unrelated
/// task.
const HAS_CURRENT_TASK: ProgTypes = ProgTypes::new(&[
    ProgType::KPROBE,
    ProgType::TRACEPOINT,
    ProgType::RAW_TRACEPOINT,
    ProgType::PERF_EVENT,
    ProgType::TRACING,
    ProgType::LSM,
    ProgType::SYSCALL,
    ProgType::CGROUP_DEVICE,
    ProgType::CGROUP_SOCK,
    ProgType::CGROUP_SOCK_ADDR,
    ProgType::CGROUP_SOCKOPT,
    ProgType::CGROUP_SYSCTL,
]);

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS, filter: loader::may_call;

    /// Reports the pid namespace that the current task lives in.
    ///
    /// That is the one of its `/proc/PID/ns/pid`, not the one of its future children.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a pid namespace in which the task is not visible.
    /// - `-ENOENT`: the task has been released, and is in no pid namespace any more.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    progs(HAS_CURRENT_TASK)
    fn bpf_get_current_pidns_ident(caller: &ProgCaller, ident: Out<'_, Ident>) -> Result {
        let (origin, current) = (caller.origin(), Current::new(caller.current()));

        match origin.sees_all() {
            true => write_pidns(current, ident),
            false => origin.if_sees(current.as_ref(), move || write_pidns(current, ident)),
        }
    }

    /// Reports the namespace of a type that the current task is in.
    ///
    /// `ns_type` is one `CLONE_NEW*` flag. The result is that of `/proc/PID/ns`: for `CLONE_NEWPID`
    /// the namespace that the task lives in, for `CLONE_NEWUSER` that of its objective credentials.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a pid namespace in which the task is not visible.
    /// - `-EINVAL`: `ns_type` is not exactly one known `CLONE_NEW*` flag.
    /// - `-ENOENT`: the task is exiting, and has released the namespace.
    /// - `-EOPNOTSUPP`: this kernel was built without that type of namespaces.
    progs(HAS_CURRENT_TASK)
    fn bpf_get_current_ns_ident(
        caller: &ProgCaller,
        ns_type: u32,
        ident: Out<'_, Ident>,
    ) -> Result {
        let (origin, current) = (caller.origin(), Current::new(caller.current()));

        match origin.sees_all() {
            true => write_ns(current, ns_type, ident),
            false => origin.if_sees(current.as_ref(), move || write_ns(current, ns_type, ident)),
        }
    }

    /// Returns the process and thread id of the current task as seen in a pid namespace.
    ///
    /// `pidns` identifies the pid namespace of the task or an ancestor of it. If its `id` is 0,
    /// only `dev` and `ino` are compared.
    ///
    /// Returns `tgid << 32 | pid` or a negative errno:
    /// - `-ESRCH`: the task cannot be seen in that namespace, or has been released. Or the program
    ///   was loaded from a nested pid namespace, and `pidns` is not this one or a descendant.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    progs(HAS_CURRENT_TASK)
    filter(loader::may_call_relative)
    fn bpf_get_current_pid_tgid_in(caller: &ProgCaller, pidns: In<'_, Ident>) -> i64 {
        let (origin, current) = (caller.origin(), || Current::new(caller.current()));

        if !origin.sees_all() {
            return nested_pid_tgid_in(origin, current().as_ref(), pidns);
        }
        let pidns = pidns.read();
        pid_tgid_or_errno(current().tgid_pid_where(|ns| pidns.matches(ns.as_ref())))
    }

    /// Returns the process and thread id of the current task as seen in the pid namespace from
    /// which the program was loaded.
    ///
    /// For a program that was loaded from the initial pid namespace, the result is that of
    /// `bpf_get_current_pid_tgid()`.
    ///
    /// Returns `tgid << 32 | pid` or a negative errno:
    /// - `-ESRCH`: the task cannot be seen in that namespace, or has been released.
    progs(HAS_CURRENT_TASK)
    fn bpf_get_current_pid_tgid_own(caller: &ProgCaller) -> i64 {
        let (origin, current) = (caller.origin(), Current::new(caller.current()));

        if !origin.sees_all() {
            return nested_pid_tgid_own(origin, current.as_ref());
        }
        pid_tgid(current.tgid_pid())
    }

    /// Reports the pid namespace that a task lives in, the current one or any other.
    ///
    /// That is the one of its `/proc/PID/ns/pid`, not the one of its future children.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a pid namespace in which the task is not visible.
    /// - `-ENOENT`: the task has been released, and is in no pid namespace any more.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    progs(ProgTypes::ALL)
    fn bpf_task_pidns_ident(
        caller: &ProgCaller,
        task: &RcuTask,
        ident: Out<'_, Ident>,
    ) -> Result {
        let origin = caller.origin();

        match origin.sees_all() {
            true => write_task_pidns(task, ident),
            false => origin.if_sees(task, move || write_task_pidns(task, ident)),
        }
    }

    /// Reports the namespace of a type that a task is in, the current one or any other.
    ///
    /// `ns_type` is one `CLONE_NEW*` flag. The result is that of `/proc/PID/ns`: for `CLONE_NEWPID`
    /// the namespace that the task lives in, for `CLONE_NEWUSER` that of its objective credentials.
    /// These two, and all types of the current task, are read without a lock.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a pid namespace in which the task is not visible.
    /// - `-EBUSY`: the lock of another task is held, or the context does not permit an attempt, see
    ///   [`RcuTask::try_lock`].
    /// - `-EINVAL`: `ns_type` is not exactly one known `CLONE_NEW*` flag.
    /// - `-ENOENT`: the task is exiting and has released the namespace, or has been released.
    /// - `-EOPNOTSUPP`: this kernel was built without that type of namespaces.
    progs(ProgTypes::ALL)
    fn bpf_task_ns_ident(
        caller: &ProgCaller,
        task: &RcuTask,
        ns_type: u32,
        ident: Out<'_, Ident>,
    ) -> Result {
        let (origin, current) = (caller.origin(), caller.current());

        match origin.sees_all() {
            true => write_task_ns(task, current, ns_type, ident),
            false => origin.if_sees(task, move || write_task_ns(task, current, ns_type, ident)),
        }
    }

    /// Returns a task's process and thread id as seen in a pid namespace.
    ///
    /// `pidns` identifies the pid namespace of the task or an ancestor of it. If its `id` is 0,
    /// only `dev` and `ino` are compared.
    ///
    /// Returns `tgid << 32 | pid` or a negative errno:
    /// - `-ESRCH`: the task cannot be seen in that namespace, or has been released. Or the program
    ///   was loaded from a nested pid namespace, and `pidns` is not this one or a descendant.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    progs(ProgTypes::ALL)
    filter(loader::may_call_relative)
    fn bpf_task_pid_tgid_in(
        caller: &ProgCaller,
        task: &RcuTask,
        pidns: In<'_, Ident>,
    ) -> i64 {
        if !caller.origin().sees_all() {
            return nested_pid_tgid_in(caller.origin(), task, pidns);
        }
        let pidns = pidns.read();
        let guard = rcu::read_lock();

        pid_tgid_or_errno(task.tgid_pid_where(&guard, |ns| pidns.matches(ns.as_ref())))
    }

    /// Reports the net namespace in which a socket was opened.
    ///
    /// The socket may be of any kind, including request and timewait sockets.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a nested pid namespace and another net namespace.
    /// - `-EOPNOTSUPP`: this kernel was built without net namespaces.
    progs(ProgTypes::ALL)
    fn bpf_sk_netns_ident(caller: &ProgCaller, sk: &Sock, ident: Out<'_, Ident>) -> Result {
        ident.write(visible_net(caller, sk.net()?)?.into());
        Ok(())
    }

    /// Reports the net namespace of a packet: that of its device, else that of its socket.
    ///
    /// Only for packets with a device that the network stack keeps while the program runs: packets
    /// at traffic control, packets of a cgroup's sockets, and packets of light-weight tunnels
    /// except for `lwt_out`.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a nested pid namespace and another net namespace.
    /// - `-ENOENT`: the packet has neither a device nor a socket.
    /// - `-EOPNOTSUPP`: this kernel was built without net namespaces.
    progs(ProgTypes::ALL)
    fn bpf_skb_netns_ident(caller: &ProgCaller, skb: &SkBuff, ident: Out<'_, Ident>) -> Result {
        ident.write(visible_net(caller, skb.net()?)?.into());
        Ok(())
    }

    /// Reports the net namespace of the device that received an XDP frame.
    ///
    /// For programs that are loaded for a device (`BPF_XDP`), not for an entry of a map.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a nested pid namespace and another net namespace.
    /// - `-EOPNOTSUPP`: this kernel was built without net namespaces.
    progs(ProgTypes::ALL)
    fn bpf_xdp_netns_ident(caller: &ProgCaller, ctx: &XdpBuff, ident: Out<'_, Ident>) -> Result {
        ident.write(visible_net(caller, ctx.net()?)?.into());
        Ok(())
    }

    /// Reports the net namespace of the netfilter hook of a packet.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ESRCH`: the program was loaded from a nested pid namespace and another net namespace.
    /// - `-ENOENT`: the program is not at a hook, because `BPF_PROG_RUN` runs it.
    /// - `-EOPNOTSUPP`: this kernel was built without net namespaces.
    progs(ProgTypes::ALL)
    fn bpf_nf_netns_ident(caller: &ProgCaller, ctx: &NfCtx, ident: Out<'_, Ident>) -> Result {
        ident.write(visible_net(caller, ctx.net()?)?.into());
        Ok(())
    }
}

struct BpfNsIdent;

impl kernel::Module for BpfNsIdent {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        loader::check_param()?;

        KFUNCS.register().inspect_err(|e| match *e {
            ENOENT => pr_err!("no BTF of this module: is CONFIG_DEBUG_INFO_BTF_MODULES on?\n"),
            e => pr_err!("cannot register kfuncs: {:?}\n", e),
        })?;
        Ok(Self)
    }
}

#[cfg(CONFIG_BPF_NS_IDENT_KUNIT_TEST)]
#[kunit_tests(bpf_ns_ident_kfuncs)]
mod tests {
    use super::*;
    use kernel::{
        current,
        ns::{
            made_up::with_namespace,
            Type, //
        },
    };

    // Each field has 64 bits, and `stat(2)` uses another encoding of devices than the kernel.
    #[test]
    fn ident_is_what_userspace_sees() -> Result {
        const ID: u64 = 0xfedc_ba98_7654_3210;

        // Device 5:0x12345.
        with_namespace(Type::Uts, 5 << 20 | 0x1_2345, 0xffff_fff1, ID, |ns| {
            let ident = Ident::from(ns);

            assert_eq!(ident.dev, 0x1230_0545);
            assert_eq!(ident.ino, 0xffff_fff1);
            assert_eq!(ident.id, ID);
            assert!(ident.matches(ns));
            assert!(Ident { id: 0, ..ident }.matches(ns));
            for other in [
                Ident {
                    dev: (5 << 20 | 0x1_2345),
                    ..ident
                },
                Ident {
                    dev: ident.dev | 1 << 32,
                    ..ident
                },
                Ident {
                    id: ID as u32 as u64,
                    ..ident
                },
                Ident {
                    id: ID ^ 1 << 63,
                    ..ident
                },
            ] {
                assert!(!other.matches(ns));
            }
        })
    }

    // An `id` of zero matches any namespace with the pair, and no other value does.
    #[test]
    fn ident_matches_one_namespace() -> Result {
        Current::new(current!()).with(Type::Mnt, |ns| {
            let ident = Ident::from(ns);

            assert!(ident.matches(ns));
            assert!(Ident { id: 0, ..ident }.matches(ns));
            for other in [
                Ident {
                    dev: ident.dev ^ 1,
                    ..ident
                },
                Ident {
                    ino: ident.ino ^ 1,
                    ..ident
                },
                Ident {
                    ino: ident.ino ^ (1 << 32),
                    ..ident
                },
                Ident {
                    id: ident.id ^ 1,
                    ..ident
                },
            ] {
                assert!(!other.matches(ns));
            }
        })
    }

    #[test]
    fn types_without_current_task() {
        for ty in [ProgType::KPROBE, ProgType::CGROUP_DEVICE] {
            assert!(HAS_CURRENT_TASK.contains(ty));
        }
        for ty in [
            ProgType::CGROUP_SKB,
            ProgType::SOCK_OPS,
            ProgType::XDP,
            ProgType::SCHED_CLS,
        ] {
            assert!(!HAS_CURRENT_TASK.contains(ty));
        }
    }
}
