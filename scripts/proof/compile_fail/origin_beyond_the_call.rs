// SPDX-License-Identifier: GPL-2.0

static mut LAST: Option<&kernel::bpf::origin::Origin> = None;

kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(caller: &ProgCaller) {
        // SAFETY: The lifetime is the fault.
        unsafe { LAST = Some(caller.origin()) };
    }
}
//~ borrowed data escapes outside of function
