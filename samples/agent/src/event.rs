// SPDX-License-Identifier: GPL-2.0
//! Parses an event of the BPF programs, and makes a line of JSON of it.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    mem::{offset_of, size_of},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, SystemTime},
};

use serde::Serialize;

use crate::{
    container::{Container, Names, Task},
    ns_ident::Ident,
};

/// The types of namespaces, in the order of agent.bpf.c.
pub const TYPES: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
const PID: usize = 4;

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// The strings of an event, in the order of its data.
const PARTS: [&str; 3] = ["cgroup", "path", "argv"];
const CGROUP: usize = 0;
const PATH: usize = 1;
const ARGV: usize = 2;
const PART_LEN: usize = 4096;

/// `struct event` of agent.h, up to the strings.
#[repr(C)]
struct Head {
    what: u32,
    status: u32,
    pid_tgid: i64,
    pid_tgid_inside: i64,
    ns: [Ident; TYPES.len()],
    sock_net: Ident,
    child_pidns: Ident,
    child_pid_tgid: i64,
    child_pid_tgid_inside: i64,
    child_pid_tgid_for_parent: i64,
    boot_ns: u64,
    ppid: u32,
    uid: u32,
    level: u32,
    cgroup_ns_level: u32,
    cut: u32,
    family: u16,
    port: u16,
    addr: [u8; 16],
    comm: [u8; 16],
    hostname: [u8; 68],
    len: [u32; PARTS.len()],
}

/// Without padding, the strings follow at once.
const _: () = assert!(size_of::<Head>() == offset_of!(Head, len) + 4 * PARTS.len());

pub struct Event {
    head: Head,
    parts: [Vec<u8>; PARTS.len()],
}

/// Properties of the machine, which all events share.
pub struct Machine {
    pub boot_id: String,
    pub hostname: String,
    /// CLOCK_REALTIME when CLOCK_BOOTTIME was zero.
    pub booted: SystemTime,
}

#[derive(Serialize)]
struct Line<'a> {
    event: &'static str,
    time: String,
    boot_ns: u64,
    boot_id: &'a str,
    pid: i64,
    tid: i64,
    ppid: u32,
    uid: u32,
    pid_inside: Option<i64>,
    comm: String,
    argv: Option<Vec<String>>,
    ns: BTreeMap<&'static str, Ident>,
    cgroup: String,
    hostname: String,
    container: Option<Container>,
    #[serde(flatten)]
    detail: Detail,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut: Vec<&'static str>,
}

/// Fields of one kind of events.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail {
    Path {
        path: String,
    },
    Exit {
        status: u32,
        signal: u32,
    },
    Fork {
        child: Child,
    },
    Connect {
        socket_ns: Option<Ident>,
        family: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        address: Option<IpAddr>,
        #[serde(skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
    Task {},
}

#[derive(Serialize)]
struct Child {
    pid: i64,
    tid: i64,
    /// The pid in its own pid namespace, and in that of its parent, as fork(2) returns it.
    pid_inside: Option<i64>,
    pid_for_parent: Option<i64>,
    ns: BTreeMap<&'static str, Ident>,
}

impl Head {
    fn parse(data: &[u8]) -> Option<Head> {
        if data.len() < size_of::<Head>() {
            return None;
        }
        // SAFETY: The slice has as many bytes, and every bit pattern is valid for each field.
        Some(unsafe { data.as_ptr().cast::<Head>().read_unaligned() })
    }

    fn part_len(&self, part: usize) -> usize {
        (self.len[part] as usize).min(PART_LEN)
    }
}

impl Event {
    pub fn parse(mut data: &[u8]) -> Option<Event> {
        Event::read(&mut data).ok().flatten()
    }

