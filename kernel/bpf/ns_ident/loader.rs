// SPDX-License-Identifier: GPL-2.0

//! The policy: which tasks may load programs that call the kfuncs.

use kernel::{
    bpf::{
        btf::Func,
        origin::Origin,
        Prog,
        ProgType, //
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

kernel::module_param_string! {
    /// The types of namespaces of which a loader must be in the initial one.
    static LOADER_NS: StringParam<64> = "cgroup,ipc,mnt,net,pid,time,user,uts";
    name: "loader_ns",
    description: "Namespaces of a loader that must be initial: names, with commas in between",
}

/// The types of `loader_ns`, as a mask, after the check of the parameter.
static ASKED_FOR: Atomic<u32> = Atomic::new(TypeSet::ALL.0);

/// Checks the parameter `loader_ns`, and reports the reason of a rejection in the kernel log.
pub(crate) fn check_param() -> Result {
    let param = LOADER_NS.value();
    let asked_for = TypeSet::from_names(param).map_err(|name| {
        pr_err!(
            "loader_ns={param}: \"{name}\" is none of {}\n",
            Names(TypeSet::ALL, ",")
        );
        EINVAL
    })?;

    // `bpf(2)` checks for capabilities in a user namespace.
    if !asked_for.contains(ns::Type::User) {
        pr_err!("loader_ns={param}: \"user\" is missing, and cannot be left out\n");
        return Err(EINVAL);
    }
    ASKED_FOR.store(asked_for.0, Relaxed);
    Ok(())
}

/// The filter of kfuncs.
pub(crate) fn may_call(prog: &Prog, kfunc: &'static Func, is_for_type: bool) -> bool {
    decide(prog, kfunc, is_for_type, Scope::Global)
}

/// The filter of kfuncs with a result relative to a pid namespace that the program names.
pub(crate) fn may_call_relative(prog: &Prog, kfunc: &'static Func, is_for_type: bool) -> bool {
    decide(prog, kfunc, is_for_type, Scope::Relative)
}

/// The scope in which the result of a kfunc has a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// The whole kernel.
    Global,
    /// A pid namespace that the program names, or from which it was loaded. So the pid namespace
    /// of the loader need not be initial.
    Relative,
}

impl Scope {
    /// Returns the scope on a kernel that records the origin of programs, or on one that does not.
    fn with_origin(self, is_recorded: bool) -> Self {
        match is_recorded {
            // All results depend on the origin.
            true => Self::Relative,
            false => self,
        }
    }
}

/// Decides, while a program is loaded, whether it may call a kfunc.
///
/// Reports a refusal in the kernel log, also for a program of a wrong type.
fn decide(prog: &Prog, kfunc: &'static Func, is_for_type: bool, scope: Scope) -> bool {
    static LAST: Atomic<u64> = Atomic::new(0);

    let current = current!();
    let refusal = match is_for_type {
        true => refusal(current, scope),
        false => Some(Refusal::Type(kfunc.name, prog.prog_type())),
    };
    let Some(refusal) = refusal else {
        return true;
    };

    // The verifier calls this several times in one load.
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

/// The reason of a refusal.
enum Refusal {
    /// The kfunc is not for programs of that type.
    Type(&'static str, ProgType),
    /// The loader is a kernel thread.
    Kthread,
    /// The loader is not in the initial namespaces.
    Foreign {
        /// The required types of which the namespace is not initial.
        types: TypeSet,
        /// The types of `loader_ns` without these.
        rest: TypeSet,
        /// The scope of the kfunc.
        scope: Scope,
    },
}

impl fmt::Display for Refusal {
    /// Formats the reason and the advice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (types, rest, scope) = match *self {
            Self::Type(kfunc, ty) => {
                return f.write_fmt(fmt!("{kfunc}() is not for programs of type {ty}"));
            }
            Self::Kthread => return f.write_str("a kernel thread"),
            Self::Foreign { types, rest, scope } => (types, rest, scope),
        };

        f.write_fmt(fmt!("not in the initial {types}: load it from there"))?;
        if types.contains(ns::Type::User) {
            return Ok(());
        }
        f.write_str(", or")?;
        if types.contains(ns::Type::Pid) && scope == Scope::Global {
            f.write_str(" call only kfuncs that take a pid namespace,")?;
        }
        f.write_fmt(fmt!(" with loader_ns={}", Names(rest, ",")))
    }
}

/// Returns the reason to refuse a load by the current task, if there is one.
///
/// Kernel threads are in the initial namespaces, but work for other tasks: a worker calls the
/// callback of a `struct bpf_wq`, and the callback may load programs.
fn refusal(current: &CurrentTask, scope: Scope) -> Option<Refusal> {
    if current.is_kthread() {
        return Some(Refusal::Kthread);
    }
    refusal_by_namespaces(
        foreign_namespaces(current),
        TypeSet(ASKED_FOR.load(Relaxed)),
        scope.with_origin(Origin::IS_RECORDED),
    )
}

/// Returns the reason to refuse a load by a task with namespaces of the types `foreign`.
fn refusal_by_namespaces(foreign: TypeSet, asked_for: TypeSet, scope: Scope) -> Option<Refusal> {
    let needed = match scope {
        Scope::Global => asked_for.with(ns::Type::Pid),
        Scope::Relative => asked_for,
    };

    match needed.intersection(foreign) {
        types if types.is_empty() => None,
        types => Some(Refusal::Foreign {
            types,
            rest: asked_for.without(foreign),
            scope,
        }),
    }
}

/// Returns the types of those namespaces of the task that are not the initial ones.
fn foreign_namespaces(current: &CurrentTask) -> TypeSet {
    let namespaces = ns::Current::new(current);

    TypeSet::ALL
        .iter()
        .filter(|ty| match namespaces.with(*ty, ns::NsCommon::is_initial) {
            Ok(is_initial) => !is_initial,
            // Without namespaces of this type, each task counts as being in the initial one.
            Err(e) => e != EOPNOTSUPP,
        })
        .fold(TypeSet::NONE, TypeSet::with)
}

/// A set of namespace types, as a mask of `CLONE_NEW*` flags.
#[derive(Clone, Copy, PartialEq, Eq)]
struct TypeSet(u32);

impl TypeSet {
    const NONE: Self = Self(0);
    const ALL: Self = {
        let mut all = Self::NONE;
        let mut i = 0;
        while i < ns::Type::ALL.len() {
            all = all.with(ns::Type::ALL[i]);
            i += 1;
        }
        all
    };

    /// Returns the set of the types in a list of names with commas in between.
    ///
    /// # Errors
    ///
    /// The first that is not the name of a type.
    fn from_names(names: &BStr) -> Result<Self, &BStr> {
        names
            .split(|&c| c == b',')
            .try_fold(Self::NONE, |set, name| {
                Self::ALL
                    .iter()
                    .find(|ty| ty.name().as_bytes() == name)
                    .map(|ty| set.with(ty))
                    .ok_or(BStr::from_bytes(name))
            })
    }

    const fn with(self, ty: ns::Type) -> Self {
        Self(self.0 | ty.flag())
    }

    fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn contains(self, ty: ns::Type) -> bool {
        self.0 & ty.flag() != 0
    }

    fn is_empty(self) -> bool {
        self == Self::NONE
    }

    fn iter(self) -> impl Iterator<Item = ns::Type> {
        ns::Type::ALL
            .into_iter()
            .filter(move |ty| self.contains(*ty))
    }
}

impl fmt::Display for TypeSet {
    /// Formats like "cgroup, pid namespaces".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = match self.0.count_ones() {
            1 => "namespace",
            _ => "namespaces",
        };

        f.write_fmt(fmt!("{} {noun}", Names(*self, ", ")))
    }
}

