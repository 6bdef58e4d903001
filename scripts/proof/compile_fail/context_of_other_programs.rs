// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::net::XdpBuff;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::new(&[ProgType::SYSCALL]))
    fn bpf_fail(_: &Caller, ctx: &XdpBuff) -> u64 {
        0
    }
}
//~ `bpf_fail`: no program type in `progs` can pass all arguments
