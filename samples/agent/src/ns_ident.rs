// SPDX-License-Identifier: GPL-2.0
//! Namespaces by their identity: the part of tools/bpf/ns_ident/ns_ident.h that the agent uses, in
//! Rust.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io, mem,
    os::{
        fd::{AsRawFd, FromRawFd, RawFd},
        unix::fs::MetadataExt,
    },
    path::Path,
    str::FromStr,
};

use nix::{
    errno::Errno,
    libc::{self, c_int, c_long},
};
use serde::Serialize;

/// The types, by their names in `/proc/PID/ns`, and their `CLONE_NEW*` flags.
pub const TYPES: [(&str, c_int); 8] = [
    ("cgroup", libc::CLONE_NEWCGROUP),
    ("ipc", libc::CLONE_NEWIPC),
    ("mnt", libc::CLONE_NEWNS),
    ("net", libc::CLONE_NEWNET),
    ("pid", libc::CLONE_NEWPID),
    ("time", 0x80),
    ("user", libc::CLONE_NEWUSER),
    ("uts", libc::CLONE_NEWUTS),
];

/// The root of nsfs for open_by_handle_at(2), and the type of its handles, since Linux 6.18.
const FD_NSFS_ROOT: c_int = -10003;
const FILEID_NSFS: c_int = 0xf1;

/// listns(2), since Linux 6.19.
const SYS_LISTNS: c_long = 470;

nix::ioctl_none!(ns_get_userns, 0xb7, 1);
nix::ioctl_none!(ns_get_parent, 0xb7, 2);
nix::ioctl_none!(ns_get_nstype, 0xb7, 3);
nix::ioctl_read!(ns_get_id, 0xb7, 13, u64);

/// The identity of a namespace: `st_dev` and `st_ino` of its file, and the result of `NS_GET_ID`, or
/// 0 before Linux 6.18.
#[repr(C)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
pub struct Ident {
    pub dev: u64,
    pub ino: u64,
    pub id: u64,
}

/// `struct file_handle` with a `struct nsfs_file_handle`.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: c_int,
    id: u64,
    ns_type: u32,
    ino: u32,
}

/// `struct ns_id_req`.
#[repr(C)]
struct Request {
    size: u32,
    spare: u32,
    id: u64,
    ns_type: u32,
    spare2: u32,
    user_ns_id: u64,
}

impl Ident {
    /// The identity of the namespace that an open file refers to.
    pub fn of(file: &File) -> io::Result<Ident> {
        let metadata = file.metadata()?;
        let mut id = 0;
        // SAFETY: The ioctl writes a u64 to `id`, or nothing.
        match unsafe { ns_get_id(file.as_raw_fd(), &mut id) } {
            Err(Errno::ENOTTY | Errno::EINVAL) => id = 0,
            result => drop(result?),
        }
        Ok(Ident {
            dev: metadata.dev(),
            ino: metadata.ino(),
            id,
        })
    }

    /// Whether a program has filled it. No namespace has the number 0.
    pub fn is_known(&self) -> bool {
        self.ino != 0
    }

    /// Whether `other` may be the same namespace. An id of 0 is unknown.
    fn matches(&self, other: &Ident) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino) && (self.id == 0 || self.id == other.id)
    }

    /// The namespace with this identity, if it is of that type. With an id, since Linux 6.18, this
    /// is that very namespace, even without tasks. Otherwise, or in a nested pid namespace, it is
    /// one that a task in `/proc` is in. Without an id, it is the one that has this number now.
    pub fn open(&self, kind: &str, flag: c_int) -> io::Result<Option<File>> {
        if self.id != 0 {
            match open_by_id(self.id, flag as u32, self.ino as u32) {
                // No such file handles. In a nested pid namespace, the kernel reports namespaces of
                // others as gone.
                Err(Errno::EBADF | Errno::ENOSYS | Errno::ESTALE) => {}
                Err(error) => return Err(error.into()),
                Ok(file) => return Ok(Some(file).filter(|file| self.is_of(file))),
            }
        }
        for tid in threads()? {
            // The task may end at any time.
            if let Ok(file) = File::open(format!("/proc/{tid}/ns/{kind}")) {
                if self.is_of(&file) {
                    return Ok(Some(file));
                }
            }
        }
        Ok(None)
    }

    fn is_of(&self, file: &File) -> bool {
        Ident::of(file).is_ok_and(|found| self.matches(&found))
    }

    /// The threads in this namespace, while `_open` keeps its number.
    pub fn tasks(&self, kind: &str, _open: &File) -> io::Result<Vec<i32>> {
        let path = |tid: &i32| format!("/proc/{tid}/ns/{kind}");
        let is_in = |tid: &i32| {
            fs::metadata(path(tid))
                .is_ok_and(|file| (file.dev(), file.ino()) == (self.dev, self.ino))
        };
        Ok(threads()?.into_iter().filter(is_in).collect())
    }
}

