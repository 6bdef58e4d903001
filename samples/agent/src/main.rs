// SPDX-License-Identifier: GPL-2.0
//! Streams events of tasks as JSON, one line per event, with the identities of their namespaces,
//! their pids, and the name of their container. A template for other agents.

mod container;
mod event;
mod ns_ident;
mod programs;
mod signals;
mod variables;

use std::{
    cell::RefCell,
    error::Error,
    fmt,
    fs::{self, File},
    io::{self, Write},
    mem,
    os::fd::AsFd,
    os::unix::fs::MetadataExt,
    path::Path,
    process,
    sync::mpsc::Receiver,
    time::{Duration, SystemTime},
};

use clap::{Parser, ValueEnum};
use libbpf_rs::{MapCore, RingBufferBuilder};
use nix::{
    sys::signal::Signal,
    time::{clock_gettime, ClockId},
};
use serde::Serialize;

use event::{Event, Machine};
use ns_ident::Ident;
use programs::Programs;
use variables::{MODULE, MODULE_BTF};

const LSMS: &str = "/sys/kernel/security/lsm";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const HOSTNAME: &str = "/proc/sys/kernel/hostname";
const TICK: Duration = Duration::from_millis(100);
/// The number of events between two checks for signals and lost events.
const ROUND: u64 = 1024;
const ECANCELED: i32 = 125;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Prints one line of JSON for each event of a task, with the identities of its namespaces as
/// stat(2) has them, until Ctrl-C.
#[derive(Parser)]
#[command(
    version,
    after_help = "The agent needs root. Without the module bpf_ns_ident, it walks the kernel's \
                  structures. As long as the agent runs with the module, the module cannot be \
                  unloaded. On SIGHUP the agent pauses. It continues when the module has been \
                  loaded anew, or on the next SIGHUP if the module is still there."
)]
struct Options {
    /// Which events to print
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "exec,exit,fork,connect"
    )]
    events: Vec<Kind>,
    /// Size of the ring buffer, a power of two from 4 to 1048576
    #[arg(long, value_name = "KIB", default_value_t = 1024, value_parser = ring_size)]
    buffer: u32,
    /// Omit the lines of existing tasks
    #[arg(long)]
    no_snapshot: bool,
    /// Only print the namespace with this identity, its owner, parent and threads
    #[arg(long, value_name = "DEV:INO[:ID]")]
    find: Option<Ident>,
    /// Only print all namespaces, as --find does
    #[arg(long, conflicts_with = "find")]
    list: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Kind {
    Exec,
    Exit,
    Fork,
    Connect,
    Open,
}

/// A line about the agent itself.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Notice<'a> {
    Started {
        events: &'a [String],
        by: &'static str,
    },
    Snapshot {
        tasks: u64,
    },
    Lost {
        count: u64,
        total: u64,
    },
    Paused,
    Ended {
        events: u64,
        lost: u64,
    },
    Namespace(Namespace),
}

/// A namespace by its identity.
#[derive(Serialize)]
struct Namespace {
    #[serde(rename = "type")]
    kind: &'static str,
    ns: Ident,
    owner: Option<Ident>,
    parent: Option<Ident>,
    tids: Vec<i32>,
}

impl Namespace {
    fn find(ident: &Ident) -> Result<Namespace> {
        for (kind, flag) in ns_ident::TYPES {
            if let Some(file) = ident.open(kind, flag)? {
                return Ok(Namespace::new(kind, &file, ident.tasks(kind, &file)?)?);
            }
        }
        Err("no namespace has this identity now".into())
    }

    fn new(kind: &'static str, file: &File, tids: Vec<i32>) -> io::Result<Namespace> {
        Ok(Namespace {
            kind,
            ns: Ident::of(file)?,
            owner: ns_ident::owner(file),
            parent: ns_ident::parent(file),
            tids,
        })
    }

