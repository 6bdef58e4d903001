// SPDX-License-Identifier: GPL-2.0
//! Streams what tasks do as JSON, one line per event, with the identities of their namespaces, their
//! pids, and the name of their container. Where to start from for an agent of your own.

mod container;

use std::{
    cell::RefCell,
    error::Error,
    fs::{self, File},
    io::{self, Write},
    mem::size_of,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::AsFd,
    os::unix::fs::MetadataExt,
    path::Path,
    process,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use libbpf_rs::{
    query::ProgInfoIter, Link, MapCore, MapFlags, Object, ObjectBuilder, Program, RingBufferBuilder,
};
use nix::sys::signal::{self, SigHandler, SigSet, Signal};
use serde_json::{json, Map, Value};

const USAGE: &str = "\
Usage: agent [--events LIST] [--buffer KIB]

Prints one line of JSON for each event of a task, with the identities of its namespaces as
stat(2) has them, until Ctrl-C.

  --events LIST  which of exec,exit,connect,open (default: exec,exit,connect)
  --buffer KIB   size of the ring buffer, a power of two (default: 1024)
  --help         this text

Takes root, and the module: modprobe bpf_ns_ident. As long as the agent runs, the module cannot
be unloaded. On SIGHUP it lets go, and goes on when the module has been loaded anew, or on the
next SIGHUP.";

const MODULE: &str = "/sys/module/bpf_ns_ident";
const LSMS: &str = "/sys/kernel/security/lsm";
const TICK: Duration = Duration::from_millis(100);
/// Events after which signals, and what was lost, are looked at, however many there are still.
const ROUND: u64 = 1024;
/// For how long the agent still waits for its reader, or for something else, after a signal.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of what is printed goes out at a time, so that it shows whether somebody reads.
const PIECE: usize = 4096;
const ECANCELED: i32 = 125;
const EVENTS: [&str; 4] = ["exec", "exit", "connect", "open"];
const TYPES: [&str; 8] = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
const CGROUP: usize = 0;
const PID: usize = 4;
const INITIAL_CGROUP_NS: u64 = 0xEFFF_FFFB; // CGROUP_NS_INIT_INO
const INITIAL_PID_NS: u64 = 0xEFFF_FFFC; // PID_NS_INIT_INO

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[repr(C)]
#[derive(Clone, Copy)]
struct Ident {
    dev: u64,
    ino: u64,
    id: u64,
}

/// As in agent.h.
#[repr(C)]
struct Event {
    what: u32,
    status: u32,
    pid_tgid: u64,
    pid_tgid_inside: i64,
    ns: [Ident; TYPES.len()],
    sock_net: Ident,
    cgroups: [[u8; 96]; 3],
    comm: [u8; 16],
    hostname: [u8; 64],
    level: u32,
    family: u16,
    port: u16,
    addr: [u8; 16],
    path: [u8; 124],
}

impl Event {
    fn parse(data: &[u8]) -> Option<Event> {
        if data.len() < size_of::<Event>() {
            return None;
        }
        // SAFETY: It is long enough, and for each of the fields every bit pattern is valid.
        Some(unsafe { data.as_ptr().cast::<Event>().read_unaligned() })
    }

    fn to_json(&self, names: &mut container::Names) -> Value {
        let namespaces: Map<_, _> = TYPES
            .iter()
            .zip(&self.ns)
            .filter(|(_, ident)| ident.id != 0)
            .map(|(name, ident)| (name.to_string(), ident_to_json(ident)))
            .collect();
        let mut line = json!({
            "event": EVENTS.get(self.what as usize),
            "pid": self.pid_tgid >> 32,
            "tid": self.pid_tgid & 0xFFFF_FFFF,
            "pid_inside": (self.pid_tgid_inside > 0).then_some(self.pid_tgid_inside >> 32),
            "comm": text(&self.comm),
            "ns": namespaces,
        });
        let cgroups = self.cgroups.each_ref().map(|name| text(name));
        line["cgroup"] = cgroups[0].clone().into();
        line["hostname"] = text(&self.hostname).into();
        if self.ns[PID].ino != INITIAL_PID_NS {
            let task = container::Task {
                cgroups: &cgroups,
                hostname: &text(&self.hostname),
                own_cgroup_ns: self.ns[CGROUP].ino != INITIAL_CGROUP_NS,
                nested: self.level > 1,
            };
            line["container"] = names.find(&task).into();
        }
        match self.what {
            0 | 3 => line["path"] = text(&self.path).into(),
            1 => {
                line["status"] = ((self.status >> 8) & 0xFF).into();
                line["signal"] = (self.status & 0x7F).into();
            }
            _ => {
                line["socket_ns"] = ident_to_json(&self.sock_net);
                line["family"] = self.family.into();
                if let Some(address) = self.address() {
                    line["address"] = address.to_string().into();
                    line["port"] = self.port.into();
                }
            }
        }
        line
    }

    fn address(&self) -> Option<IpAddr> {
        let [a, b, c, d, ..] = self.addr;
        match self.family {
            2 => Some(Ipv4Addr::new(a, b, c, d).into()),
            10 => Some(Ipv6Addr::from(self.addr).into()),
            _ => None,
        }
    }
}

fn ident_to_json(ident: &Ident) -> Value {
    json!({"dev": ident.dev, "ino": ident.ino, "id": ident.id})
}

/// What C has as a string.
fn text(bytes: &[u8]) -> String {
    let len = bytes.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&bytes[..len.unwrap_or(bytes.len())]).into_owned()
}

