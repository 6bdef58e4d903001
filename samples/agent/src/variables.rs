// SPDX-License-Identifier: GPL-2.0
//! Sets the variables of ns_ident.bpf.h and event.bpf.h in a BPF object before it is loaded.

use std::{fs::File, path::Path};

use libbpf_rs::{
    btf::{
        types::{DataSec, Var},
        Btf,
    },
    OpenObject,
};

use crate::{
    ns_ident::{device, Ident},
    Result,
};

pub const MODULE: &str = "/sys/module/bpf_ns_ident";
/// systemd-nspawn shows this file, but not `/sys/module`.
pub const MODULE_BTF: &str = "/sys/kernel/btf/bpf_ns_ident";

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
        let exists = |path| Path::new(path).exists();
        if exists(MODULE) || exists(MODULE_BTF) {
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

/// `struct view` of view.h: the terms in which the programs report tasks.
pub type View = [u8; 16];

/// The values for all BPF objects.
pub struct Variables {
    pub how: How,
    dev: u64,
    own: Ident,
    view: View,
}

impl Variables {
    pub fn new(view: View) -> Result<Variables> {
        Ok(Variables {
            how: How::find(),
            dev: device()?,
            own: Ident::of(&File::open("/proc/self/ns/pid")?)?,
            view,
        })
    }

    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let Ident { dev, ino, id } = self.own;
        match name {
            "ns_ident_dev" => Some(self.dev.to_ne_bytes().to_vec()),
            "ns_ident_how" => Some((self.how as u32).to_ne_bytes().to_vec()),
            "ns_ident_own" => Some([dev, ino, id].map(u64::to_ne_bytes).concat()),
            "view" => Some(self.view.to_vec()),
            _ => None,
        }
    }

    /// Sets the variables. `image` is the file of the object.
    pub fn set(&self, open: &mut OpenObject, image: &[u8]) -> Result<()> {
        let btf = Btf::from_raw("variables", image)?.ok_or("the BPF object has no BTF")?;
        let section: DataSec<'_> = btf.type_by_name(".rodata").ok_or("no .rodata")?;
        let mut rodata = open
            .maps_mut()
            .find(|map| map.name().to_string_lossy().ends_with(".rodata"))
            .ok_or("no .rodata")?;
        let data = rodata.initial_value_mut().ok_or("no .rodata")?;
        for info in section.iter() {
            let var: Option<Var<'_>> = btf.type_by_id(info.ty);
            let value = var.and_then(|var| self.value(var.name()?.to_str()?));
            let Some(value) = value else {
                continue;
            };
            let start = info.offset as usize;
            data.get_mut(start..start + value.len())
                .ok_or(".rodata is too short")?
                .copy_from_slice(&value);
        }
        Ok(())
    }
}