impl FromStr for Ident {
    type Err = &'static str;

    /// Parses DEV:INO or DEV:INO:ID.
    fn from_str(text: &str) -> Result<Ident, Self::Err> {
        let numbers: Option<Vec<u64>> = text.split(':').map(|word| word.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[dev, ino]) => Ok(Ident { dev, ino, id: 0 }),
            Some(&[dev, ino, id]) => Ok(Ident { dev, ino, id }),
            _ => Err("it is not DEV:INO or DEV:INO:ID"),
        }
    }
}

/// A file of a file descriptor that a system call has just returned.
fn new_file(fd: RawFd) -> File {
    // SAFETY: Nobody else has this file descriptor yet.
    unsafe { File::from_raw_fd(fd) }
}

/// Opens a namespace by its id. Since Linux 6.19, the type and the number may be 0.
fn open_by_id(id: u64, ns_type: u32, ino: u32) -> nix::Result<File> {
    let mut handle = Handle {
        bytes: 16,
        kind: FILEID_NSFS,
        id,
        ns_type,
        ino,
    };
    // SAFETY: The handle has as many bytes as it says.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            FD_NSFS_ROOT,
            &mut handle,
            libc::O_CLOEXEC,
        )
    };
    Ok(new_file(Errno::result(fd)? as RawFd))
}

