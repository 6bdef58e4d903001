// SPDX-License-Identifier: GPL-2.0

//! A kfunc in safe Rust with the name of a function of vmlinux. Only for tests: every loader may
//! use it.
//!
//! The kernel rejects the module if vmlinux has BTF of that function.

use kernel::{
    bpf::{
        kfunc::Caller,
        ProgTypes, //
    },
    prelude::*, //
};

module! {
    type: Test,
    name: "bpf_ns_test_name",
    authors: ["Rust for Linux Contributors"],
    description: "A kfunc for the selftests of bpf_ns_ident",
    license: "GPL",
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS;

    /// Has the name of a function in `net/core/filter.c`.
    ///
    /// Returns 4242.
    progs(ProgTypes::ALL)
    fn bpf_sock_is_valid_access(_: &Caller, _off: u64, _size: u64, _type: u64, _info: u64) -> u64 {
        4242
    }
}

struct Test;

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        Ok(Self)
    }
}
