// SPDX-License-Identifier: GPL-2.0

//! Tells BPF programs the identity of namespaces, in the terms of `stat(2)`.
//!
//! Documentation: [BPF namespace identity](https://docs.kernel.org/bpf/ns_ident.html)

use kernel::{
    bpf::kfunc::{
        Caller,
        Hook,
        Out, //
    },
    ns,
    prelude::*, //
};

mod loader;

module! {
    type: BpfNsIdent,
    name: "bpf_ns_ident",
    authors: ["Rust for Linux Contributors"],
    description: "Identity of namespaces for BPF programs",
    license: "GPL",
    params: {
        loader_ns: u32 {
            default: 0x7e020080,
            description: "CLONE_NEW* mask: which namespaces of who loads a program must be initial",
        },
    },
}

kernel::bpf_struct! {
    /// The identity of a namespace, see [`ns::Ident`].
    struct Ident as "bpf_ns_ident" {
        dev: u64,
        ino: u64,
        id: u64,
    }
}

impl From<ns::Ident> for Ident {
    #[inline]
    fn from(ident: ns::Ident) -> Self {
        Self {
            dev: ident.dev,
            ino: ident.ino,
            id: ident.id,
        }
    }
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS, filter: loader::may_call;

    /// Tells the pid namespace that the calling task lives in.
    ///
    /// That is the one of its `/proc/PID/ns/pid`, not the one of its future children.
    ///
    /// Returns 0 or a negative errno, and then `ident` is all zeroes:
    /// - `-ENOENT`: the task has been released, and is in no pid namespace any more.
    /// - `-EOPNOTSUPP`: this kernel was built without pid namespaces.
    fn bpf_get_current_pidns_ident(caller: &Caller, ident: Out<'_, Ident>) -> Result {
        ident.write(caller.current().pid()?.ident().into());
        Ok(())
    }
}

struct BpfNsIdent;

impl kernel::Module for BpfNsIdent {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        loader::check_param()?;

        for hook in [Hook::Tracing, Hook::Kprobe, Hook::Syscall, Hook::Cgroup] {
            KFUNCS.register(hook).inspect_err(|e| match *e {
                ENOENT => pr_err!("no BTF of this module: is CONFIG_DEBUG_INFO_BTF_MODULES on?\n"),
                e => pr_err!("cannot register kfuncs for {:?} programs: {:?}\n", hook, e),
            })?;
        }
        Ok(Self)
    }
}
