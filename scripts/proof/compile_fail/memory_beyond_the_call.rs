// SPDX-License-Identifier: GPL-2.0

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail_in(_: &Caller, n: In<'static, u32>) -> u32 {
        n.read()
    }

    progs(ProgTypes::ALL)
    fn bpf_fail_out(_: &Caller, n: Out<'static, u32>) {
        n.write(0);
    }
}
//~ `caller` does not live long enough
//~ argument requires that `caller` is borrowed for `'static`
