// SPDX-License-Identifier: GPL-2.0

//! The `kernel` crate as the series leaves it, for a kernel without the series: that kernel's crate
//! of the same name, and what the series adds.
//!
//! What the series has in files of its own is taken from there as it is. They find everything else
//! under the names that it has for them in the `kernel` crate.

pub mod bindings;
pub mod fs;
mod load;
pub mod task;

#[path = "../rust/kernel"]
mod series {
    pub mod bpf;
    pub mod ns;
    pub mod ratelimit;
}

// What is defined in this crate takes precedence over these.
pub use kernel::*;
pub use load::InPlaceModule;
pub use series::{
    bpf,
    ns,
    ratelimit, //
};
