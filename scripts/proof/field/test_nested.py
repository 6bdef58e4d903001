# SPDX-License-Identifier: GPL-2.0
"""The agent, nstop, and loaders in Go run inside of a container with a pid namespace of its own. They
report tasks in the terms of that container, while an agent on the host reports the same tasks in
those of the host."""

import json
import os
import pathlib
from contextlib import contextmanager

import agent as agents
from agent import Agent, triple
from guest import DIR, MODULE, idents, init_below, run, unload, wait_for, whole
from runtimes import SCRIPT, Lxc, Nspawn, Oci, Podman
from test_loaders import BUILT, CILIUM
from test_runtimes import NSTOP

WORK = os.environ["GUEST_WORK"]
# The value in ns_ident_policy.rst for these: systemd-nspawn with a private network, a privileged
# container of LXC, and one of podman, as for docker in docker.
LOADER_NS = "time,user"

# Starts the agent. The results are files in /field.
START = """#!/bin/sh
cd /field
{agent} --events={events} > agent 2> agent.errors &
agent=$!
while ! grep -q '"event":"snapshot"' agent; do
	kill -0 $agent || exit
	sleep 0.1
done
"""
# Ends it when the container has to stop.
STOP = """
touch up
while [ ! -e stop ]; do
	sleep 0.1
done
kill -INT $agent
wait $agent
echo $? > agent.status
"""

# Also runs nstop, and starts a container in the container.
OUTER = START + """
# Of systemd-nspawn. crun would wait for a message of the container.
unset NOTIFY_SOCKET
crun run --no-new-keyring --detach --bundle {bundle} {inner} > crun 2>&1 || exit
while [ ! -e {bundle}/up ]; do
	sleep 0.1
done
crun state {inner} > state
init=$(sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p' state)
echo $init $(sed -n 's/^PPid:\t//p' /proc/$init/status) $(sed -n 's/^0:://p' /proc/$init/cgroup) > init
python3 -c 'import socket; socket.socket().connect_ex(("127.0.0.1", 9))'
{nstop} --all --once --containers --json --interval 1 > calls 2> calls.errors
echo $? > calls.status
{nstop} --all --once --containers --json --interval 1 --net > traffic 2> traffic.errors
echo $? > traffic.status
{agent} --find {device}:$(stat -L -c %i /proc/$init/ns/pid) > found 2>&1
{agent} --list > list 2>&1
{loaders}
""" + STOP + """
crun delete --force {inner}
"""

# Loaders of a program with bpf_get_current_pid_tgid_own(). Those in Go are for versions of cilium/ebpf.
LOADERS = {
    "libbpf": f"{BUILT}/loader object {BUILT}/own.bpf.o",
    "light": f"{BUILT}/loader light own",
} | {version: f"{BUILT}/loader-{version} object {BUILT}/own.bpf.o" for version in CILIUM}
# A loader reports the pid of a shell, and ends with its stdin.
LOADER = """
mkfifo {name}.stdin
{command} < {name}.stdin > {name} 2>&1 &
exec 3> {name}.stdin
while ! grep -q started {name}; do
	kill -0 $! || break
	sleep 0.1
done
sh -c 'echo $$ > {name}.pid && exec true'
tries=100
while ! grep -q "^$(cat {name}.pid) " {name} && [ $((tries -= 1)) -gt 0 ]; do
	sleep 0.1
done
exec 3>&-
wait $!
"""

# The container has traffic until it stops.
INNER = SCRIPT.replace("usleep 100000", "nc -w 1 127.0.0.1 9 2> /dev/null; usleep 100000")


class NestedNspawn(Nspawn):
    def root(self):
        return [
            "--directory", whole(), "--capability=all", "--system-call-filter=bpf",
            "--bind", DIR, "--bind-ro", WORK,
        ]


class NestedLxc(Lxc):
    mode, binds = "rw", [DIR, WORK]

    def make(self, container):
        self.root = whole()
        super().make(container)


class NestedPodman(Podman):
    options = ["--privileged", "--volume", f"{DIR}:{DIR}", "--volume", f"{WORK}:{WORK}"]

    def make(self, container):
        self.rootfs = whole()
        super().make(container)


MAKERS = [NestedNspawn(), NestedPodman(), NestedLxc()]


def tests(full):
    for maker in MAKERS:
        yield f"nested: {maker.name}", lambda report, maker=maker: check(report, maker)
    yield "nested: a walk without the module", walk
    yield "nested: podman with the pid namespace of the host", of_the_host
    yield "nested: the default policy refuses them, and they explain it", refused


@contextmanager
def loader_ns(types):
    """Loads the module with another policy."""
    unload()
    run("modprobe", MODULE, f"loader_ns={types}")
    try:
        yield
    finally:
        unload()
        run("modprobe", MODULE)


class HostPidPodman(NestedPodman):
    """Like a pod with hostPID."""

    options = [*NestedPodman.options, "--pid=host"]


