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

// SAFETY: For this name, the verifier accepts two kinds of pointers, which are never NULL:
//
// 1. A trusted pointer, in any program, also in sleepable ones. Some code holds a reference to the
//    task until the program has returned or has released the task:
//
//    - the program itself, by bpf_task_acquire(), bpf_task_from_pid() or bpf_task_from_vpid();
//    - the running task, for bpf_get_current_task_btf();
//    - an iterator, for its current task;
//    - the caller of a BTF tracepoint or of an LSM hook, for the argument. The argument of
//      `task_free()` is not trusted, since no code holds that task. The caller of the tracepoint
//      `sched_process_free` drops its reference after the tracepoint. In `task_alloc()`, the task
//      is a copy of its parent, with the `thread_pid`, `signal` and `nsproxy` of the parent. The
//      parent keeps these three, since it is in the middle of copy_process(). If copy_process()
//      fails, it frees the task even if a program has acquired a reference: free_task() does not
//      check the count.
//
// 2. With `KF_RCU`, a pointer that the program has read in an RCU read side critical section, which
//    lasts until after the call. The verifier accepts pointers from places in which the kernel
//    publishes tasks by RCU: certain fields, kptrs in maps, bpf_iter_task_next(). As long as a task
//    is published, its users have a reference, which put_task_struct_rcu_user() drops after a grace
//    period.
//
// Arguments of fentry and similar programs, and fields that RCU does not protect, are neither.
//
// The verifier treats `real_parent` and `group_leader` of any task as RCU protected. The kernel
// does not update these fields in a released task. bpf_task_acquire() relies on the verifier in the
// same way.
//
// Programs of these types have such pointers:
//
// - `TRACING`: arguments of BTF tracepoints, the tasks of iterators.
// - `LSM`: arguments of hooks.
// - `SYSCALL`: bpf_task_from_pid(), kptrs in maps.
// - `TRACEPOINT`, `RAW_TRACEPOINT`, `PERF_EVENT`: bpf_get_current_task_btf() and the fields of its
//   result, bpf_task_from_pid().
// - `KPROBE`: the same, except for bpf_task_from_pid(), which programs of this type cannot call.
// - `STRUCT_OPS`: the tasks that the kernel passes to a sched_ext scheduler. The kernel holds each
//   task during the operation. In init_task() of a new task, `thread_pid` is that of the parent, as
//   in `task_alloc()`.
//
// Some networking programs can have such pointers, too, but their events are not about tasks.
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
