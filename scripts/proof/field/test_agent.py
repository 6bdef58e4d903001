# SPDX-License-Identifier: GPL-2.0
"""The agent: its command line, its end, and its errors."""

import calendar
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import agent as agents
from agent import Agent, triple
from guest import MODULE, SECS, ident, idents, init_below, run, running, unload, wait_for
from runtimes import Oci


def tests(full):
    yield "agent: --help, --version, bad arguments", arguments
    yield "agent: a load without the rights, from a container, with a buffer too large", no_load
    yield "agent: time, boot id, ppid, uid, argv of each event", fields
    yield "agent: status and signal of an exit, tid of a thread", ends_of_tasks
    yield "agent: family, address and port of a connect", connects
    yield "agent: long fields are truncated, and marked", cut
    yield "agent: a fork has the identities and pids of the child", forks
    yield "agent: begins with existing tasks", snapshot
    yield "agent: Ctrl-C and SIGTERM end it, and nothing is left", ends
    yield "agent: Ctrl-C and SIGTERM end it while its reader stalls", stalled_reader
    yield "agent: SIGTERM ends it while its reader is slow", slow_reader
    yield "agent: a closed pipe ends it", closed_pipe
    yield "agent: special files instead of podman's lists do not block it", no_lists
    yield "agent: host names without a list entry", unknown_hostname
    yield "agent: a walk without the module", without_module
    yield "agent: --find leads from an identity to the namespace", finds
    yield "agent: --list prints all namespaces, also one without tasks", lists
    yield "agent: advice without the BPF LSM", without_lsm
    yield "agent: Ctrl-C ends it during a flood of events", flood
    yield "agent: continues after a reload of the module", reload
    yield "agent: SIGHUP while the module is not loaded", hangup_without_module
    yield "agent: ring buffer overrun is counted", overrun
    yield "agent: a namespace that is gone before the event is read", dead_namespace


def arguments(report):
    for word in "--help", "-h":
        assert "Usage: agent " in run(agents.PATH, word).stdout
    for word in "--version", "-V":
        words = run(agents.PATH, word).stdout.split()
        assert words[0] == "agent" and words[1][0].isdigit(), words
    wrong = ["--unknown"], ["--buffer"], ["--buffer=3"], ["--buffer=2097152"], ["--events=exec,write"]
    for words in wrong:
        done = run(agents.PATH, *words, check=False)
        assert done.returncode == 2 and done.stderr.startswith("error: "), done
        report.say(done.stderr.splitlines()[0])
    with Agent("--events=exec") as agent:
        assert agent.events("started")[0]["events"] == ["exec"]
        assert len(programs()) == 1, programs()


def no_load(report):
    """The agent explains an error in one line, without messages of libbpf."""
    commands = {
        "it takes CAP_SYS_ADMIN, CAP_PERFMON, CAP_BPF, and this process lacks": [
            "setpriv", "--reuid=65534", "--clear-groups",
        ],
        "lacks CAP_SYS_ADMIN\n": ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"],
        "are not of the initial user namespace": ["unshare", "--user", "--map-root-user"],
        "not initial is the namespace of type net": ["unshare", "--net"],
        "not initial is the namespace of type ipc, uts": ["unshare", "--ipc", "--uts"],
    }
    for words, command in commands.items():
        done = run(*command, agents.PATH, check=False)
        report.say(done.stderr)
        assert done.returncode == 1 and words in done.stderr, f"{words}: {done}"
        assert done.stderr.startswith("agent: ") and done.stderr.count("\n") == 1, done
    assert "loader_ns" in done.stderr, done
    # The kernel has enough memory, but the process may not map it.
    done = run("prlimit", "--as=100000000", agents.PATH, "--buffer=65536", check=False)
    report.say(done.stderr)
    assert done.returncode == 1 and "try a smaller --buffer" in done.stderr, done


