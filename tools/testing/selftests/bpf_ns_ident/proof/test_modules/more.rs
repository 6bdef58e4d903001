// SPDX-License-Identifier: GPL-2.0

//! The second list of kfuncs of `mixed.rs`.

use super::Pair;
use kernel::bpf::{
    kfunc::{
        Caller,
        In, //
    },
    ProgType,
    ProgTypes, //
};

kernel::bpf_kfuncs! {
    /// The second list, for some of the program types of the first one.
    pub(super) static KFUNCS;

    /// Returns the difference.
    progs(ProgTypes::new(&[ProgType::SYSCALL]))
    fn bpf_ns_test_pair_diff(_: &Caller, pair: In<'_, Pair>) -> u32 {
        let pair = pair.read();
        pair.a.wrapping_sub(pair.b)
    }
}
