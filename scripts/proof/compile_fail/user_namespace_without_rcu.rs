// SPDX-License-Identifier: GPL-2.0

use kernel::{
    ns::RcuTask,
    sync::rcu, //
};

fn user(task: &RcuTask) -> Result<u32> {
    let ns = task.user(&rcu::read_lock())?;

    Ok(ns.inum())
}
//~ temporary value dropped while borrowed
