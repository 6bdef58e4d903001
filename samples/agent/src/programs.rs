// SPDX-License-Identifier: GPL-2.0
//! Loads the BPF programs, or explains why the kernel does not load them.

use std::{
    fs,
    io::BufReader,
    os::{fd::AsFd, unix::fs::MetadataExt},
    sync::{Mutex, PoisonError},
};

use libbpf_rs::{
    libbpf_sys::bpf_map_create_opts, query::ProgInfoIter, set_print, Iter, Link, MapCore, MapFlags,
    MapHandle, MapType, Object, ObjectBuilder, PrintLevel, Program, ProgramInput,
};

use crate::{
    event::TYPES,
    variables::{Variables, View},
    Result,
};

const LOADER_NS: &str = "/sys/module/bpf_ns_ident/parameters/loader_ns";
const NOT_ALLOWED: &str = "calling kernel function bpf_";
const OSRELEASE: &str = "/proc/sys/kernel/osrelease";
/// The first version with bpf_loop(), sleepable iterators, and `ancestors` of a cgroup.
const OLDEST: (u32, u32) = (6, 1);

/// The numbers of the initial namespaces in nsfs, by type: enum init_ns_ino of the UAPI.
const INITIAL: [u64; TYPES.len()] = [
    0xEFFF_FFFB,
    0xEFFF_FFFF,
    0xEFFF_FFF8,
    0xEFFF_FFF9,
    0xEFFF_FFFC,
    0xEFFF_FFFA,
    0xEFFF_FFFD,
    0xEFFF_FFFE,
];

/// The capabilities that loading the programs takes, by their bits.
const CAPS: [(u32, &str); 3] = [(21, "CAP_SYS_ADMIN"), (38, "CAP_PERFMON"), (39, "CAP_BPF")];

/// The messages of libbpf. They are printed only if no other explanation fits.
static LOG: Mutex<String> = Mutex::new(String::new());

/// Programs that run. The kernel does not unload the module while they are loaded.
pub struct Programs {
    pub object: Object,
    pub variables: Variables,
    _links: Vec<Link>,
    ids: Vec<u32>,
}

impl Programs {
    /// Runs the programs for these events, with a ring buffer of `buffer` KiB.
    pub fn load(events: &[String], buffer: u32) -> Result<Programs> {
        let image = include_bytes!(concat!(env!("OUT_DIR"), "/agent.bpf.o"));
        keep_log();
        let ring = create_ring(buffer)?;
        let variables = Variables::new(view()?)?;
        let mut open = ObjectBuilder::default().name("agent")?.open_memory(image)?;
        variables.set(&mut open, image)?;
        for mut prog in open.progs_mut() {
            let name = prog.name().to_string_lossy().into_owned();
            prog.set_autoload(events.iter().any(|event| name == format!("on_{event}")));
        }
        for mut map in open.maps_mut() {
            if map.name() == "events" {
                map.reuse_fd(ring.as_fd())?;
            }
        }
        let object = open.load().map_err(explain)?;
        let (mut links, mut ids) = (Vec::new(), Vec::new());
        for prog in object.progs_mut().filter(|prog| prog.autoload()) {
            links.push(prog.attach().map_err(explain)?);
            ids.push(Program::id_from_fd(prog.as_fd())?);
        }
        Ok(Programs {
            object,
            variables,
            _links: links,
            ids,
        })
    }

    /// The number of lost events: no room in the buffer, or the kernel skipped a program.
    pub fn lost(&self) -> Result<u64> {
        let mut lost = 0;
        let bss = self
            .object
            .maps()
            .find(|map| map.name().to_string_lossy().ends_with(".bss"));
        if let Some(value) = bss
            .ok_or("no .bss")?
            .lookup(&0u32.to_ne_bytes(), MapFlags::ANY)?
        {
            lost += u64::from_ne_bytes(value[..8].try_into()?);
        }
        let infos = ProgInfoIter::default().filter(|info| self.ids.contains(&info.id));
        Ok(lost + infos.map(|info| info.recursion_misses).sum::<u64>())
    }
}

/// The events of all existing tasks, to be read one after the other.
pub fn snapshot(variables: &Variables) -> Result<BufReader<Iter>> {
    let image = include_bytes!(concat!(env!("OUT_DIR"), "/snapshot.bpf.o"));
    let mut open = ObjectBuilder::default()
        .name("snapshot")?
        .open_memory(image)?;
    variables.set(&mut open, image)?;
    let object = open.load().map_err(explain)?;
    let mut progs = object.progs_mut();
    let link = progs
        .next()
        .ok_or("no program")?
        .attach()
        .map_err(explain)?;
    Ok(BufReader::new(Iter::new(&link)?))
}

