// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::net::{
    NfCtx,
    XdpBuff, //
};

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, ctx: &XdpBuff, other: &NfCtx) -> u64 {
        0
    }
}
//~ `bpf_fail`: no program type in `progs` can pass all arguments
