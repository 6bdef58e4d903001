// SPDX-License-Identifier: GPL-2.0
//! Finds the container of a task by the path of its cgroup and by its host name.
//! `tools/bpf/nstop/container_names.tbl` has the rules. Names that are not in the path come from
//! files of container runtimes and of the kubelet.

mod files;
mod rules;

use std::{
    collections::HashMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::Serialize;

use files::Files;
use rules::{Claim, Rules};

/// The number of digits of its id in the host name that podman gives a container.
const HOST_LEN: usize = 12;

/// The maximum number of cached results. A container can make new cgroups all the time.
const MAX_KNOWN: usize = 4096;

/// The lifetime of an incomplete result, at first and at most. A runtime may write its files after
/// the first events of a container.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The lifetime of a complete result. A container can be renamed.
const WHOLE_WAIT: Duration = Duration::from_secs(60);

/// The part of an event that decides on the container.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Task {
    /// The path of the cgroup, from the root of cgroup v2.
    pub cgroup: String,
    /// The host name, if it differs from the name of the machine.
    pub hostname: Option<String>,
    /// The number of components of `cgroup` down to the root of the task's cgroup namespace.
    pub cgroup_ns_level: usize,
    /// Whether the parent of its pid namespace is not the initial one.
    pub nested: bool,
}

#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Container {
    /// None if several runtimes are possible.
    pub runtime: Option<&'static str>,
    /// The id that the runtime uses. For some runtimes, it is a name.
    pub id: String,
    pub name: Option<String>,
    /// The pod of Kubernetes, and the pod's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A container in this one, by its own claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
    /// Whether others can make that name, too.
    pub guess: bool,
}

struct Known {
    found: Option<Container>,
    until: Instant,
    wait: Duration,
}

pub struct Names {
    root: PathBuf,
    rules: Rules,
    files: Files,
    known: HashMap<Task, Known>,
}

impl Names {
    /// Files are looked up below `root`.
    pub fn new(root: impl Into<PathBuf>) -> Names {
        let root = root.into();
        Names {
            rules: Rules::new(),
            files: Files::new(root.clone()),
            known: HashMap::new(),
            root,
        }
    }

    /// Finds the container of a task. A task has many events, so the result is cached for a while,
    /// even if there is no container.
    pub fn find(&mut self, task: &Task) -> Option<Container> {
        let now = Instant::now();
        let mut wait = FIRST_WAIT;
        if let Some(known) = self.known.get(task) {
            if now < known.until {
                return known.found.clone();
            }
            wait = (known.wait * 2).min(LAST_WAIT);
        }
        let found = self.look_up(task);
        if found.as_ref().is_some_and(Container::is_whole) {
            wait = WHOLE_WAIT;
        }
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        let known = Known {
            found: found.clone(),
            until: now + wait,
            wait: wait.min(LAST_WAIT),
        };
        self.known.insert(task.clone(), known);
        found
    }

    fn look_up(&mut self, task: &Task) -> Option<Container> {
        let path = rules::unescape(task.cgroup.trim_start_matches('/'));
        match self.rules.claim(&path, Some(&self.root)) {
            Claim::Container(found) => {
                let mut container = Container {
                    runtime: found.runtime,
                    id: found.id.to_string(),
                    guess: found.guess,
                    ..Default::default()
                };
                self.files.name(&mut container, found.user);
                container.inside = self.inside(found.rest, task.nested);
                Some(container)
            }
            Claim::Other => None,
            Claim::Nothing => self.by_hostname(task).or_else(|| by_namespace(&path, task)),
        }
    }

    /// A container inside of another one, for which files of this machine prove nothing.
    fn inside(&self, rest: &str, nested: bool) -> Option<String> {
        if let Claim::Container(found) = self.rules.claim(rest, None) {
            return Some(format!("{}:{}", found.runtime.unwrap_or("?"), found.id));
        }
        let last = rest.rsplit('/').next().filter(|last| !last.is_empty());
        last.filter(|_| nested).map(String::from)
    }

