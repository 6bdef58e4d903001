// SPDX-License-Identifier: GPL-2.0
//! Finds the name of a container by its id, in files of runtimes and of the kubelet.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::Read,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use nix::libc::{O_NOCTTY, O_NOFOLLOW, O_NONBLOCK};
use serde::Deserialize;

use super::{rules, Container};

/// The most bytes that are read of a file of root, and of another file.
const MAX_LEN: u64 = 16 * 1024 * 1024;
const MAX_USER_LEN: u64 = 1024 * 1024;

/// Reading the lists takes at most one in so many seconds. Users can change theirs all the time.
const SHARE: u32 = 20;

/// Directories with the OCI configurations of containers, by id.
const CONTAINERD: &str = "run/containerd/io.containerd.runtime.v2.task";
const STORAGE: &str = "run/containers/storage/overlay-containers";

/// The annotations with a container's name, its pod and the pod's namespace.
const ANNOTATIONS: [[&str; 3]; 3] = [
    [
        "io.kubernetes.cri.container-name",
        "io.kubernetes.cri.sandbox-name",
        "io.kubernetes.cri.sandbox-namespace",
    ],
    [
        "io.kubernetes.container.name",
        "io.kubernetes.pod.name",
        "io.kubernetes.pod.namespace",
    ],
    ["nerdctl/name", "", ""],
];

#[derive(Deserialize)]
struct Podman {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Docker {
    #[serde(rename = "Name")]
    name: String,
}

#[derive(Deserialize)]
struct Oci {
    #[serde(default)]
    annotations: HashMap<String, String>,
}

/// The version of a file: device, inode, length, time of the last change.
#[derive(PartialEq)]
struct Version(u64, u64, u64, Option<SystemTime>);

/// A list of podman. Its ids are sorted, so that the beginning of an id finds it.
struct List {
    version: Version,
    owner: u32,
    names: BTreeMap<String, Option<String>>,
}

/// The links of the kubelet, by id: pod, namespace, name.
#[derive(Default)]
struct Kubelet {
    version: Option<Version>,
    links: HashMap<String, [String; 3]>,
}

pub struct Files {
    root: PathBuf,
    lists: BTreeMap<PathBuf, List>,
    kubelet: Kubelet,
    /// The time of the next look for changes.
    next: Instant,
    /// The number of times that a list was read.
    pub lists_read: u64,
}

impl Files {
    pub fn new(root: PathBuf) -> Files {
        Files {
            root,
            lists: BTreeMap::new(),
            kubelet: Kubelet::default(),
            next: Instant::now(),
            lists_read: 0,
        }
    }

    /// Adds the names to a container. `user` owns the name of its cgroup, or the system does.
    pub fn name(&mut self, container: &mut Container, user: Option<u32>) {
        if !rules::is_id(&container.id) {
            return;
        }
        if container.runtime == Some("podman") {
            let owner = user.unwrap_or(0);
            container.name = self
                .podman(&container.id, Some(owner))
                .and_then(|(_, name)| name);
            return;
        }
        // Users have no kubelet, and no containerd that keeps files there.
        if user.is_some() || self.by_kubelet(container) || self.by_annotations(container) {
            return;
        }
        if matches!(container.runtime, None | Some("docker")) {
            let path = format!("var/lib/docker/containers/{}/config.v2.json", container.id);
            if let Some(docker) = parse::<Docker>(&self.root.join(path)) {
                container.name = name(docker.name.trim_start_matches('/'));
                container.runtime = Some("docker");
            }
        }
    }

    /// The id and the name of a container of podman, by the beginning of its id. With an `owner`,
    /// only the lists of that user count.
    pub fn podman(&mut self, id: &str, owner: Option<u32>) -> Option<(String, Option<String>)> {
        self.refresh();
        self.lists
            .values()
            .filter(|list| owner.is_none_or(|owner| owner == list.owner))
            .find_map(|list| {
                let (whole, name) = list.names.range(id.to_string()..).next()?;
                whole.starts_with(id).then(|| (whole.clone(), name.clone()))
            })
    }

    fn by_kubelet(&mut self, container: &mut Container) -> bool {
        self.refresh();
        let Some([pod, namespace, name]) = self.kubelet.links.get(&container.id).cloned() else {
            return false;
        };
        container.pod = Some(pod);
        container.namespace = Some(namespace);
        container.name = Some(name);
        true
    }

    fn by_annotations(&self, container: &mut Container) -> bool {
        let mut configs: Vec<_> = entries(&self.root.join(CONTAINERD))
            .map(|namespace| namespace.join(&container.id).join("config.json"))
            .collect();
        let storage = self.root.join(STORAGE).join(&container.id);
        configs.push(storage.join("userdata/config.json"));
        configs
            .iter()
            .filter_map(|path| parse::<Oci>(path))
            .any(|oci| name_by_annotations(&oci.annotations, container))
    }