struct Options {
    events: Vec<String>,
    buffer: u32,
}

fn parse_args(mut args: impl Iterator<Item = String>) -> Result<Option<Options>> {
    let mut options = Options {
        events: EVENTS[..3].iter().map(|name| name.to_string()).collect(),
        buffer: 1024,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} takes a value"));
        match arg.as_str() {
            "--help" => return Ok(None),
            "--events" => options.events = value()?.split(',').map(String::from).collect(),
            "--buffer" => {
                options.buffer = value()?
                    .parse()
                    .ok()
                    .filter(|kib: &u32| kib.is_power_of_two() && (4..=1024 * 1024).contains(kib))
                    .ok_or("--buffer takes a power of two from 4 to 1048576")?
            }
            _ => return Err(format!("{arg}: there is no such option, see --help").into()),
        }
    }
    if let Some(name) = options
        .events
        .iter()
        .find(|name| !EVENTS.contains(&name.as_str()))
    {
        return Err(format!("'{name}' is no event, but these are: {}", EVENTS.join(",")).into());
    }
    Ok(Some(options))
}

/// Says what to do if there is nobody to call the hooks that some events take.
fn check_lsms(options: &Options) -> Result<()> {
    let hooked = |event: &&String| ["connect", "open"].contains(&event.as_str());
    let Some(event) = options.events.iter().find(hooked) else {
        return Ok(());
    };
    // Where securityfs is not mounted that cannot be known.
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

/// Programs that run. As long as they are there, the module is.
struct Programs {
    object: Object,
    _links: Vec<Link>,
    ids: Vec<u32>,
}

impl Programs {
    fn load(options: &Options) -> Result<Programs> {
        let image = include_bytes!(concat!(env!("OUT_DIR"), "/agent.bpf.o"));
        let mut open = ObjectBuilder::default().name("agent")?.open_memory(image)?;
        for mut prog in open.progs_mut() {
            let name = prog.name().to_string_lossy().into_owned();
            prog.set_autoload(
                options
                    .events
                    .iter()
                    .any(|event| name == format!("on_{event}")),
            );
        }
        for mut map in open.maps_mut() {
            if map.name() == "events" {
                map.set_max_entries(options.buffer * 1024)?;
            }
        }
        let object = open.load().map_err(|error| {
            if Path::new(MODULE).exists() {
                format!("the programs cannot be loaded, see the kernel log: {error}")
            } else {
                format!("there is no {MODULE}, modprobe bpf_ns_ident first: {error}")
            }
        })?;
        let (mut links, mut ids) = (Vec::new(), Vec::new());
        for prog in object.progs_mut().filter(|prog| prog.autoload()) {
            links.push(prog.attach()?);
            ids.push(Program::id_from_fd(prog.as_fd())?);
        }
        Ok(Programs {
            object,
            _links: links,
            ids,
        })
    }

    /// Events that were not seen: no room in the buffer, or a program was left out.
    fn lost(&self) -> Result<u64> {
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

/// Grows as long as the main thread does not wait for anything.
static PROGRESS: AtomicU64 = AtomicU64::new(0);

fn note_progress() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

struct Stdout(File);

impl Stdout {
    fn new() -> io::Result<Stdout> {
        let fd = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Stdout(fd.into()))
    }
}

impl Write for Stdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let len = self.0.write(&data[..data.len().min(PIECE)])?;
        note_progress();
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What is printed, and what it adds up to.
struct Output {
    out: io::BufWriter<Stdout>,
    names: container::Names,
    events: u64,
    in_round: u64,
    lost: u64,
}

impl Output {
    /// Ends the round if there were enough.
    fn record(&mut self, data: &[u8]) -> i32 {
        if let Some(event) = Event::parse(data) {
            self.events += 1;
            self.in_round += 1;
            let line = event.to_json(&mut self.names);
            note_progress();
            // What goes wrong is told by flush().
            let _ = writeln!(self.out, "{line}");
        }
        if self.in_round < ROUND {
            0
        } else {
            -ECANCELED
        }
    }

    /// `seen`: what these programs have lost and was told already.
    fn end_round(&mut self, programs: &Programs, seen: &mut u64) -> Result<()> {
        self.in_round = 0;
        let lost = programs.lost()? - *seen;
        if lost > 0 {
            *seen += lost;
            self.lost += lost;
            let total = self.lost;
            self.line(&json!({"event": "lost", "count": lost, "total": total}))?;
        }
        Ok(self.out.flush()?)
    }

    fn line(&mut self, value: &Value) -> Result<()> {
        writeln!(self.out, "{value}")?;
        Ok(self.out.flush()?)
    }
}

/// Runs the programs until a signal comes. Returns it, and which module they used.
fn stream(
    options: &Options,
    signals: &Receiver<Signal>,
    output: &RefCell<Output>,
) -> Result<(Signal, Option<u64>)> {
    let programs = Programs::load(options)?;
    let module = module_ino();
    let events = programs
        .object
        .maps()
        .find(|map| map.name() == "events")
        .ok_or("no map")?;
    let mut builder = RingBufferBuilder::new();
    builder.add(&events, |data| output.borrow_mut().record(data))?;
    let ring = builder.build()?;
    let mut seen = 0;
    output
        .borrow_mut()
        .line(&json!({"event": "started", "events": options.events}))?;
    loop {
        let polled = ring.poll(TICK);
        let is_full = output.borrow().in_round >= ROUND;
        match polled {
            Err(error) if !is_full && error.kind() != libbpf_rs::ErrorKind::Interrupted => {
                Err(error)?
            }
            _ => {}
        }
        output.borrow_mut().end_round(&programs, &mut seen)?;
        note_progress();
        if let Ok(signal) = signals.try_recv() {
            return Ok((signal, module));
        }
    }
}

/// Receives signals on a thread of its own, since the main one may wait for its reader. If it does so
/// after a signal that ends the agent, or on a second one, the process ends by that signal.
fn receive_signals() -> Result<Receiver<Signal>> {
    let handled = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    handled.thread_block()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut ending = false;
        loop {
            let Ok(signal) = handled.wait() else { continue };
            if signal != Signal::SIGHUP {
                if ending {
                    end_by(signal);
                }
                ending = true;
                thread::spawn(move || end_without_progress(signal));
            }
            // That fails if the main thread has ended.
            let _ = sender.send(signal);
        }
    });
    Ok(receiver)
}

