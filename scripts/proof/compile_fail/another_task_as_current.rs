// SPDX-License-Identifier: GPL-2.0

use kernel::ns::{
    Current,
    NsCommon,
    RcuTask,
    Type, //
};

fn net(task: &RcuTask) -> Result<u32> {
    Current::new(task).with(Type::Net, NsCommon::inum)
}
//~ expected `&CurrentTask`, found `&RcuTask`