    /// Reads the files that have changed.
    fn refresh(&mut self) {
        let start = Instant::now();
        if start < self.next {
            return;
        }
        self.refresh_lists();
        self.refresh_kubelet();
        self.next = Instant::now() + start.elapsed().max(Duration::from_micros(1)) * SHARE;
    }

    fn refresh_lists(&mut self) {
        let mut old = std::mem::take(&mut self.lists);
        for path in podman_lists(&self.root) {
            let Ok(metadata) = fs::symlink_metadata(&path) else {
                continue;
            };
            let version = Version::of(&metadata);
            if let Some(list) = old.remove(&path).filter(|list| list.version == version) {
                self.lists.insert(path, list);
                continue;
            }
            self.lists_read += 1;
            let list = List {
                version,
                owner: metadata.uid(),
                // A list that cannot be read is not read again, either.
                names: parse::<Vec<Podman>>(&path).map(index).unwrap_or_default(),
            };
            self.lists.insert(path, list);
        }
    }

    fn refresh_kubelet(&mut self) {
        let dir = self.root.join("var/log/containers");
        let version = fs::metadata(&dir)
            .ok()
            .map(|metadata| Version::of(&metadata));
        if version == self.kubelet.version {
            return;
        }
        let links = entries(&dir)
            .filter_map(|path| link(path.file_name()?.to_str()?))
            .collect();
        self.kubelet = Kubelet { version, links };
    }
}

impl Version {
    fn of(metadata: &fs::Metadata) -> Version {
        let modified = metadata.modified().ok();
        Version(metadata.dev(), metadata.ino(), metadata.len(), modified)
    }
}

/// The text, if runtimes accept it as a name.
fn name(text: &str) -> Option<String> {
    rules::is_name(text).then(|| text.to_string())
}

fn index(list: Vec<Podman>) -> BTreeMap<String, Option<String>> {
    list.into_iter()
        .filter(|entry| rules::is_id(&entry.id))
        .map(|entry| {
            let first = entry.names.unwrap_or_default().into_iter().next();
            (entry.id, first.and_then(|first| name(&first)))
        })
        .collect()
}

/// The id, and the pod, the namespace and the name in the file name of a link of the kubelet.
fn link(file: &str) -> Option<(String, [String; 3])> {
    let (words, id) = file.strip_suffix(".log")?.rsplit_once('-')?;
    let mut words = words.splitn(3, '_').map(String::from);
    let words = [words.next()?, words.next()?, words.next()?];
    rules::is_id(id).then(|| (id.to_string(), words))
}

fn name_by_annotations(found: &HashMap<String, String>, container: &mut Container) -> bool {
    let get = |key: &str| found.get(key).and_then(|text| name(text));
    for [of_name, of_pod, of_namespace] in ANNOTATIONS {
        container.name = get(of_name);
        // The sandbox of a pod has no name of its own.
        if let (Some(pod), Some(namespace)) = (get(of_pod), get(of_namespace)) {
            container.pod = Some(pod);
            container.namespace = Some(namespace);
        }
        if container.name.is_some() || container.pod.is_some() {
            return true;
        }
    }
    false
}

fn entries(dir: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

/// The lists of podman, of root and of users: of containers that stay, and of containers that go
/// when they end (`--rm`).
fn podman_lists(root: &Path) -> impl Iterator<Item = PathBuf> {
    let stores =
        entries(&root.join("home")).map(|home| home.join(".local/share/containers/storage"));
    // With transient storage.
    let transient = entries(&root.join("run/user")).map(|user| user.join("containers"));
    ["var/lib/containers/storage", "run/containers/storage"]
        .map(|store| root.join(store))
        .into_iter()
        .chain(stores)
        .chain(transient)
        .flat_map(|store| {
            ["overlay", "vfs"].map(|driver| store.join(format!("{driver}-containers")))
        })
        .flat_map(|dir| ["containers.json", "volatile-containers.json"].map(|list| dir.join(list)))
}

/// Opens a regular file. Users own some of these files: a FIFO or a file with a lease would block,
/// and a link may lead to a device.
fn open(path: &Path) -> Option<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NOCTTY | O_NOFOLLOW | O_NONBLOCK)
        .open(path)
        .ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}

/// Reads a file of JSON, up to a limit, since a file may never end.
fn parse<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    let file = open(path)?;
    let max = if file.metadata().ok()?.uid() == 0 {
        MAX_LEN
    } else {
        MAX_USER_LEN
    };
    let mut text = Vec::new();
    file.take(max).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