/// The names of the types in a set, with a separator in between.
struct Names(TypeSet, &'static str);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";

        for ty in self.0.iter() {
            f.write_str(separator)?;
            f.write_str(ty.name())?;
            separator = self.1;
        }
        Ok(())
    }
}

#[cfg(CONFIG_BPF_NS_IDENT_KUNIT_TEST)]
#[kunit_tests(bpf_ns_ident)]
mod tests {
    use super::*;
    use kernel::str::CString;

    const KIND: TypeSet = TypeSet::NONE.with(ns::Type::Time).with(ns::Type::User);
    const CONTAINER: TypeSet = TypeSet::NONE.with(ns::Type::Mnt).with(ns::Type::Pid);

    fn text_of(refusal: Option<Refusal>) -> Result<CString> {
        CString::try_from_fmt(fmt!("{}", refusal.ok_or(EINVAL)?))
    }

    #[test]
    fn default_is_all_types() {
        assert!(TypeSet::from_names(LOADER_NS.value()) == Ok(TypeSet::ALL));
    }

    #[test]
    fn lists_of_names() {
        let parse = |names: &'static str| TypeSet::from_names(BStr::from_bytes(names.as_bytes()));
        let none = |name: &'static str| Err(BStr::from_bytes(name.as_bytes()));

        assert!(parse("user,time") == Ok(KIND));
        assert!(parse("time,user,user") == Ok(KIND));
        assert!(parse("time,pod,user") == none("pod"));
        assert!(parse("time user") == none("time user"));
        assert!(parse("PID") == none("PID"));
        assert!(parse("0x30000080") == none("0x30000080"));
        for empty in ["", ",user", "user,", "time,,user"] {
            assert!(parse(empty) == none(""));
        }
    }

