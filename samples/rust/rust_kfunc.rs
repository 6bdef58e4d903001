// SPDX-License-Identifier: GPL-2.0

//! Rust kfunc sample: functions that BPF programs call.
//!
//! Once the module is loaded, `bpftool btf dump file /sys/kernel/btf/rust_kfunc format c` shows
//! the declarations for a BPF program.
//!
//! Documentation: [Kfuncs in Rust](https://docs.kernel.org/bpf/rust_kfuncs.html)

use kernel::{
    bpf::{
        kfunc::{
            flags::KF_SLEEPABLE,
            Caller,
            In,
            Out, //
        },
        ProgType,
        ProgTypes, //
    },
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: RustKfunc,
    name: "rust_kfunc",
    authors: ["Rust for Linux Contributors"],
    description: "Rust kfunc sample",
    license: "GPL",
}

kernel::bpf_struct! {
    /// Statistics of a program.
    struct Sample as "bpf_rust_sample" {
        sum: u64,
        count: u32,
        max: u32,
    }
}

/// The program types that may call the kfuncs.
const PROGS: ProgTypes = ProgTypes::new(&[ProgType::SYSCALL, ProgType::TRACING]);

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS;

    /// Returns the sum of two numbers, modulo 2^64.
    progs(PROGS)
    fn bpf_rust_sample_add(_: &Caller, a: u64, b: u64) -> u64 {
        a.wrapping_add(b)
    }

    /// Fills the program's structure.
    progs(PROGS)
    fn bpf_rust_sample_reset(_: &Caller, s: Out<'_, Sample>) -> Result {
        s.write(Sample {
            sum: 0,
            count: 0,
            max: 0,
        });
        Ok(())
    }

    /// Reads the program's structure.
    ///
    /// Returns the mean, or a negative errno:
    /// - `-EINVAL`: `count` is 0.
    /// - `-ERANGE`: the mean does not fit into the result.
    progs(PROGS)
    fn bpf_rust_sample_mean(_: &Caller, s: In<'_, Sample>) -> Result<i64> {
        let s = s.read();
        let mean = s.sum.checked_div(s.count.into()).ok_or(EINVAL)?;
        i64::try_from(mean).map_err(|_| ERANGE)
    }

    /// Sleeps. Only sleepable programs may call this kfunc.
    ///
    /// Returns 0, or `-EINVAL` if `msecs` is above 1000.
    progs(PROGS)
    flags(KF_SLEEPABLE)
    fn bpf_rust_sample_sleep(_: &Caller, msecs: u32) -> Result {
        if msecs > 1000 {
            return Err(EINVAL);
        }
        fsleep(Delta::from_millis(msecs.into()));
        Ok(())
    }

    /// Returns the sum of up to 64 bytes, or `-E2BIG` if there are more.
    progs(PROGS)
    fn bpf_rust_sample_sum(_: &Caller, data[size]: In<'_, [u8]>) -> Result<i32> {
        let mut buf = [0; 64];

        Ok(data.read(&mut buf)?.iter().copied().map(i32::from).sum())
    }
}

struct RustKfunc;

impl kernel::Module for RustKfunc {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        KFUNCS.register()?;
        Ok(Self)
    }
}