def fields(report):
    """Checks the fields of each kind of events."""
    boot_id = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    script = "import os, socket\nos.setuid(4711)\nos.fork() or os._exit(0)\nos.wait()\n" + CONNECT
    with Agent("--events=exec,exit,fork,connect,open") as agent:
        before = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        with subprocess.Popen(["python3", "-c", script]) as process:
            process.wait(SECS)
        after = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        agent.wait_for("exit", lambda e: e["pid"] == process.pid)
        lines = [line for line in list(agent.lines) if line.get("pid") == process.pid]
    # The snapshot at the start may include the process.
    lines = [line for line in lines if line["event"] != "task"]
    kinds = {}
    for line in lines:
        kinds[line["event"]] = line
        assert line["boot_id"] == boot_id and line["ppid"] == os.getpid(), line
        assert before[1] <= line["boot_ns"] <= after[1], line
        # Seconds only, since the clock may be adjusted.
        wall = time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")
        assert before[0] // 10**9 - 1 <= calendar.timegm(wall) <= after[0] // 10**9 + 1, line
        assert "cut" not in line, line
    assert set(kinds) == {"exec", "exit", "fork", "connect", "open"}, kinds
    for line in kinds.values():
        assert line["argv"] == ["python3", "-c", script], line
    assert kinds["exec"]["uid"] == 0 and kinds["exit"]["uid"] == kinds["connect"]["uid"] == 4711
    report.say(kinds["exit"])


CONNECT = """
for family, address in (
    (socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET6, ("::1", 10)), (socket.AF_UNIX, "/nowhere")
):
    socket.socket(family).connect_ex(address)
"""


def ends_of_tasks(report):
    """Compares with the results of wait(2) and gettid(2)."""
    with Agent() as agent:
        for words, wanted in (("exit 0", (0, 0)), ("exit 3", (3, 0)), ("exit 255", (255, 0)),
                              ("kill -9 $$", (0, 9)), ("kill -TERM $$", (0, 15))):
            with subprocess.Popen(["sh", "-c", words]) as process:
                process.wait(SECS)
            event = agent.wait_for("exit", lambda e, process=process: e["pid"] == process.pid)
            assert (event["status"], event["signal"]) == wanted, f"{words}: {event}"
            assert event["tid"] == event["pid"], event
        with Agent("--events=open") as opens, subprocess.Popen(
            ["python3", "-c", THREAD], stdout=subprocess.PIPE, text=True
        ) as process:
            tid = int(process.communicate(timeout=SECS)[0])
            event = opens.wait_for("open", lambda e: e["pid"] == process.pid and e["tid"] == tid)
            assert event["tid"] != event["pid"], event
            report.say(event)


THREAD = """
import threading

def thread():
    open("/dev/null")
    print(threading.get_native_id())

threading.Thread(target=thread).start()
"""


def connects(report):
    with Agent("--events=connect") as agent:
        with subprocess.Popen(["python3", "-c", "import socket\n" + CONNECT]) as process:
            process.wait(SECS)
        for family, wanted in ((socket.AF_INET, ("127.0.0.1", 9)), (socket.AF_INET6, ("::1", 10)),
                               (socket.AF_UNIX, (None, None))):
            event = agent.wait_for(
                "connect",
                lambda e, family=family: (e["pid"], e["family"]) == (process.pid, family),
            )
            assert (event.get("address"), event.get("port")) == wanted, event
            assert triple(event["socket_ns"]) == ident("/proc/self/ns/net"), event
            report.say(event)


def cut(report):
    """Arguments and a path that exceed the size of an event."""
    with Agent("--events=exec") as agent:
        run("true", *map(str, range(2000)))
        event = agent.wait_for("exec", lambda e: (e["argv"] or [""])[0] == "true")
        assert event["cut"] == ["argv"], event
        whole = " ".join(["true", *map(str, range(2000))])
        assert len(" ".join(event["argv"])) > 4000 and whole.startswith(" ".join(event["argv"]))
    long = "/".join(["x" * 200] * 15)
    os.makedirs(f"/run/field/{long}")
    place = f"/run/field/{long}/true"
    shutil.copy(shutil.which("true"), place)
    with Agent("--events=exec,open") as agent:
        run(place)
        for kind in "exec", "open":
            event = agent.wait_for(kind, lambda e: e["path"] == place)
            assert "cut" not in event, event
    # In parts, since the whole path is too long.
    script = f"import os\nos.chdir('/run/field/{long}')\n" + DEEP
    with Agent("--events=open") as agent:
        run("python3", "-c", script)
        event = agent.wait_for("open", lambda e: e["path"] == "deep-file")
        assert event["cut"] == ["path"], event
    report.say(len(place))
    shutil.rmtree("/run/field/" + "x" * 200)


