// SPDX-License-Identifier: GPL-2.0
//! The name of a container, as its runtime knows it: from what the event has of the moment that it
//! was at, the names of cgroups and the hostname, and from what runtimes keep in files.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::Read,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use nix::libc::{O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use serde_json::{json, Value};

/// How runtimes call the cgroup of a container.
const PREFIXES: [(&str, &str); 8] = [
    ("libpod-", "podman"),
    ("crun-", "crun"),
    ("runc-", "runc"),
    ("docker-", "docker"),
    ("cri-containerd-", "containerd"),
    ("crio-", "cri-o"),
    ("systemd-nspawn@", "systemd-nspawn"),
    ("machine-", "systemd-machined"),
];

/// Those that call it by the name alone have a directory of that name here.
const STATE_DIRS: [(&str, &str); 2] = [("/run/crun", "crun"), ("/run/runc", "runc")];

/// More than what any list of podman has.
const MAX_LEN: u64 = 16 * 1024 * 1024;

/// What an event has of the task.
pub struct Task<'a> {
    /// The innermost one first.
    pub cgroups: &'a [String],
    pub hostname: &'a str,
    /// Whether what made its container also gave it a cgroup namespace.
    pub own_cgroup_ns: bool,
    /// Whether its pid namespace is in one that is not the initial one.
    pub nested: bool,
}

#[derive(Default)]
pub struct Names {
    /// Ids of podman are not used twice.
    podman: HashMap<String, (String, Option<String>)>,
}

impl Names {
    pub fn find(&mut self, task: &Task) -> Option<Value> {
        let known = task
            .cgroups
            .iter()
            .enumerate()
            .find_map(|(n, name)| Some((n, parse(name)?)));
        if let Some((n, (runtime, id))) = known {
            let podman = (runtime == "podman").then(|| self.podman(&id)).flatten();
            let mut found = json!({"runtime": runtime, "id": id, "name": podman.map(|p| p.1)});
            // What is in a container is known by name to that alone.
            if task.nested && n > 0 {
                found["inside"] = task.cgroups[0].clone().into();
            }
            return Some(found);
        }
        // Without a cgroup of its own a container of podman still has the beginning of its id.
        let host = task.hostname;
        let is_id = host.len() == 12 && host.bytes().all(|byte| byte.is_ascii_hexdigit());
        if let Some((id, name)) = is_id.then(|| self.podman(host)).flatten() {
            return Some(json!({"runtime": "podman", "id": id, "name": name}));
        }
        // One that is gone, of a runtime that calls the cgroup by the name alone.
        let name = task
            .cgroups
            .first()
            .filter(|name| task.own_cgroup_ns && !name.is_empty())?;
        Some(json!({"runtime": null, "id": name, "name": null}))
    }

    /// The id and the name of the container with an id that begins so.
    fn podman(&mut self, id: &str) -> Option<(String, Option<String>)> {
        if let Some(known) = self.podman.get(id) {
            return Some(known.clone());
        }
        let found = podman_lists().find_map(|list| {
            let list: Value = serde_json::from_slice(&list).ok()?;
            list.as_array()?.iter().find_map(|entry| {
                let whole = entry["id"].as_str().filter(|whole| whole.starts_with(id))?;
                Some((
                    whole.to_string(),
                    entry["names"][0].as_str().map(String::from),
                ))
            })
        })?;
        // Nobody says when they are gone.
        if self.podman.len() >= 16 * 1024 {
            self.podman.clear();
        }
        self.podman.insert(id.to_string(), found.clone());
        Some(found)
    }
}

/// The runtime and the id that are in the name of a cgroup.
fn parse(cgroup: &str) -> Option<(&'static str, String)> {
    let name = cgroup.replace("\\x2d", "-");
    let bare = name
        .strip_suffix(".scope")
        .or(name.strip_suffix(".service"))
        .unwrap_or(&name);
    if bare.is_empty() || bare.starts_with("libpod-conmon-") {
        return None;
    }
    for (prefix, runtime) in PREFIXES {
        if let Some(id) = bare.strip_prefix(prefix) {
            return Some((runtime, id.to_string()));
        }
    }
    let of = STATE_DIRS
        .iter()
        .find(|(dir, _)| Path::new(dir).join(bare).is_dir())?;
    Some((of.1, bare.to_string()))
}

/// Podman's lists of containers, of root and of others: of those that stay, and of those that go
/// when they end (`--rm`).
fn podman_lists() -> impl Iterator<Item = Vec<u8>> {
    let homes = fs::read_dir("/home").into_iter().flatten().flatten();
    let stores = homes.map(|home| home.path().join(".local/share/containers/storage"));
    // There, if all of them go when they end.
    let runs = fs::read_dir("/run/user").into_iter().flatten().flatten();
    let transient = runs.map(|user| user.path().join("containers"));
    ["/var/lib/containers/storage", "/run/containers/storage"]
        .map(Into::into)
        .into_iter()
        .chain(stores)
        .chain(transient)
        .flat_map(|store| {
            ["overlay", "vfs"].map(|driver| store.join(format!("{driver}-containers")))
        })
        .flat_map(|dir: PathBuf| {
            ["containers.json", "volatile-containers.json"].map(|list| dir.join(list))
        })
        .filter_map(|list| read_list(&list))
}

/// Users put there what they like: a FIFO or a file with a lease would block, a link may lead to
/// what must not be opened, and a file may never end.
fn read_list(path: &Path) -> Option<Vec<u8>> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)
        .open(path)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut list = Vec::new();
    file.take(MAX_LEN).read_to_end(&mut list).ok()?;
    Some(list)
}
