// SPDX-License-Identifier: GPL-2.0

//! A module with two lists of kfuncs in Rust, and with kfuncs in C. Only for tests: every loader may
//! use them.

use kernel::{
    bpf::{
        kfunc::{
            Caller,
            Out, //
        },
        ProgTypes, //
    },
    error::to_result,
    ffi::c_int,
    prelude::*, //
};

mod more;

module! {
    type: Test,
    name: "bpf_ns_test_mixed",
    authors: ["Rust for Linux Contributors"],
    description: "Kfuncs in Rust and C for the selftests of bpf_ns_ident",
    license: "GPL",
}

kernel::bpf_struct! {
    /// The kfuncs in C take the same structure.
    struct Pair as "bpf_ns_test_pair" {
        a: u32,
        b: u32,
    }
}

kernel::bpf_kfuncs! {
    /// The first list.
    static KFUNCS;

    /// Fills 8 bytes, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_pair_fill(_: &Caller, pair: Out<'_, Pair>) -> Result {
        pair.write(Pair { a: 40, b: 2 });
        Ok(())
    }
}

extern "C" {
    // In `mixed_c.c`.
    fn bpf_ns_test_mixed_register() -> c_int;
}

struct Test;

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        // SAFETY: The module is loading, and the function has no other requirement.
        to_result(unsafe { bpf_ns_test_mixed_register() })?;
        more::KFUNCS.register()?;
        Ok(Self)
    }
}
