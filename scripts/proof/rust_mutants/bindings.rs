// SPDX-License-Identifier: GPL-2.0

// The types. scripts/proof/rust-mutants adds constants from the bindings of a kernel.

#[allow(non_camel_case_types)]
pub type bpf_prog_type = u32;
#[allow(non_camel_case_types)]
pub type bpf_attach_type = u32;

#[allow(non_camel_case_types)]
pub struct bpf_prog {
    pub type_: bpf_prog_type,
    pub expected_attach_type: bpf_attach_type,
    pub aux: *mut bpf_prog_aux,
}

#[allow(non_camel_case_types)]
pub struct bpf_prog_aux {
    pub saved_dst_prog_type: bpf_prog_type,
    pub name: [core::ffi::c_char; 16],
    pub load_time: u64,
}

/// Returns one name. The kernel has them all.
///
/// # Safety
///
/// None.
pub unsafe fn bpf_ctx_type(i: usize) -> *const core::ffi::c_char {
    match i {
        0 => c"struct __sk_buff".as_ptr(),
        _ => core::ptr::null(),
    }
}
