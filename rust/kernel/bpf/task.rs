// SPDX-License-Identifier: GPL-2.0

//! Tasks that BPF programs have pointers to.
//!
//! C header: [`include/linux/sched.h`](srctree/include/linux/sched.h)

use super::{
    kfunc::{
        Object,
        Pointers, //
    },
    ProgType,
    ProgTypes, //
};
use crate::ns::RcuTask;

// SAFETY: For this name the verifier accepts, never NULL:
//
// 1. In any program, sleepable ones included, a pointer that it trusts. Somebody holds a reference
//    to the task until the program has returned, or has given the task back:
//
//    - the program, by bpf_task_acquire(), bpf_task_from_pid() or bpf_task_from_vpid();
//    - the task that runs holds itself, for bpf_get_current_task_btf();
//    - an iterator holds the task that it is at;
//    - who calls a BTF tracepoint, or the hook of a security module, holds the argument. That of
//      `task_free()` is not trusted, since nobody holds that task. The tracepoint
//      `sched_process_free` comes before its caller gives its reference up. In `task_alloc()` the
//      task is a copy of its parent, which makes it, so that it has the parent's `thread_pid`,
//      `signal` and `nsproxy`; the parent keeps these, since it is busy making the task. What a
//      program acquires there is freed if that fails, whoever has a reference: free_task() does not
//      look.
//
// 2. With `KF_RCU`, in an RCU read side critical section that lasts until after the call, a pointer
//    that was read there from where the kernel publishes tasks by RCU: certain fields, kptrs in
//    maps, bpf_iter_task_next(). For as long as a task is there, its users have a reference, which
//    put_task_struct_rcu_user() gives up after a grace period.
//
// Arguments of fentry and the like, and fields that RCU does not protect, are neither.
//
// The verifier takes `real_parent` and `group_leader` for protected by RCU in any task. In one that
// has been released nobody updates them. bpf_task_acquire() relies on the verifier in the same way.
//
// What programs have such a pointer, by type:
//
// - `TRACING`: arguments of BTF tracepoints, the tasks of iterators.
// - `LSM`: arguments of hooks.
// - `SYSCALL`: bpf_task_from_pid(), kptrs in maps.
// - `TRACEPOINT`, `RAW_TRACEPOINT`, `PERF_EVENT`: bpf_get_current_task_btf() and what it points to,
//   bpf_task_from_pid().
// - `KPROBE`: the same but for bpf_task_from_pid(), which programs of this type cannot call.
// - `STRUCT_OPS`: the tasks that a scheduler of sched_ext is asked about. The kernel holds each one
//   that it calls an operation with. In init_task() of a task that is being forked, `thread_pid`
//   is that of its parent, as in `task_alloc()`.
//
// Some programs of the network can have one, too, but their events are not about tasks.
unsafe impl Object for RcuTask {
    const NAME: &'static str = "task_struct";
    const PROGS: ProgTypes = ProgTypes::new(&[
        ProgType::TRACING,
        ProgType::LSM,
        ProgType::SYSCALL,
        ProgType::TRACEPOINT,
        ProgType::RAW_TRACEPOINT,
        ProgType::PERF_EVENT,
        ProgType::KPROBE,
        ProgType::STRUCT_OPS,
    ]);
    const POINTERS: Pointers = Pointers::TrustedOrRcu;
}