DEEP = """
for _ in range(10):
    os.mkdir("y" * 200)
    os.chdir("y" * 200)
open("deep-file", "w")
"""


def forks(report):
    """Compares with fork(2) and /proc, on the host and in a pid namespace."""
    command = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "sh", "-c",
               "sleep 1000 & wait"]
    with Agent("--events=fork") as agent, running(*command) as process:
        init = init_below(process.pid)
        sleep = wait_for(
            lambda: pathlib.Path(f"/proc/{init}/task/{init}/children").read_text(encoding="ascii"),
            "a child of the shell",
        )
        # unshare is not in the pid namespace of its child.
        for parent, child, inside, for_parent in (
            (os.getpid(), process.pid, process.pid, process.pid), (process.pid, init, 1, init),
            (init, int(sleep), 2, 2),
        ):
            event = agent.wait_for("fork", lambda e, child=child: e["child"]["pid"] == child)
            report.say(event)
            got = event["child"]
            assert event["pid"] == parent and got["tid"] == child, event
            assert triple(got["ns"]["pid"]) == ident(f"/proc/{child}/ns/pid"), event
            assert (got["pid_inside"], got["pid_for_parent"]) == (inside, for_parent), event


def snapshot(report):
    """Each task that existed before and after the snapshot, including threads and kernel threads, has
    a line that equals /proc."""
    command = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "sleep", "1000"]
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        with running(*command) as process:
            init = init_below(process.pid)
            before = scan()
            with Agent("--events=exec") as agent:
                got = agent.wait_for("snapshot")
                after = scan()
            lines = agent.events("task")
            assert got["tasks"] == len(lines), got
            tasks = {line["tid"]: line for line in lines}
            assert len(tasks) == len(lines)
            both = {tid: task for tid, task in before.items() if after.get(tid) == task}
            for tid, task in both.items():
                line = tasks[tid]
                found = (line["pid"], triple(line["ns"]["pid"]), line["pid_inside"], line["ppid"],
                         line["uid"], line["argv"])
                assert found == task, f"{line}: {task}"
            assert init in both and thread.native_id in both and 2 in both
            assert tasks[init]["pid_inside"] == 1, tasks[init]
            report.say(f"{len(lines)} lines, {len(both)} tasks compared; {tasks[init]}")
    finally:
        stop.set()
    with Agent("--no-snapshot", "--events=exec") as agent:
        check_event(agent)
        assert not agent.events("task")


def scan():
    """Returns pid, namespace, inner pid, ppid, uid and argv of all tasks, from /proc."""
    found = {}
    for path in pathlib.Path("/proc").glob("[1-9]*/task/[1-9]*"):
        try:
            lines = (path / "status").read_text(encoding="ascii", errors="replace").splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            words = (path / "cmdline").read_bytes().removesuffix(b"\0")
            argv = words.decode(errors="replace").split("\0") if words else None
            found[int(path.name)] = (
                int(status["Tgid"]), ident(path / "ns/pid"), int(status["NStgid"].split()[-1]),
                int(status["PPid"]), int(status["Uid"].split()[0]), argv,
            )
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def programs():
    return [line for line in run("bpftool", "prog", "show").stdout.splitlines() if "name on_" in line]


def ends(report):
    for number in signal.SIGINT, signal.SIGTERM:
        with Agent() as agent:
            assert len(programs()) == 4, programs()
            agent.signal(number)
            agent.process.wait(60)
            report.say(agent.stop())
        wait_for(lambda: not programs(), "no programs are left")


