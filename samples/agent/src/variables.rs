// SPDX-License-Identifier: GPL-2.0
//! Sets the variables of ns_ident.bpf.h in a BPF object before it is loaded.

use std::path::Path;

use libbpf_rs::{
    btf::{
        types::{DataSec, Var},
        Btf,
    },
    OpenObject,
};

use crate::{ns_ident::device, Result};

pub const MODULE: &str = "/sys/module/bpf_ns_ident";

/// How the programs get identities: `ns_ident_how`.
#[derive(Clone, Copy, PartialEq)]
pub enum How {
    /// They walk the kernel's structures.
    Walk = 1,
    /// They call the kfuncs of the module.
    Kfunc = 2,
}

impl How {
    /// Kfuncs if the kernel has the module, else a walk.
    pub fn find() -> How {
        if Path::new(MODULE).exists() {
            How::Kfunc
        } else {
            How::Walk
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            How::Walk => "walk",
            How::Kfunc => "kfunc",
        }
    }
}

/// Sets `ns_ident_dev` and `ns_ident_how`. `image` is the file of the object.
pub fn set(open: &mut OpenObject, image: &[u8], how: How) -> Result<()> {
    let btf = Btf::from_raw("variables", image)?.ok_or("the BPF object has no BTF")?;
    let section: DataSec<'_> = btf.type_by_name(".rodata").ok_or("no .rodata")?;
    let mut rodata = open
        .maps_mut()
        .find(|map| map.name().to_string_lossy().ends_with(".rodata"))
        .ok_or("no .rodata")?;
    let data = rodata.initial_value_mut().ok_or("no .rodata")?;
    for info in section.iter() {
        let var: Option<Var<'_>> = btf.type_by_id(info.ty);
        let value = match var.and_then(|var| var.name()?.to_str()) {
            Some("ns_ident_dev") => device()?.to_ne_bytes().to_vec(),
            Some("ns_ident_how") => (how as u32).to_ne_bytes().to_vec(),
            _ => continue,
        };
        let start = info.offset as usize;
        data.get_mut(start..start + value.len())
            .ok_or(".rodata is too short")?
            .copy_from_slice(&value);
    }
    Ok(())
}