HOST_PID = START + """
sh -c 'exec true in-the-container'
""" + STOP


def of_the_host(report):
    """The agent reports tasks of the host and of its own container like an agent on the host."""
    markers = "in-the-container", "of-the-host"
    with loader_ns(f"pid,{LOADER_NS}"), Agent("--events=exec") as on_host:
        container = HostPidPodman().start("nested-host-pid", HOST_PID.format(agent=agents.PATH, events="exec"))
        try:
            container.wait_up()
            run("sh", "-c", "exec true of-the-host")
            for marker in markers:
                on_host.wait_for("exec", lambda e, marker=marker: e["argv"] == ["true", marker])
        finally:
            container.stop()
        text = (container.dir / "agent").read_text(encoding="utf-8")
        lines = [json.loads(line) for line in text.splitlines()]
        for marker in markers:
            inside, outside = (
                next(line for line in found if line.get("argv") == ["true", marker])
                for found in (lines, on_host.events("exec"))
            )
            report.say(json.dumps(inside))
            for key in "pid", "ppid", "pid_inside", "ns", "cgroup":
                assert inside[key] == outside[key], f"{key}: {inside} {outside}"
            # Only the host has the list of podman, with the name.
            names = [line["container"] and line["container"]["id"] for line in (inside, outside)]
            assert names[0] == names[1], names
        assert outside["container"] is None, outside


def refused(report):
    command = "unshare", "--fork", "--pid", "--mount-proc"
    for program, status, reason in (
        ([agents.PATH], 1, "not initial is the namespace of type mnt, pid"),
        ([NSTOP, "--once"], 2, "this process is not in the initial mnt, pid namespaces"),
    ):
        done = run(*command, *program, check=False)
        report.say(done.stderr)
        assert done.returncode == status and reason in done.stderr, done
        assert "loader_ns" in done.stderr, done


@contextmanager
def no_module():
    unload()
    try:
        yield
    finally:
        run("modprobe", MODULE)


def check(report, maker):
    with loader_ns(LOADER_NS):
        pair = check_pair(report, Pair(maker, LOADERS), "kfunc")
        check_loaders(report, pair)


def walk(report):
    """The results for visible tasks are the same, and so is the choice of tasks."""
    with no_module():
        check_pair(report, Pair(NestedLxc(), {}, "-walk"), "walk")


def check_pair(report, pair, by):
    with Agent("--events=exec,exit,fork") as on_host:
        pair.start()
        try:
            pair.wait_up()
            run("sh", "-c", "exec true of-the-host")
            on_host.wait_for("exec", lambda e: e["argv"] == ["true", "of-the-host"])
        finally:
            pair.stop()
        on_host.wait_for("exit", lambda e: e["pid"] == pair.outer.pid)
        report.say(pair.text("init"))
        check_agent(report, pair, on_host, by)
        check_nstop(report, pair)
        check_find(report, pair)
    return pair


class Pair:
    """A container of crun in another container."""

    def __init__(self, maker, loaders, suffix=""):
        name = "nested-" + maker.name + suffix
        self.inner = Oci("crun").prepare(f"{name}-inner", INNER)
        loads = [LOADER.format(name=key, command=command) for key, command in loaders.items()]
        self.outer = maker.prepare(name, OUTER.format(
            agent=agents.PATH, events="exec,exit,fork,connect", nstop=NSTOP, inner=self.inner.name,
            bundle=self.inner.dir, device=os.stat("/proc/self/ns/pid").st_dev, loaders="\n".join(loads),
        ))

    def start(self):
        self.outer.maker.make(self.outer)

    def text(self, name):
        return (self.outer.dir / name).read_text(encoding="utf-8")

    def logs(self):
        return [
            f"{path.name}: {path.read_text(encoding='utf-8')}"
            for path in self.outer.dir.iterdir()
            if path.suffix == ".errors" or path.name in ("output", "crun", "init", "calls.status")
        ]

    def wait_up(self):
        def is_up():
            assert os.path.exists(f"/proc/{self.outer.pid}"), self.logs()
            return (self.outer.dir / "up").exists()

        try:
            wait_for(is_up, f"{self.outer.name} is up")
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.logs()}") from error
        self.inner.pid = init_below(self.outer.pid)
        self.outside = idents(self.inner.pid)
        self.of_outer = idents(self.outer.pid)
        status = pathlib.Path(f"/proc/{self.inner.pid}/status").read_text(encoding="ascii")
        # The pids from the host to the inner container.
        self.pids = [
            int(word) for line in status.splitlines() if line.startswith("NSpid:")
            for word in line.split()[1:]
        ]

    def stop(self):
        (self.inner.dir / "stop").touch()
        if self.inner.pid:
            gone = f"{self.inner.name} has ended"
            wait_for(lambda: not os.path.exists(f"/proc/{self.inner.pid}"), gone)
        self.outer.stop()