/// Reads the terms of the agent's own namespaces.
fn view() -> Result<View> {
    let image = include_bytes!(concat!(env!("OUT_DIR"), "/view.bpf.o"));
    let open = ObjectBuilder::default().name("view")?.open_memory(image)?;
    let object = open.load().map_err(explain)?;
    let prog = object.progs_mut().next().ok_or("no program")?;
    let mut view = View::default();
    prog.test_run(ProgramInput {
        context_in: Some(&mut view),
        ..Default::default()
    })
    .map_err(explain)?;
    Ok(view)
}

/// Redirects the messages of libbpf to the log.
fn keep_log() {
    lock_log().clear();
    set_print(Some((PrintLevel::Warn, |_, text| {
        lock_log().push_str(&text)
    })));
}

fn lock_log() -> std::sync::MutexGuard<'static, String> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates the ring buffer apart from the other maps, so that an error is about its size.
fn create_ring(kib: u32) -> Result<MapHandle> {
    let options = bpf_map_create_opts {
        sz: size_of::<bpf_map_create_opts>() as _,
        ..Default::default()
    };
    MapHandle::create(MapType::RingBuf, Some("events"), 0, 0, kib * 1024, &options).map_err(
        |error| match error.kind() {
            libbpf_rs::ErrorKind::PermissionDenied => no_rights().into(),
            _ => format!(
                "the kernel cannot create a buffer of {kib} KiB, try a smaller --buffer: {error}"
            )
            .into(),
        },
    )
}

/// Explains why the kernel did not load the programs.
fn explain(error: libbpf_rs::Error) -> String {
    let log = lock_log();
    if log.contains(NOT_ALLOWED) {
        return refused();
    }
    if error.kind() == libbpf_rs::ErrorKind::PermissionDenied || !missing_caps().is_empty() {
        return no_rights();
    }
    let release = fs::read_to_string(OSRELEASE).unwrap_or_default();
    if is_too_old(&release) {
        let (major, minor) = OLDEST;
        return format!(
            "this kernel is too old: the agent needs Linux {major}.{minor} or newer, not {}",
            release.trim_end()
        );
    }
    format!("the programs cannot be loaded: {error}\n{}", log.trim_end())
}

fn is_too_old(release: &str) -> bool {
    let mut numbers = release.split('.').map_while(|word| word.parse().ok());
    let version = numbers.next().zip(numbers.next());
    version.is_some_and(|version| version < OLDEST)
}

fn refused() -> String {
    // A module may not show its parameter.
    let loader_ns = fs::read_to_string(LOADER_NS).unwrap_or_default();
    let loader_ns = loader_ns.trim();
    let others: Vec<_> = TYPES
        .into_iter()
        .zip(INITIAL)
        .filter(|(name, initial)| {
            // Without support for a type, there is only the initial namespace.
            fs::metadata(format!("/proc/self/ns/{name}")).is_ok_and(|file| file.ino() != *initial)
        })
        .map(|(name, _)| name)
        .collect();
    if others.is_empty() {
        return "the module refused the programs, see the kernel log".into();
    }
    let is_listed = |name: &&str| loader_ns.split(',').any(|listed| listed == *name);
    if !loader_ns.is_empty() && !others.iter().any(is_listed) {
        return format!(
            "loader_ns={loader_ns} accepts the namespaces of the agent, but not its programs: \
             without CONFIG_BPF_PROG_ORIGIN in the kernel, a nested pid namespace may only load \
             programs that call bpf_get_current_pid_tgid_in() or bpf_task_pid_tgid_in(). Run the \
             agent outside of containers"
        );
    }
    let now = match loader_ns {
        "" => String::new(),
        names => format!(" (it is {names} now)"),
    };
    format!(
        "the module refused programs that are loaded from here: not initial is the namespace of \
         type {}. Run the agent outside of containers, or load the module with a loader_ns \
         without that{now}. The kernel log has the reason, too",
        others.join(", ")
    )
}

fn no_rights() -> String {
    let missing = missing_caps();
    let missing = if missing.is_empty() {
        "those of this process are not of the initial user namespace".into()
    } else {
        format!("this process lacks {}", missing.join(", "))
    };
    let all = CAPS.map(|(_, name)| name).join(", ");
    format!("this process has no right to load BPF programs: it takes {all}, and {missing}")
}

fn missing_caps() -> Vec<&'static str> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(caps) = line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()) else {
        return Vec::new();
    };
    let missing = CAPS.iter().filter(|(bit, _)| (caps >> bit) & 1 == 0);
    missing.map(|(_, name)| *name).collect()
}
