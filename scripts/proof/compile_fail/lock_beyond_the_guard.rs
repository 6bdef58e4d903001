// SPDX-License-Identifier: GPL-2.0

use kernel::{
    ns::{
        RcuTask,
        Type, //
    },
    sync::rcu, //
};

fn net(task: &RcuTask) -> Result<u32> {
    let locked = task.try_lock(&rcu::read_lock())?;

    Ok(locked.ns(Type::Net)?.inum())
}
//~ temporary value dropped while borrowed