fn end_without_progress(signal: Signal) {
    loop {
        let before = PROGRESS.load(Ordering::Relaxed);
        thread::sleep(PATIENCE);
        if PROGRESS.load(Ordering::Relaxed) == before {
            end_by(signal);
        }
    }
}

/// Ends the process as the signal does by default, whatever the main thread waits for.
fn end_by(signal: Signal) -> ! {
    // SAFETY: No function is installed that could do what a handler must not.
    let _ = unsafe { signal::signal(signal, SigHandler::SigDfl) };
    let _ = SigSet::from(signal).thread_unblock();
    let _ = signal::raise(signal);
    process::exit(1)
}

/// Tells the loads of the module apart: each makes the directory anew, and kernfs does not use a
/// number again. There is none if the module is built in.
fn module_ino() -> Option<u64> {
    fs::metadata(MODULE).ok().map(|metadata| metadata.ino())
}

/// Waits until there is another module than that one, or for a signal.
fn wait_for_module(old: Option<u64>, signals: &Receiver<Signal>) -> Option<Signal> {
    loop {
        let live = fs::read_to_string(format!("{MODULE}/initstate")).is_ok_and(|s| s == "live\n");
        if live && module_ino() != old {
            return None;
        }
        if let Ok(signal) = signals.recv_timeout(TICK) {
            return Some(signal);
        }
    }
}

fn run(options: &Options) -> Result<()> {
    check_lsms(options)?;
    let signals = receive_signals()?;
    let output = RefCell::new(Output {
        out: io::BufWriter::with_capacity(64 * 1024, Stdout::new()?),
        names: container::Names::default(),
        events: 0,
        in_round: 0,
        lost: 0,
    });
    while let (Signal::SIGHUP, module) = stream(options, &signals, &output)? {
        output.borrow_mut().line(&json!({"event": "paused"}))?;
        match wait_for_module(module, &signals) {
            None | Some(Signal::SIGHUP) => {}
            Some(_) => break,
        }
    }
    note_progress();
    let mut output = output.into_inner();
    let (events, lost) = (output.events, output.lost);
    output.line(&json!({"event": "ended", "events": events, "lost": lost}))
}

fn main() {
    let options = match parse_args(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => return println!("{USAGE}"),
        Err(error) => {
            eprintln!("agent: {error}");
            process::exit(2);
        }
    };
    if let Err(error) = run(&options) {
        // Whoever reads this has enough.
        let closed = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if closed != Some(io::ErrorKind::BrokenPipe) {
            eprintln!("agent: {error}");
            process::exit(1);
        }
    }
}
