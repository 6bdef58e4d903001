// SPDX-License-Identifier: GPL-2.0

//! The references of the sample, with a destructor that has the name of a function of vmlinux. Only
//! for tests: every loader may use them.

use kernel::{
    bpf::{
        kfunc::Caller,
        pid_ns::{
            PidNs,
            RcuPidNs, //
        },
        ProgTypes, //
    },
    ns::RcuTask,
    prelude::*,
    sync::{
        aref::ARef,
        rcu, //
    },
};

module! {
    type: Test,
    name: "bpf_ns_test_dtor",
    authors: ["Rust for Linux Contributors"],
    description: "A destructor for the selftests of bpf_ns_ident",
    license: "GPL",
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module. The destructor has the name of a function in `net/core/filter.c`.
    static KFUNCS, kptr PidNs as "bpf_pid_ns": bpf_tcp_sock_is_valid_access;

    /// See `samples/rust/rust_kfunc_ref.rs`.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_get(_: &Caller, task: Option<&RcuTask>) -> Option<ARef<PidNs>> {
        task?.pid(&rcu::read_lock()).map(PidNs::get).ok()
    }

    /// See there.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_ino(_: &Caller, ns: &RcuPidNs) -> u32 {
        ns.as_ref().inum()
    }

    /// See there.
    progs(ProgTypes::ALL)
    fn bpf_rust_sample_ns_put(_: &Caller, ns: ARef<PidNs>) {
        drop(ns);
    }
}

struct Test;

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        Ok(Self)
    }
}