    fn list(output: &mut Output) -> Result<()> {
        let mut tasks = ns_ident::all_tasks()?;
        let mut all = Vec::new();
        ns_ident::list(|kind, file| {
            let tids = tasks.remove(&Ident::of(file)?).unwrap_or_default();
            all.push(Namespace::new(kind, file, tids)?);
            Ok(())
        })?;
        for namespace in all {
            output.notice(&Notice::Namespace(namespace))?;
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.to_possible_value();
        f.write_str(name.as_ref().map_or("", |name| name.get_name()))
    }
}

fn ring_size(text: &str) -> std::result::Result<u32, String> {
    text.parse()
        .ok()
        .filter(|kib: &u32| kib.is_power_of_two() && (4..=1024 * 1024).contains(kib))
        .ok_or("it is not a power of two from 4 to 1048576".into())
}

/// Fails if no security module calls the hooks of some events.
fn check_lsms(options: &Options) -> Result<()> {
    let hooked = |event: &&Kind| matches!(event, Kind::Connect | Kind::Open);
    let Some(event) = options.events.iter().find(hooked) else {
        return Ok(());
    };
    // Without securityfs, there is no list to check.
    match fs::read_to_string(LSMS) {
        Ok(lsms) if !lsms.trim().split(',').any(|lsm| lsm == "bpf") => Err(format!(
            "there would be no event '{event}': bpf is not in {LSMS}. Boot with lsm={},bpf, \
             or leave it out by --events",
            lsms.trim()
        )
        .into()),
        _ => Ok(()),
    }
}

/// The time at which CLOCK_BOOTTIME was zero, by the current setting of the clock.
fn booted() -> Result<SystemTime> {
    let since: Duration = clock_gettime(ClockId::CLOCK_BOOTTIME)?.into();
    Ok(SystemTime::now() - since)
}

/// Prints the lines and counts the events.
struct Output {
    out: io::BufWriter<File>,
    names: container::Names,
    machine: Machine,
    events: u64,
    in_round: u64,
    lost: u64,
}

impl Output {
    fn new() -> Result<Output> {
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Output {
            out: io::BufWriter::with_capacity(64 * 1024, fd.into()),
            names: container::Names::new("/"),
            machine: Machine {
                boot_id: fs::read_to_string(BOOT_ID)?.trim().into(),
                hostname: fs::read_to_string(HOSTNAME)?.trim().into(),
                booted: booted()?,
            },
            events: 0,
            in_round: 0,
            lost: 0,
        })
    }

    fn print(&mut self, event: &Event) -> Result<()> {
        let line = event.to_json(&mut self.names, &self.machine)?;
        Ok(writeln!(self.out, "{line}")?)
    }

    /// Prints an event. Ends the round after enough of them.
    fn record(&mut self, data: &[u8]) -> i32 {
        if let Some(event) = Event::parse(data) {
            self.events += 1;
            self.in_round += 1;
            // flush() returns the error.
            let _ = self.print(&event);
        }
        if self.ends_round() {
            -ECANCELED
        } else {
            0
        }
    }

    fn ends_round(&self) -> bool {
        self.in_round >= ROUND || signals::is_ending()
    }

    /// `seen` is the number of events lost by these programs that a line has reported already.
    fn end_round(&mut self, programs: &Programs, seen: &mut u64) -> Result<()> {
        self.in_round = 0;
        self.machine.booted = booted()?;
        let count = programs.lost()? - *seen;
        if count > 0 {
            *seen += count;
            self.lost += count;
            let total = self.lost;
            self.notice(&Notice::Lost { count, total })?;
        }
        Ok(self.out.flush()?)
    }

    /// Prints a line for each existing task. A signal ends this early, without the last line.
    fn snapshot(&mut self, programs: &Programs) -> Result<()> {
        let mut snapshot = programs::snapshot(&programs.variables)?;
        let mut tasks = 0;
        while let Some(event) = Event::read(&mut snapshot)? {
            if signals::is_ending() {
                return Ok(());
            }
            self.print(&event)?;
            tasks += 1;
        }
        self.notice(&Notice::Snapshot { tasks })
    }

    fn notice(&mut self, notice: &Notice) -> Result<()> {
        writeln!(self.out, "{}", serde_json::to_string(notice)?)?;
        Ok(self.out.flush()?)
    }
}