    /// Reads the next one, or None at the end.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Event>> {
        let mut head = [0; size_of::<Head>()];
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        let Some(head) = Head::parse(&head) else {
            return Ok(None);
        };
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (n, part) in parts.iter_mut().enumerate() {
            part.resize(head.part_len(n), 0);
            from.read_exact(part)?;
        }
        Ok(Some(Event { head, parts }))
    }

    pub fn to_json(&self, names: &mut Names, machine: &Machine) -> serde_json::Result<String> {
        let head = &self.head;
        let hostname = text(&head.hostname);
        let task = Task {
            cgroup: text(&self.parts[CGROUP]),
            hostname: Some(hostname.clone()).filter(|name| *name != machine.hostname),
            cgroup_ns_level: head.cgroup_ns_level as usize,
            nested: head.level > 1,
        };
        let (kind, detail) = self.detail();
        let cut = PARTS
            .iter()
            .enumerate()
            .filter(|(n, _)| head.cut & (1 << n) != 0);
        let time = machine.booted + Duration::from_nanos(head.boot_ns);
        serde_json::to_string(&Line {
            event: kind,
            time: humantime::format_rfc3339_nanos(time).to_string(),
            boot_ns: head.boot_ns,
            boot_id: &machine.boot_id,
            pid: head.pid_tgid >> 32,
            tid: head.pid_tgid & 0xFFFF_FFFF,
            ppid: head.ppid,
            uid: head.uid,
            pid_inside: tgid(head.pid_tgid_inside),
            comm: text(&head.comm),
            argv: argv(&self.parts[ARGV]),
            ns: idents(TYPES.into_iter().zip(head.ns)),
            container: names.find(&task),
            cgroup: task.cgroup,
            hostname,
            detail,
            cut: cut.map(|(_, name)| *name).collect(),
        })
    }

    fn detail(&self) -> (&'static str, Detail) {
        let head = &self.head;
        let path = || Detail::Path {
            path: text(&self.parts[PATH]),
        };
        match head.what {
            0 => ("exec", path()),
            1 => {
                let (status, signal) = ((head.status >> 8) & 0xFF, head.status & 0x7F);
                ("exit", Detail::Exit { status, signal })
            }
            2 => {
                let child = Child {
                    pid: head.child_pid_tgid >> 32,
                    tid: head.child_pid_tgid & 0xFFFF_FFFF,
                    pid_inside: tgid(head.child_pid_tgid_inside),
                    pid_for_parent: tgid(head.child_pid_tgid_for_parent),
                    ns: idents([(TYPES[PID], head.child_pidns)].into_iter()),
                };
                ("fork", Detail::Fork { child })
            }
            3 => {
                let address = self.address();
                let detail = Detail::Connect {
                    socket_ns: Some(head.sock_net).filter(Ident::is_known),
                    family: head.family,
                    port: address.map(|_| head.port),
                    address,
                };
                ("connect", detail)
            }
            4 => ("open", path()),
            _ => ("task", Detail::Task {}),
        }
    }

    fn address(&self) -> Option<IpAddr> {
        let [a, b, c, d, ..] = self.head.addr;
        match self.head.family {
            AF_INET => Some(Ipv4Addr::new(a, b, c, d).into()),
            AF_INET6 => Some(Ipv6Addr::from(self.head.addr).into()),
            _ => None,
        }
    }
}

/// The process of a pair of pids.
fn tgid(pid_tgid: i64) -> Option<i64> {
    (pid_tgid > 0).then_some(pid_tgid >> 32)
}

/// The namespaces that the task has, by type.
fn idents(pairs: impl Iterator<Item = (&'static str, Ident)>) -> BTreeMap<&'static str, Ident> {
    pairs.filter(|(_, ident)| ident.is_known()).collect()
}

/// A string of C, up to its zero.
fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..len.unwrap_or(bytes.len())]).into_owned()
}

/// The arguments, each of which ends with a zero.
fn argv(bytes: &[u8]) -> Option<Vec<String>> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let words = bytes.split(|byte| *byte == 0);
    (!bytes.is_empty()).then(|| {
        words
            .map(|word| String::from_utf8_lossy(word).into())
            .collect()
    })
}
