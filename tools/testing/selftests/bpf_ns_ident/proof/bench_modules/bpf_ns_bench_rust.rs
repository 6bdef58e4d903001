// SPDX-License-Identifier: GPL-2.0

//! A kfunc in Rust that does nothing. Only for comparison: every loader may use it.

use kernel::{
    bpf::{
        kfunc::Caller,
        ProgType,
        ProgTypes, //
    },
    prelude::*, //
};

module! {
    type: Bench,
    name: "bpf_ns_bench_rust",
    authors: ["Rust for Linux Contributors"],
    description: "A kfunc in Rust to compare those of bpf_ns_ident with",
    license: "GPL",
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS;

    /// Does nothing.
    progs(ProgTypes::new(&[ProgType::SYSCALL]))
    fn bpf_bench_rust_empty(_: &Caller) -> Result {
        Ok(())
    }
}

struct Bench;

impl kernel::Module for Bench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        Ok(Self)
    }
}
