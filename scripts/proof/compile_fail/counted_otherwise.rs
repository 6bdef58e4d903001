// SPDX-License-Identifier: GPL-2.0

use kernel::{
    sync::aref::ARef,
    task::Task, //
};

// Its references are not those that bpf_task_acquire() and bpf_task_release() count.
kernel::bpf_kfuncs! {
    static KFUNCS;

    progs(ProgTypes::ALL)
    fn bpf_fail(_: &Caller, task: ARef<Task>) {
        drop(task)
    }

    progs(ProgTypes::ALL)
    fn bpf_fail_more(_: &Caller) -> Option<ARef<Task>> {
        None
    }
}
//~ programs cannot hold a reference to `Task`