def check_agent(report, pair, on_host, by):
    """The same events in two sets of terms."""
    assert pair.text("agent.status") == "0\n" and not pair.text("agent.errors"), pair.logs()
    lines = [json.loads(line) for line in pair.text("agent").splitlines()]
    assert lines[-1]["event"] == "ended" and lines[-1]["lost"] == 0, lines[-1]
    assert lines[0]["by"] == by, lines[0]

    def first(found, event, **fields):
        for line in found:
            if line["event"] == event and triple(line["ns"]["pid"]) == pair.outside["pid"]:
                if all(line[key] == value for key, value in fields.items()):
                    return line
        raise AssertionError(f"no line '{event}' with {fields}")

    exit_inside = first(lines, "exit", pid_inside=1)
    exit_outside = first(on_host.lines, "exit", pid_inside=1)
    report.say(json.dumps(exit_inside))
    report.say(json.dumps(exit_outside))
    on_host_pid, pid, _ = pair.pids
    assert exit_outside["pid"] == on_host_pid and exit_inside["pid"] == pid != on_host_pid
    by_proc, ppid, cgroup = pair.text("init").split()
    assert (pid, exit_inside["ppid"]) == (int(by_proc), int(ppid)) and int(ppid) > 0, exit_inside
    assert exit_inside["cgroup"] == cgroup, f"{exit_inside}: {cgroup}"
    assert exit_outside["cgroup"].endswith(cgroup) and exit_outside["cgroup"] != cgroup
    for key in "ns", "hostname", "argv", "uid":
        assert exit_inside[key] == exit_outside[key], key
    assert {kind: triple(ns) for kind, ns in exit_inside["ns"].items()} == pair.outside

    own = {"runtime": "crun", "id": pair.inner.name, "name": None, "guess": False}
    assert exit_inside["container"] == own, exit_inside
    runtime, name, _ = pair.outer.maker.called(pair.outer)
    found = exit_outside["container"]
    assert found["runtime"] == runtime and name in (found["id"], found["name"]), exit_outside
    assert found["inside"].endswith(pair.inner.name), exit_outside

    # Kfuncs report a socket only in the net namespace that the agent was loaded from.
    socket_ns = first(lines, "connect", comm="nc")["socket_ns"]
    if by == "kfunc":
        assert socket_ns is None, socket_ns
    else:
        assert triple(socket_ns) == pair.outside["net"], socket_ns
    own = [line for line in lines if line["event"] == "connect" and line["comm"] == "python3"]
    assert own and triple(own[0]["socket_ns"]) == pair.of_outer["net"], own
    # All tasks are in the pid namespace of the agent, or below.
    of_tasks = [line for line in lines if "pid" in line]
    assert len(of_tasks) > 10 and all(line["pid"] > 0 for line in of_tasks)
    assert not any(line["argv"] == ["true", "of-the-host"] for line in of_tasks)
    forks = [line["child"] for line in of_tasks if line["event"] == "fork"]
    assert any(child["pid"] == pid and child["pid_inside"] == 1 for child in forks), forks


def table(report, pair, name):
    """Returns the rows of nstop, by inode number."""
    assert pair.text(f"{name}.status") == "0\n", pair.logs()
    data = json.loads(pair.text(name))
    report.say(json.dumps(data["summary"]))
    assert not data["summary"]["mismatch"], data
    lost = {key: n for key, n in data["summary"].items() if key.startswith("lost") and n}
    assert not lost, data
    return {row["ino"]: row for row in data["rows"]}


def check_nstop(report, pair):
    calls, traffic = table(report, pair, "calls"), table(report, pair, "traffic")
    for rows, kind in (calls, "pid"), (traffic, "net"):
        dev, ino, number = pair.outside[kind]
        row = rows[ino]
        report.say(json.dumps(row))
        assert (row["dev"], row["id"], row["verdict"]) == (dev, number, "match"), row
        assert (row["pid"], row["container"]) == (pair.pids[1], f"crun:{pair.inner.name}"), row
    # Its own namespace, and no other one of the host.
    assert len(calls) == 2, calls


def check_find(report, pair):
    """Without the right to open namespaces by handle, /proc has those of visible tasks."""
    found = json.loads(pair.text("found"))
    report.say(json.dumps(found))
    assert triple(found["ns"]) == pair.outside["pid"] and pair.pids[1] in found["tids"], found
    listed = {triple(json.loads(line)["ns"]) for line in pair.text("list").splitlines()}
    assert set(pair.outside.values()) <= listed, listed


def check_loaders(report, pair):
    """A program without variables that its loader sets reports pids of the container."""
    for name, command in LOADERS.items():
        # One in Go may not build with the newest packages, which test_loaders.py reports.
        if not os.path.exists(command.split()[0]):
            continue
        report.say(f"{name}: {pair.text(name)}")
        line = pair.text(f"{name}.pid").split() + [str(n) for n in pair.of_outer["pid"]]
        assert " ".join(line) in pair.text(name).splitlines(), line