/// Runs the programs until a signal comes.
fn stream(
    options: &Options,
    programs: &Programs,
    signals: &Receiver<Signal>,
    output: &RefCell<Output>,
) -> Result<Signal> {
    let events = programs
        .object
        .maps()
        .find(|map| map.name() == "events")
        .ok_or("no map")?;
    let no_buffer = |error| {
        let kib = options.buffer;
        format!("the buffer of {kib} KiB cannot be mapped, try a smaller --buffer: {error}")
    };
    let mut builder = RingBufferBuilder::new();
    builder
        .add(&events, |data| output.borrow_mut().record(data))
        .map_err(no_buffer)?;
    let ring = builder.build().map_err(no_buffer)?;
    let mut seen = 0;
    output.borrow_mut().notice(&Notice::Started {
        events: &options.names(),
        by: programs.variables.how.name(),
    })?;
    // After the programs have started, so that no task is missed.
    if !options.no_snapshot {
        output.borrow_mut().snapshot(programs)?;
    }
    loop {
        let polled = ring.poll(TICK);
        let is_full = output.borrow().ends_round();
        match polled {
            Err(error) if !is_full && error.kind() != libbpf_rs::ErrorKind::Interrupted => {
                Err(error)?
            }
            _ => {}
        }
        output.borrow_mut().end_round(programs, &mut seen)?;
        if let Ok(signal) = signals.try_recv() {
            return Ok(signal);
        }
    }
}

/// The number of the module's directory or file in sysfs. Each load makes a new one, and kernfs does
/// not reuse numbers.
fn module_ino() -> Option<u64> {
    let metadata = fs::metadata(MODULE).or_else(|_| fs::metadata(MODULE_BTF));
    metadata.ok().map(|metadata| metadata.ino())
}

fn is_live() -> bool {
    let state = Path::new(MODULE).join("initstate");
    match fs::read_to_string(state) {
        Ok(state) => state == "live\n",
        Err(_) => Path::new(MODULE_BTF).exists(),
    }
}

/// Waits until there is another module than that one, or for a SIGHUP while that one is there.
/// Returns false on a signal that ends the agent.
fn wait_for_module(old: Option<u64>, signals: &Receiver<Signal>) -> bool {
    let mut is_asked = false;
    loop {
        let is_builtin = old.is_none() && Path::new(MODULE).exists();
        if (is_live() && (is_asked || module_ino() != old)) || (is_asked && is_builtin) {
            return true;
        }
        // While the module is away, a SIGHUP has no effect.
        is_asked = false;
        match signals.recv_timeout(TICK) {
            Ok(Signal::SIGHUP) => is_asked = true,
            Ok(_) => return false,
            Err(_) => {}
        }
    }
}

impl Options {
    fn names(&self) -> Vec<String> {
        self.events.iter().map(Kind::to_string).collect()
    }

    fn load(&self) -> Result<Programs> {
        Programs::load(&self.names(), self.buffer)
    }
}

fn run(options: &Options) -> Result<()> {
    if let Some(ident) = &options.find {
        return Output::new()?.notice(&Notice::Namespace(Namespace::find(ident)?));
    }
    if options.list {
        return Namespace::list(&mut Output::new()?);
    }
    check_lsms(options)?;
    let signals = signals::receive()?;
    let output = RefCell::new(Output::new()?);
    let mut programs = options.load()?;
    loop {
        let module = module_ino();
        if stream(options, &programs, &signals, &output)? != Signal::SIGHUP {
            // To detach them may take seconds, and the kernel does it after the end, too.
            mem::forget(programs);
            break;
        }
        drop(programs);
        output.borrow_mut().notice(&Notice::Paused)?;
        let Some(next) = resume(options, module, &signals)? else {
            break;
        };
        programs = next;
    }
    let mut output = output.into_inner();
    let (events, lost) = (output.events, output.lost);
    output.notice(&Notice::Ended { events, lost })
}

/// Loads the programs again when there is a module again. Returns None on a signal that ends the
/// agent.
fn resume(
    options: &Options,
    mut module: Option<u64>,
    signals: &Receiver<Signal>,
) -> Result<Option<Programs>> {
    while wait_for_module(module, signals) {
        match options.load() {
            // The module was unloaded once more.
            Err(_) if !is_live() => module = None,
            loaded => return loaded.map(Some),
        }
    }
    Ok(None)
}

fn main() {
    let options = Options::parse();
    if let Err(error) = run(&options) {
        // The reader has closed the pipe.
        let closed = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if closed != Some(io::ErrorKind::BrokenPipe) {
            eprintln!("agent: {error}");
            process::exit(1);
        }
    }
}
