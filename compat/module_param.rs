// SPDX-License-Identifier: GPL-2.0

//! Module parameters: additions of the series to `kernel::module_param`.

pub use kernel::module_param::*;

#[path = "../rust/kernel/module_param/string.rs"]
pub mod string;
