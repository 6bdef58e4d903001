// SPDX-License-Identifier: GPL-2.0

//! The policy: which tasks may load programs that call the kfuncs.

use crate::module_parameters;
use kernel::{
    bpf::{
        btf::Func,
        Prog, //
    },
    current,
    fmt,
    ns,
    prelude::*,
    str::BStr,
    sync::atomic::{
        ordering::Relaxed,
        Atomic, //
    },
    task::CurrentTask, //
};

/// The types that the initial namespace can never be dropped from: the capabilities that
/// `bpf(2)` asks for are those in a user namespace, and pids are what an identity is about.
const ALWAYS: u32 = ns::Type::User.flag() | ns::Type::Pid.flag();

/// Checks the parameter `loader_ns`, and says what is wrong with it.
pub(crate) fn check_param() -> Result {
    let mask = module_parameters::loader_ns.value();
    let unknown = ns::Type::ALL
        .iter()
        .fold(mask, |rest, ty| rest & !ty.flag());

    if unknown != 0 {
        pr_err!("loader_ns={mask:#x}: {unknown:#x} is not a CLONE_NEW* flag\n");
        return Err(EINVAL);
    }
    if mask & ALWAYS != ALWAYS {
        pr_err!("loader_ns={mask:#x}: must have {ALWAYS:#x} (CLONE_NEWUSER | CLONE_NEWPID)\n");
        return Err(EINVAL);
    }
    Ok(())
}

/// Decides, while a program is loaded, whether it may call a kfunc that is for its type.
pub(crate) fn may_call(prog: &Prog, _kfunc: &'static Func) -> bool {
    is_loader_initial(prog)
}

/// Returns whether the current task, which loads `prog`, is in the initial namespaces, and tells
/// the kernel log if not.
fn is_loader_initial(prog: &Prog) -> bool {
    static LAST: Atomic<u64> = Atomic::new(0);

    let current = current!();
    let Some(refusal) = refusal(current) else {
        return true;
    };

    // The verifier asks several times in one load.
    if LAST.xchg(prog.load_time(), Relaxed) != prog.load_time() {
        kernel::pr_warn_ratelimited!(
            "prog {}: load by {}[{}] refused, {}\n",
            match prog.name() {
                name if name.is_empty() => BStr::from_bytes(b"(no name)"),
                name => name,
            },
            current.comm(&mut [0; _]),
            current.pid(),
            refusal,
        );
    }
    false
}

/// Why a task may not load.
enum Refusal {
    /// It is a kernel thread.
    Kthread,
    /// These namespaces of it are not the initial ones.
    Foreign(TypeSet),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kthread => f.write_str("a kernel thread"),
            Self::Foreign(types) => f.write_fmt(fmt!("not in the initial {types}")),
        }
    }
}

/// Returns why the current task may not load, if it may not.
///
/// Kernel threads are in the initial namespaces, but do what others ask for: a program can have
/// its callback for `struct bpf_wq`, which may load programs, called by a worker.
fn refusal(current: &CurrentTask) -> Option<Refusal> {
    if current.is_kthread() {
        return Some(Refusal::Kthread);
    }
    match foreign_namespaces(current) {
        foreign if foreign.is_empty() => None,
        foreign => Some(Refusal::Foreign(foreign)),
    }
}

/// Returns those of the namespaces that `loader_ns` asks for which are not the initial ones.
fn foreign_namespaces(current: &CurrentTask) -> TypeSet {
    let asked_for = module_parameters::loader_ns.value();
    let namespaces = ns::Current::new(current);
    let is_foreign = |ty| match namespaces.with(ty, ns::NsCommon::is_initial) {
        Ok(is_initial) => !is_initial,
        // Without namespaces of this type there is only what would be the initial one.
        Err(e) => e != EOPNOTSUPP,
    };

    TypeSet(
        ns::Type::ALL
            .iter()
            .filter(|ty| asked_for & ty.flag() != 0 && is_foreign(**ty))
            .fold(0, |set, ty| set | ty.flag()),
    )
}

/// A set of namespace types, as a mask of `CLONE_NEW*` flags.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TypeSet(u32);

impl TypeSet {
    fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for TypeSet {
    /// Formats like "cgroup, pid namespaces".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";

        for ty in ns::Type::ALL {
            if self.0 & ty.flag() != 0 {
                f.write_str(separator)?;
                f.write_str(ty.name())?;
                separator = ", ";
            }
        }
        f.write_str(match self.0.count_ones() {
            1 => " namespace",
            _ => " namespaces",
        })
    }
}

#[cfg(CONFIG_BPF_NS_IDENT_KUNIT_TEST)]
#[kunit_tests(bpf_ns_ident)]
mod tests {
    use super::*;
    use kernel::str::CString;

    #[test]
    fn default_is_all_types() {
        let all = ns::Type::ALL.iter().fold(0, |set, ty| set | ty.flag());

        // The default of `loader_ns`, which is a literal for the sake of `module!`.
        assert_eq!(all, 0x7e02_0080);
    }

    #[test]
    fn names_of_refused() -> Result {
        let one = TypeSet(ns::Type::Pid.flag());
        let three = TypeSet(one.0 | ns::Type::Uts.flag() | ns::Type::Cgroup.flag());

        let text = CString::try_from_fmt(fmt!("{one}"))?;
        assert!(text.to_bytes() == b"pid namespace");
        let text = CString::try_from_fmt(fmt!("{three}"))?;
        assert!(text.to_bytes() == b"cgroup, pid, uts namespaces");
        Ok(())
    }

    // KUnit runs in a kernel thread: initial in all but perhaps the mount namespace.
    #[test]
    fn kthread_is_not_foreign() {
        let current = current!();
        let foreign = foreign_namespaces(current);

        assert_eq!(foreign.0 & !ns::Type::Mnt.flag(), 0);
    }

    #[test]
    fn kthread_may_not_load() {
        assert!(matches!(refusal(current!()), Some(Refusal::Kthread)));
    }
}