    #[test]
    fn names_of_refused() -> Result {
        let one = TypeSet::NONE.with(ns::Type::Pid);
        let three = one.with(ns::Type::Uts).with(ns::Type::Cgroup);

        let text = CString::try_from_fmt(fmt!("{one}"))?;
        assert!(text.to_bytes() == b"pid namespace");
        let text = CString::try_from_fmt(fmt!("{three}"))?;
        assert!(text.to_bytes() == b"cgroup, pid, uts namespaces");
        Ok(())
    }

    #[test]
    fn initial_pid_namespace_is_for_what_is_not_relative() {
        assert!(refusal_by_namespaces(TypeSet::NONE, TypeSet::ALL, Scope::Global).is_none());
        assert!(refusal_by_namespaces(CONTAINER, KIND, Scope::Relative).is_none());
        assert!(refusal_by_namespaces(CONTAINER, KIND, Scope::Global).is_some());
        assert!(refusal_by_namespaces(CONTAINER, TypeSet::ALL, Scope::Relative).is_some());
    }

    #[test]
    fn results_are_relative_to_the_origin_if_it_is_recorded() {
        for scope in [Scope::Global, Scope::Relative] {
            assert_eq!(scope.with_origin(true), Scope::Relative);
            assert_eq!(scope.with_origin(false), scope);
        }
    }

    #[test]
    fn refusal_names_the_type() -> Result {
        let text = text_of(Some(Refusal::Type("bpf_a", ProgType::XDP_OTHER)))?;

        assert!(text.to_bytes() == b"bpf_a() is not for programs of type XDP, not for a device");
        Ok(())
    }

    #[test]
    fn refusal_says_what_to_do() -> Result {
        let text = text_of(refusal_by_namespaces(
            CONTAINER,
            TypeSet::ALL,
            Scope::Relative,
        ))?;
        assert!(text.to_bytes().ends_with(
            b"mnt, pid namespaces: load it from there, or with \
              loader_ns=cgroup,ipc,net,time,user,uts"
        ));
        let text = text_of(refusal_by_namespaces(CONTAINER, KIND, Scope::Global))?;
        assert!(text.to_bytes().ends_with(
            b"pid namespace: load it from there, or call only kfuncs that take a pid namespace, \
              with loader_ns=time,user"
        ));
        let text = text_of(refusal_by_namespaces(KIND, TypeSet::ALL, Scope::Relative))?;
        assert!(text
            .to_bytes()
            .ends_with(b"time, user namespaces: load it from there"));
        Ok(())
    }

    // KUnit runs in a kernel thread: initial in all but perhaps the mount namespace.
    #[test]
    fn kthread_is_not_foreign() {
        let current = current!();
        let mnt = TypeSet::NONE.with(ns::Type::Mnt);

        assert!(foreign_namespaces(current).without(mnt).is_empty());
    }

    // An exiting task has no `nsproxy` when it runs callbacks of task work.
    #[test]
    #[cfg(all(CONFIG_NET_NS, CONFIG_TIME_NS, CONFIG_UTS_NS))]
    fn task_that_has_given_up_its_namespaces_is_foreign() -> Result {
        let task = ns::made_up::ExitingTask::new()?;
        let text = CString::try_from_fmt(fmt!("{}", foreign_namespaces(task.as_current())))?;

        assert!(text.to_bytes() == b"cgroup, ipc, mnt, net, time, uts namespaces");
        Ok(())
    }

    #[test]
    fn kthread_may_not_load() {
        for scope in [Scope::Global, Scope::Relative] {
            assert!(matches!(refusal(current!(), scope), Some(Refusal::Kthread)));
        }
    }
}
