// SPDX-License-Identifier: GPL-2.0

use kernel::{
    ns::RcuTask,
    sync::rcu, //
};

fn level(task: &RcuTask) -> Result<u32> {
    let ns = task.pid(&rcu::read_lock())?;
    let ns: &kernel::ns::NsCommon = ns.as_ref();

    Ok(ns.inum())
}
//~ temporary value dropped while borrowed
