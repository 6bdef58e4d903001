// SPDX-License-Identifier: GPL-2.0

use kernel::bpf::net::SkBuff;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::new(&[ProgType::TRACING, ProgType::LSM]))
    fn bpf_fail(_: &Caller, skb: &SkBuff) -> u64 {
        0
    }
}
//~ `bpf_fail`: no program type in `progs` can pass all arguments
