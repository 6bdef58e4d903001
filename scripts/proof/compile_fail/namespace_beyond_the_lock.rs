// SPDX-License-Identifier: GPL-2.0

use kernel::{
    ns::{
        RcuTask,
        Type, //
    },
    sync::rcu, //
};

fn net(task: &RcuTask) -> Result<u32> {
    let guard = rcu::read_lock();
    let locked = task.try_lock(&guard)?;
    let ns = locked.ns(Type::Net)?;

    drop(locked);
    Ok(ns.inum())
}
//~ cannot move out of `locked` because it is borrowed
