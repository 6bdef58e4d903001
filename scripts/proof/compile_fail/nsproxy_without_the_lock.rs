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

    Ok(task.ns(Type::Net)?.inum())
}
//~ no method named `ns` found for reference `&RcuTask`