/// Calls `each` with all namespaces of all types. Namespaces without a task are only found since
/// Linux 6.19, by listns(2). In a nested pid namespace, listns(2) only has the namespaces of the
/// caller, so `/proc` adds those of its tasks.
pub fn list(mut each: impl FnMut(&'static str, &File) -> io::Result<()>) -> io::Result<()> {
    let mut seen = HashSet::new();
    let mut is_whole = false;
    list_by_ids(|kind, file| {
        let ident = Ident::of(file)?;
        let own = fs::metadata(format!("/proc/self/ns/{kind}"))?;
        is_whole |= (ident.dev, ident.ino) != (own.dev(), own.ino());
        seen.insert(ident);
        each(kind, file)
    })?;
    if is_whole {
        return Ok(());
    }
    each_of_tasks(|_, kind, file| match seen.insert(Ident::of(file)?) {
        true => each(kind, file),
        false => Ok(()),
    })
}

/// Calls `each` with the namespaces of listns(2), or with none on an older kernel.
fn list_by_ids(mut each: impl FnMut(&'static str, &File) -> io::Result<()>) -> io::Result<()> {
    let mut last = 0;
    loop {
        let ids = match list_ids(last) {
            // An older kernel, or a seccomp filter.
            Err(Errno::ENOSYS | Errno::EPERM) => return Ok(()),
            ids => ids?,
        };
        let Some(&newest) = ids.last() else {
            return Ok(());
        };
        last = newest;
        for id in ids {
            let file = match open_by_id(id, 0, 0) {
                // The namespace is gone, or the caller may not open it.
                Err(Errno::ESTALE | Errno::EPERM | Errno::EACCES) => continue,
                file => file?,
            };
            // SAFETY: The ioctl takes no argument.
            let flag = unsafe { ns_get_nstype(file.as_raw_fd()) }?;
            if let Some((kind, _)) = TYPES.into_iter().find(|(_, known)| *known == flag) {
                each(kind, &file)?;
            }
        }
    }
}

/// The ids after `last`, in ascending order. None at the end of the list.
fn list_ids(last: u64) -> nix::Result<Vec<u64>> {
    let mut ids = vec![0; 64];
    let request = Request {
        size: mem::size_of::<Request>() as u32,
        spare: 0,
        id: last,
        ns_type: TYPES
            .iter()
            .fold(0, |types, (_, flag)| types | *flag as u32),
        spare2: 0,
        user_ns_id: 0,
    };
    // SAFETY: The request has as many bytes as it says, and `ids` as many elements.
    let found = unsafe { libc::syscall(SYS_LISTNS, &request, ids.as_mut_ptr(), ids.len(), 0) };
    match Errno::result(found) {
        Err(Errno::ENOENT) => ids.clear(),
        found => ids.truncate(found? as usize),
    }
    Ok(ids)
}

/// The threads in each namespace.
pub fn all_tasks() -> io::Result<HashMap<Ident, Vec<i32>>> {
    let mut tasks: HashMap<_, Vec<i32>> = HashMap::new();
    each_of_tasks(|tid, _, file| {
        tasks.entry(Ident::of(file)?).or_default().push(tid);
        Ok(())
    })?;
    Ok(tasks)
}

/// Calls `each` with all namespaces of all threads in `/proc`.
fn each_of_tasks(
    mut each: impl FnMut(i32, &'static str, &File) -> io::Result<()>,
) -> io::Result<()> {
    for tid in threads()? {
        for (kind, _) in TYPES {
            // The task may end at any time, and a kernel may lack a type.
            if let Ok(file) = File::open(format!("/proc/{tid}/ns/{kind}")) {
                each(tid, kind, &file)?;
            }
        }
    }
    Ok(())
}

/// The identity of the user namespace that owns a namespace. None if there is none, or if it is not
/// in that of the caller.
pub fn owner(file: &File) -> Option<Ident> {
    // SAFETY: The ioctl takes no argument.
    let fd = unsafe { ns_get_userns(file.as_raw_fd()) };
    fd.ok().and_then(|fd| Ident::of(&new_file(fd)).ok())
}

/// The identity of the parent of a pid or user namespace. None as for owner().
pub fn parent(file: &File) -> Option<Ident> {
    // SAFETY: The ioctl takes no argument.
    let fd = unsafe { ns_get_parent(file.as_raw_fd()) };
    fd.ok().and_then(|fd| Ident::of(&new_file(fd)).ok())
}

/// `st_dev` of the files of namespaces.
pub fn device() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/ns/mnt")?.dev())
}

/// The numbers in a directory of procfs.
fn numbers(path: &Path) -> io::Result<Vec<i32>> {
    let names = fs::read_dir(path)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter_map(|name| name.parse().ok()).collect())
}

/// All threads in `/proc`.
fn threads() -> io::Result<Vec<i32>> {
    let mut found = Vec::new();
    for pid in numbers(Path::new("/proc"))? {
        // The process may end at any time.
        found.extend(numbers(&Path::new("/proc").join(format!("{pid}/task"))).unwrap_or_default());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_identities() {
        let parsed = |text: &str| text.parse::<Ident>().ok().map(|i| (i.dev, i.ino, i.id));
        assert_eq!(parsed("7:4026532268"), Some((7, 4026532268, 0)));
        assert_eq!(parsed("7:4026532268:36"), Some((7, 4026532268, 36)));
        for wrong in ["", "7", "7:", ":7", "7:8:9:10", "7:8:x", "-7:8"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn matches_with_and_without_id() {
        let ident = Ident {
            dev: 7,
            ino: 8,
            id: 9,
        };
        assert!(ident.matches(&ident));
        assert!(Ident { id: 0, ..ident }.matches(&ident));
        assert!(!Ident { id: 10, ..ident }.matches(&ident));
        assert!(!Ident { ino: 10, ..ident }.matches(&ident));
    }
}
