// SPDX-License-Identifier: GPL-2.0

//! Kfuncs in safe Rust, only for tests of the `kernel` crate: every loader may use them.

use kernel::{
    bpf::{
        kfunc::{
            Caller,
            In,
            Out,
            ProgCaller, //
        },
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
        register_twice: u8 {
            default: 0,
            description: "1: register the kfuncs twice, and report the second result",
        },
    },
}

kernel::bpf_struct! {
    /// A structure of 8 bytes, first in the BTF of the module.
    struct Small as "bpf_ns_test_small" {
        a: u32,
        b: u32,
    }

    /// A structure of 6 bytes: three words of two.
    struct Odd as "bpf_ns_test_odd" {
        a: u16,
        b: u16,
        c: u16,
    }

    /// A structure of 32 bytes, with the others as members.
    struct Large as "bpf_ns_test_large" {
        small: Small,
        odd: Odd,
        c: u16,
        d: u64,
        e: u64,
    }

    /// Integers, with the values that the kfunc received.
    struct Ints as "bpf_ns_test_ints" {
        a: i64,
        b: i64,
        c: i64,
        d: i64,
    }
}

kernel::bpf_kfuncs! {
    /// The kfuncs of this module.
    static KFUNCS;

    /// Takes the context of XDP, which is plain memory for other program types.
    ///
    /// Returns the id of the net namespace, or 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_frame(_: &Caller, ctx: &XdpBuff) -> u64 {
        ctx.net().map_or(0, |ns| ns.id())
    }

    /// Returns whether the current task has a pid namespace, by other safe functions than `Caller`.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_has_pid_ns(_: &Caller) -> u64 {
        current!().active_pid_ns().is_some().into()
    }

    /// Returns the low bytes of all arguments, or 0 for a program from a nested pid namespace. The
    /// program takes the last register.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_of_prog(caller: &ProgCaller, a: u8, b: u8, c: u8, d: u8) -> u32 {
        match caller.origin().sees_all() {
            true => u32::from_le_bytes([a, b, c, d]),
            false => 0,
        }
    }

    /// Fills 8 bytes, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_fill_small(_: &Caller, small: Out<'_, Small>) -> Result {
        small.write(SMALL);
        Ok(())
    }

    /// Fills 6 bytes, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_fill_odd(_: &Caller, odd: Out<'_, Odd>) -> Result {
        odd.write(ODD);
        Ok(())
    }

    /// Fills 32 bytes, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_fill_large(_: &Caller, large: Out<'_, Large>) -> Result {
        large.write(Large {
            small: SMALL,
            odd: ODD,
            c: 0x1617,
            d: 0x2021_2223_2425_2627,
            e: 0x3031_3233_3435_3637,
        });
        Ok(())
    }

    /// Returns the sum of all members.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_sum(_: &Caller, large: In<'_, Large>) -> u64 {
        let Large {
            small,
            odd,
            c,
            d,
            e,
        } = large.read();

        [small.a.into(), small.b.into(), odd.a.into(), odd.b.into(), odd.c.into(), c.into(), d, e]
            .iter()
            .fold(0, |sum: u64, member| sum.wrapping_add(*member))
    }

    /// Stores 8-bit integers as received, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_bytes(_: &Caller, a: u8, b: i8, c: bool, ints: Out<'_, Ints>) -> Result {
        ints.write(Ints {
            a: a.into(),
            b: b.into(),
            c: c.into(),
            d: 0,
        });
        Ok(())
    }

    /// Stores 16-bit and 32-bit integers as received, and returns 0.
    progs(ProgTypes::ALL)
    fn bpf_ns_test_words(
        _: &Caller,
        a: u16,
        b: i16,
        c: u32,
        d: i32,
        ints: Out<'_, Ints>,
    ) -> Result {
        ints.write(Ints {
            a: a.into(),
            b: b.into(),
            c: c.into(),
            d: d.into(),
        });
        Ok(())
    }
}

const SMALL: Small = Small {
    a: 0x0001_0203,
    b: 0x0405_0607,
};
const ODD: Odd = Odd {
    a: 0x1011,
    b: 0x1213,
    c: 0x1415,
};

struct Test;

impl kernel::Module for Test {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if module_parameters::register_late.value() == 0 {
            KFUNCS.register()?;
        }
        if module_parameters::register_twice.value() != 0 {
            let exists = KFUNCS.register() == Err(EEXIST);
            pr_info!(
                "registered twice: {}\n",
                if exists { "EEXIST" } else { "another result" }
            );
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
