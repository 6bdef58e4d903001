// SPDX-License-Identifier: GPL-2.0

//! `kernel::bpf::kfunc` without the macro and the registration.

mod abi;
pub mod flags;
mod iter;
mod memory;
mod object;

pub use abi::{
    param_name,
    take_arg,
    take_sized_arg,
    Arg,
    ArgAbi,
    Kind,
    Pointer,
    Ret,
    SizedArg, //
};
pub use flags::{
    Conflict,
    Flags, //
};
pub use iter::{
    is_iter_kfunc,
    Destroy,
    Item,
    Iter,
    New,
    Next, //
};
pub use memory::{
    In,
    Out,
    Plain, //
};
pub use object::{
    put,
    Counted,
    Object,
    Pointers, //
};

pub struct Caller;