    /// Containers of users may have no cgroup of their own. The host name that podman gives a
    /// container is the beginning of its id.
    fn by_hostname(&mut self, task: &Task) -> Option<Container> {
        let host = task.hostname.as_deref()?;
        if host.len() != HOST_LEN || !host.bytes().all(rules::is_hex) {
            return None;
        }
        let (id, name) = self.files.podman(host, None)?;
        Some(Container {
            runtime: Some("podman"),
            id,
            name,
            guess: true,
            ..Default::default()
        })
    }
}

/// A container that has ended, of a runtime that names the cgroup by the id alone. The runtime made
/// a cgroup namespace, with that cgroup as its root.
fn by_namespace(path: &str, task: &Task) -> Option<Container> {
    let id = path.split('/').nth(task.cgroup_ns_level.checked_sub(1)?)?;
    rules::is_name(id).then(|| Container {
        id: id.to_string(),
        guess: true,
        ..Default::default()
    })
}

impl Container {
    /// Whether files have nothing to add.
    fn is_whole(&self) -> bool {
        self.runtime.is_some() && (self.name.is_some() || !rules::is_id(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const CASES: &str =
        include_str!("../../../tools/testing/selftests/bpf_ns_ident/proof/container_names.cases");

    /// A directory that goes with the test.
    struct Root(PathBuf);

    impl Root {
        fn new(name: &str) -> Root {
            let path = std::env::temp_dir().join(format!("agent-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Root(path)
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path.trim_start_matches('/'));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// Puts 64 times the letter in place of each `{letter}`.
    fn expand(line: &str) -> String {
        let mut line = line.to_string();
        for letter in "abcdef123456".chars() {
            line = line.replace(&format!("{{{letter}}}"), &letter.to_string().repeat(64));
        }
        line
    }

    /// The text that nstop prints.
    fn text(found: Option<&Container>) -> String {
        let Some(found) = found else {
            return "-".into();
        };
        let name = found.name.as_deref();
        let words = match (&found.pod, &found.namespace) {
            (Some(pod), Some(namespace)) => [pod, namespace]
                .into_iter()
                .map(String::as_str)
                .chain(name)
                .collect::<Vec<_>>()
                .join("_"),
            _ => name.unwrap_or(&found.id).to_string(),
        };
        let inside = found.inside.as_ref().map(|inside| format!("/{inside}"));
        format!(
            "{}:{words}{}{}",
            found.runtime.unwrap_or("?"),
            if found.guess { "?" } else { "" },
            inside.unwrap_or_default()
        )
    }

    #[test]
    fn cases_that_nstop_has_too() {
        let root = Root::new("cases");
        let lines: Vec<_> = CASES.lines().map(expand).collect();
        for words in lines.iter().filter_map(|line| line.strip_prefix("file ")) {
            let (path, text) = words.split_once(' ').unwrap_or((words, ""));
            root.write(path, &format!("{text}\n"));
        }
        let mut names = Names::new(&root.0);
        let mut tried = 0;
        for line in lines.iter().filter(|line| !line.starts_with('#')) {
            let Some((path, wanted)) = line.split_once(" -> ") else {
                continue;
            };
            let task = Task {
                cgroup: format!("/{path}"),
                ..Default::default()
            };
            assert_eq!(text(names.find(&task).as_ref()), wanted, "{path}");
            tried += 1;
        }
        assert!(tried > 50);
    }

    #[test]
    fn hostname_is_a_guess() {
        let root = Root::new("hostname");
        let id = expand("{a}");
        root.write(
            "var/lib/containers/storage/overlay-containers/containers.json",
            &format!(r#"[{{"id":"{id}","names":["web"]}}]"#),
        );
        let mut names = Names::new(&root.0);
        let mut ask = |hostname: Option<&str>| {
            names.find(&Task {
                hostname: hostname.map(String::from),
                ..Default::default()
            })
        };
        let found = ask(Some("aaaaaaaaaaaa")).unwrap();
        assert_eq!(
            (found.id, found.name.as_deref(), found.guess),
            (id, Some("web"), true)
        );
        // In no list, of another length, and equal to the name of the machine.
        assert_eq!(ask(Some("000000000000")), None);
        assert_eq!(ask(Some("aaaaaaaaaaa")), None);
        assert_eq!(ask(Some("aaaaaaaaaaaaa")), None);
        assert_eq!(ask(None), None);
    }

    #[test]
    fn cgroup_namespace_is_a_guess() {
        let root = Root::new("namespace");
        let mut names = Names::new(&root.0);
        let mut ask = |cgroup_ns_level, nested| {
            let cgroup = "/web/system.slice/a.service".to_string();
            names.find(&Task {
                cgroup,
                cgroup_ns_level,
                nested,
                ..Default::default()
            })
        };
        let found = ask(1, false).unwrap();
        assert_eq!(
            (found.runtime, found.id.as_str(), found.guess),
            (None, "web", true)
        );
        assert_eq!(ask(0, false), None);
        // Services are no containers.
        assert_eq!(ask(3, false), None);
    }

    #[test]
    fn nested_container_has_a_name_inside() {
        let mut names = Names::new("/nowhere");
        let mut ask = |nested| {
            let cgroup = expand("/docker-{a}.scope/web");
            names
                .find(&Task {
                    cgroup,
                    nested,
                    ..Default::default()
                })
                .unwrap()
                .inside
        };
        assert_eq!(ask(true).as_deref(), Some("web"));
        assert_eq!(ask(false), None);
    }

    /// A file that is written after the first event counts for later ones.
    #[test]
    fn late_file() {
        let root = Root::new("late");
        let mut names = Names::new(&root.0);
        let task = Task {
            cgroup: "/web".into(),
            cgroup_ns_level: 1,
            ..Default::default()
        };
        assert!(names.find(&task).unwrap().guess);
        root.write("run/crun/web/status", "");
        std::thread::sleep(2 * FIRST_WAIT);
        let found = names.find(&task).unwrap();
        assert_eq!((found.runtime, found.guess), (Some("crun"), false));
    }

    /// Ten thousand host names that are in no list cause no second read of a list.
    #[test]
    fn lists_are_read_once() {
        let root = Root::new("once");
        let list = "var/lib/containers/storage/overlay-containers/containers.json";
        root.write(list, "[]");
        let mut names = Names::new(&root.0);
        for n in 0..10_000 {
            let hostname = Some(format!("{n:012x}"));
            assert_eq!(
                names.find(&Task {
                    hostname,
                    ..Default::default()
                }),
                None
            );
        }
        assert_eq!(names.files.lists_read, 1);
        assert!(names.known.len() <= MAX_KNOWN);
        // A list that has changed is read.
        root.write(
            list,
            &format!(r#"[{{"id":"{}","names":[]}}]"#, expand("{f}")),
        );
        let end = Instant::now() + Duration::from_secs(60);
        let task = Task {
            hostname: Some("ffffffffffff".into()),
            ..Default::default()
        };
        while names.find(&task).is_none() {
            assert!(Instant::now() < end);
        }
        assert_eq!(names.files.lists_read, 2);
    }

    /// A user can put any id and any name into a list, which counts for cgroups of that user.
    #[test]
    fn list_of_a_user() {
        let root = Root::new("user");
        let (theirs, roots) = (expand("{a}"), expand("{b}"));
        root.write(
            "home/user/.local/share/containers/storage/overlay-containers/containers.json",
            &format!(
                r#"[{{"id":"{theirs}","names":["mine"]}},{{"id":"{roots}","names":["fake"]}}]"#
            ),
        );
        let list = root
            .0
            .join("home/user/.local/share/containers/storage/overlay-containers");
        if std::os::unix::fs::chown(list.join("containers.json"), Some(1000), None).is_err() {
            return eprintln!("this takes root");
        }
        let mut names = Names::new(&root.0);
        let mut name = |cgroup: &str| {
            let cgroup = expand(cgroup);
            names
                .find(&Task {
                    cgroup,
                    ..Default::default()
                })
                .unwrap()
                .name
        };
        let user = "/user.slice/user-1000.slice/user@1000.service/libpod-{a}.scope";
        assert_eq!(name(user).as_deref(), Some("mine"));
        assert_eq!(name(&user.replace("1000", "1001")), None);
        assert_eq!(name("/machine.slice/libpod-{b}.scope"), None);
    }
}
