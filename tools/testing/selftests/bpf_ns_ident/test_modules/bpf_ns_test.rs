// SPDX-License-Identifier: GPL-2.0

//! Kfuncs in safe Rust that a kernel must not get wrong. For tests only: anybody may call them.

use kernel::{
    bpf::{
        kfunc::Caller,
        net::XdpBuff,
        ProgTypes, //
    },
    current,
    prelude::*, //
};

module! {
    type: Test,
    name: "bpf_ns_test",
    authors: ["Rust for Linux Contributors"],
    description: "Kfuncs for the selftests of bpf_ns_ident",
    license: "GPL",
    params: {
        register_late: u8 {
            default: 0,
            description: "1: register the kfuncs at exit, and log the result",
        },
    },
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS;

    /// Takes the context of XDP, which is memory of integers to other programs.
    ///
    /// Returns the id of the net namespace, or 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_frame(_: &Caller, ctx: &XdpBuff) -> u64 {
        ctx.net().map_or(0, |ns| ns.id())
    }

    /// Returns whether the calling task has a pid namespace, by safe means other than the caller.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_has_pid_ns(_: &Caller) -> u64 {
        current!().active_pid_ns().is_some().into()
    }
}

struct Test;

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if module_parameters::register_late.value() == 0 {
            KFUNCS.register()?;
        }
        Ok(Self)
    }
}

impl Drop for Test {
    fn drop(&mut self) {
        if module_parameters::register_late.value() != 0 {
            let is_busy = KFUNCS.register() == Err(EBUSY);
            pr_info!(
                "registered late: {}\n",
                if is_busy { "EBUSY" } else { "not EBUSY" }
            );
        }
    }
}
