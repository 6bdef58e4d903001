// SPDX-License-Identifier: GPL-2.0

//! The `kernel` crate with the series, for a kernel without the series: that kernel's `kernel` crate,
//! and the additions of the series.
//!
//! New files of the series are used unmodified. All other items have the names and paths that these
//! files expect.

pub mod bindings;
pub mod fs;
#[cfg(linux_7_2)]
mod linux_7_2;
mod load;
pub mod module_param;
pub mod task;

#[path = "../rust/kernel"]
mod series {
    pub mod bpf;
    pub mod ns;
    pub mod ratelimit;
}

// Items of this crate take precedence over these.
pub use kernel::*;
#[cfg(linux_7_2)]
pub use linux_7_2::{
    module,
    prelude, //
};
pub use load::InPlaceModule;
pub use series::{
    bpf,
    ns,
    ratelimit, //
};