def stalled_reader(report):
    for number in signal.SIGINT, signal.SIGTERM:
        command = [agents.PATH, "--events", "exec"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
                process.stdout.readline()
                stall(process)
                process.send_signal(number)
                status = process.wait(SECS)
                report.say(f"{number.name}: status {status}")
            finally:
                process.kill()
            # The agent cannot print its last line, so the signal has ended it.
            assert status == -number, process.stderr.read()
        wait_for(lambda: not programs(), "no programs are left")


def stall(process):
    """Causes events until the agent waits for its reader."""

    def waits():
        run("true")
        return "pipe_write" in pathlib.Path(f"/proc/{process.pid}/wchan").read_text(encoding="ascii")

    wait_for(waits, "the agent waits for its reader")


def slow_reader(report):
    """With a reader that reads a page from time to time, the agent ends within a second."""
    command = [agents.PATH, "--events", "exec"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
            events = 400
            for line in process.stdout:
                if b'"snapshot"' in line:
                    break
            # Many events at once, which the agent prints before it checks for a signal.
            process.send_signal(signal.SIGSTOP)
            for _ in range(events):
                run("true")
            process.send_signal(signal.SIGCONT)
            stall(process)
            process.send_signal(signal.SIGTERM)
            start, pages = time.monotonic(), 0
            while process.poll() is None:
                os.read(process.stdout.fileno(), 4096)
                pages += 1
                time.sleep(0.1)
            report.say(f"{time.monotonic() - start:.1f} s, {pages} pages, {process.returncode}")
        finally:
            process.kill()
        assert process.returncode == -signal.SIGTERM, process.returncode
        # Each event has more than 500 bytes.
        assert pages < events * 500 / 4096, pages


def no_lists(report):
    """The agent reads the lists for a host name like those of podman."""
    user = pathlib.Path("/home/blocks")
    lists = user / ".local/share/containers/storage/overlay-containers"
    lists.mkdir(parents=True)
    os.mkfifo(lists / "containers.json")
    os.symlink("containers.json", lists / "volatile-containers.json")
    host = "0123456789ab"
    script = f"echo {host} > /proc/sys/kernel/hostname && exec true"
    try:
        with Agent("--events", "exec") as agent:
            run("unshare", "--fork", "--pid", "--uts", "sh", "-c", script)
            event = agent.wait_for(
                "exec", lambda e: e["hostname"] == host and e["path"].endswith("/true")
            )
            assert event["container"] is None, event
            report.say(agent.stop())
    finally:
        shutil.rmtree(user)


LIST = pathlib.Path("/var/lib/containers/storage/overlay-containers/containers.json")
IN_OPEN, IN_CLOSE_NOWRITE = 0x20, 0x10

OPENS = """
import sys
open("/proc/sys/kernel/hostname", "w").write(sys.argv[1])
for _ in range(10000):
    open("/dev/zero").close()
"""


class Opens:
    """Counts the opens of a file. inotify merges equal events, so it also watches closes."""

    def __init__(self, path):
        libc = ctypes.CDLL(None)
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.fd, bytes(path), IN_OPEN | IN_CLOSE_NOWRITE) > 0
        self.count = 0

    def look(self):
        try:
            while True:
                events = os.read(self.fd, 65536)
                for _, mask, _, _ in struct.iter_unpack("iIII", events):
                    self.count += bool(mask & IN_OPEN)
        except BlockingIOError:
            return self.count


def settle(agent):
    """Waits until the agent has printed all events of its buffer."""
    seen = -1
    while seen != len(agent.lines):
        seen = len(agent.lines)
        time.sleep(2)


def unknown_hostname(report):
    """A host name like the beginning of an id does not cause a read of the list for each event."""
    names = [{"id": f"{n:064x}", "names": [f"name-{n}"], "layer": "x" * 500} for n in range(2000)]
    LIST.parent.mkdir(parents=True, exist_ok=True)
    LIST.write_text(json.dumps(names), encoding="ascii")
    try:
        for host in "some-host", "0123456789ab":
            opens = Opens(LIST)
            with Agent("--no-snapshot", "--events=open", "--buffer=4096") as agent:
                new = "unshare", "--fork", "--pid", "--uts"
                run(*new, "python3", "-c", OPENS, host, timeout=600)
                settle(agent)
                last = agent.stop()
            seen = len(agent.events("open", path="/dev/zero", hostname=host))
            report.say(f"{host}: {seen} of 10000 seen, {last}; list read {opens.look()} times")
            assert opens.count <= 2, opens.count
            os.close(opens.fd)
    finally:
        LIST.unlink()


def closed_pipe(report):
    with subprocess.Popen([agents.PATH], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        run("true")
        assert process.wait(60) == 0, process.stderr.read()
        assert not process.stderr.read()


def without_module(report):
    """The identities of all types equal those in /proc."""
    command = ["unshare", "--fork", "--kill-child", "--pid", "--net", "--uts", "sleep", "1000"]
    unload()
    try:
        with Agent() as agent, running(*command) as process:
            assert agent.events("started")[0]["by"] == "walk", agent.lines[0]
            pid = init_below(process.pid)
            line = agent.wait_for("exec", lambda e: e["pid"] == pid)
            report.say(line)
            assert {kind: triple(ns) for kind, ns in line["ns"].items()} == idents(pid), line
            assert line["pid_inside"] == 1, line
    finally:
        run("modprobe", MODULE)


def finds(report):
    """By its id, or by its number. A wrong id finds nothing."""
    with running("unshare", "--fork", "--kill-child", "--pid", "--net", "sleep", "1000") as process:
        pid = init_below(process.pid)
        for kind, parent in ("net", None), ("pid", ident("/proc/self/ns/pid")):
            dev, ino, number = ident(f"/proc/{pid}/ns/{kind}")
            for identity in f"{dev}:{ino}:{number}", f"{dev}:{ino}":
                found = json.loads(run(agents.PATH, "--find", identity).stdout)
                report.say(found)
                assert found["type"] == kind and triple(found["ns"]) == (dev, ino, number), found
                assert triple(found["owner"]) == ident("/proc/self/ns/user"), found
                assert (found["parent"] and triple(found["parent"])) == parent, found
                # unshare(1) stays in the pid namespace of its parent.
                assert set(found["tids"]) == ({process.pid, pid} if kind == "net" else {pid}), found
            done = run(agents.PATH, "--find", f"{dev}:{ino}:{number + 100000}", check=False)
            assert done.returncode == 1 and "no namespace has this identity" in done.stderr, done


def lists(report):
    """Each namespace once, with the threads that /proc has."""
    run("ip", "netns", "add", "empty")
    try:
        with running("unshare", "--fork", "--kill-child", "--pid", "--net", "sleep", "1000") as process:
            pid = init_below(process.pid)
            lines = [json.loads(line) for line in run(agents.PATH, "--list").stdout.splitlines()]
            found = {triple(line["ns"]): line for line in lines}
            assert len(found) == len(lines), "a namespace is there twice"
            for task in pid, "self":
                for kind, identity in idents(task).items():
                    assert found[identity]["type"] == kind, (task, kind, identity)
            assert found[ident(f"/proc/{pid}/ns/net")]["tids"] == [process.pid, pid]
            assert found[ident(f"/proc/{pid}/ns/pid")]["tids"] == [pid]
            assert triple(found[ident(f"/proc/{pid}/ns/pid")]["parent"]) == ident("/proc/self/ns/pid")
            assert found[ident("/run/netns/empty")]["tids"] == []
            report.say(f"{len(lines)} namespaces")
    finally:
        run("ip", "netns", "delete", "empty")


def without_lsm(report):
    """Like on a kernel with other LSMs only."""
    script = (
        "mount -t tmpfs none /sys/kernel && mkdir /sys/kernel/security && "
        'echo capability,landlock > /sys/kernel/security/lsm && exec "$0"'
    )
    done = run("unshare", "--mount", "sh", "-c", script, agents.PATH, check=False)
    report.say(done.stderr)
    assert done.returncode == 1, done
    assert "bpf is not in" in done.stderr and "lsm=capability,landlock,bpf" in done.stderr, done


def flood(report):
    """Processes open files in a loop. The agent reports lost events between two rounds."""
    script = "while :; do for n in 1 2 3 4 5 6 7 8 9; do : < /dev/null; done; done"
    floods = []
    try:
        with Agent("--events", "open", "--buffer", "64") as agent:
            for _ in range(2 * os.cpu_count()):
                # pylint: disable-next=consider-using-with
                floods.append(subprocess.Popen(["sh", "-c", script]))
            report.say(agent.wait_for("lost"))
            report.say(agent.stop())
    finally:
        for process in floods:
            process.kill()
            process.wait()


def reload(report):
    with Agent() as agent:
        reload_under(report, agent)


def reload_under(report, agent):
    assert run("rmmod", MODULE, check=False).returncode, "the module was unloaded in use"
    # While the agent polls, and between two of its polls.
    for seen in True, False:
        pause(agent)
        if not seen:
            agent.signal(signal.SIGSTOP)
        unload()
        if seen:
            time.sleep(0.5)
        run("modprobe", MODULE)
        agent.signal(signal.SIGCONT)
        goes_on(agent)
    # If the module is still loaded, the next SIGHUP continues.
    pause(agent)
    agent.signal(signal.SIGHUP)
    goes_on(agent)
    report.say([line["event"] for line in agent.lines if "ns" not in line])


def hangup_without_module(report):
    with Agent() as agent:
        pause(agent)
        unload()
        agent.signal(signal.SIGHUP)
        # Long enough for several checks for the module.
        time.sleep(1)
        assert agent.process.poll() is None, agent.errors
        run("modprobe", MODULE)
        goes_on(agent)
        report.say(agent.stop())


def pause(agent):
    before = len(agent.events("paused"))
    agent.signal(signal.SIGHUP)
    wait_for(lambda: len(agent.events("paused")) > before, "a line 'paused' of the agent")


def goes_on(agent):
    """The agent has started again after the last pause, and reports events."""
    pauses = len(agent.events("paused"))
    wait_for(lambda: len(agent.events("started")) > pauses, "a line 'started' of the agent")
    check_event(agent, len(agent.lines))


def check_event(agent, start=0):
    """The agent reports the right namespaces of a new task."""
    with running("sleep", "1000") as process:
        event = agent.wait_for(
            "exec", lambda e: e["pid"] == process.pid and e["path"].endswith("/sleep"), start
        )
        for kind, got in event["ns"].items():
            stat = os.stat(f"/proc/{process.pid}/ns/{kind}")
            assert (got["dev"], got["ino"]) == (stat.st_dev, stat.st_ino), event


def overrun(report):
    wanted = 50
    with Agent("--buffer", "4", "--events", "exec") as agent:
        agent.signal(signal.SIGSTOP)
        for _ in range(wanted):
            run("true")
        agent.signal(signal.SIGCONT)
        lost = agent.wait_for("lost")
        check_event(agent)
        last = agent.stop()
    seen = len([e for e in agent.events("exec") if e["path"].endswith("/true")])
    report.say(f"{wanted} times true(1): {seen} seen; {lost}; {last}")
    assert 0 < seen < wanted and seen + last["lost"] >= wanted, last
    assert sum(line["count"] for line in agent.events("lost")) == last["lost"]


def dead_namespace(report):
    with Agent() as agent:
        dead_namespaces(report, agent)


def dead_namespaces(report, agent):
    agent.signal(signal.SIGSTOP)
    maker = Oci("crun")
    idents = {}
    for name in "field-short-1", "field-short-2":
        container = maker.start(name)
        container.wait_up()
        idents[name] = container.inside()["pid"]
        container.stop()
    same = len(set(idents.values())) == 1
    assert not [p for p in pathlib.Path("/run/crun").glob("field-short-*")]
    agent.signal(signal.SIGCONT)
    ids = set()
    for name, got in idents.items():
        event = agent.wait_for(
            "exec", lambda e, name=name: e["path"] == "/bin/true" and (e.get("container") or {}).get("id") == name
        )
        assert triple(event["ns"]["pid"])[:2] == got, f"{name}: {event}"
        # The state directory is gone, so the runtime of the name is unknown.
        assert event["pid_inside"] > 1 and event["container"]["runtime"] is None, event
        ids.add(event["ns"]["pid"]["id"])
    assert len(ids) == 2, ids
    report.say(f"{idents}, {'the same' if same else 'different'} pair, ids {ids}")
