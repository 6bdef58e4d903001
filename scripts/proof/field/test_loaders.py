# SPDX-License-Identifier: GPL-2.0
"""Other loaders for the object file of the agent: libbpf from C, bpftool, a light skeleton, cilium/ebpf
from Go. The agent itself uses libbpf-rs. Also checks whether bpftrace calls kfuncs."""

import functools
import gzip
import json
import os
import shutil
import subprocess

from agent import Agent, triple
from guest import DIR, ident, init_below, run, running, wait_for
from ktap import Skip

BUILT = os.environ["GUEST_WORK"] + "/agent"
OBJECT = f"{BUILT}/agent.bpf.o"
PINS = "/sys/fs/bpf/field"
# The directories of the versions of cilium/ebpf.
CILIUM = {"distribution": "", "newest": "/usr/src/sid"}
# Results of programs, see others.h.
THERE, ABSENT = 1, 2


def tests(full):
    libbpf = f"{BUILT}/loader"
    yield "loaders: libbpf, from C", lambda report: loader(report, libbpf, "object", OBJECT)
    yield "loaders: light skeleton of bpftool", lambda report: loader(report, libbpf, "light", "agent")
    yield "loaders: bpftool prog loadall", bpftool
    yield "loaders: libbpf-rs, from Rust", libbpf_rs
    yield "loaders: bpftrace", bpftrace
    for version in CILIUM:
        go = functools.partial(Go, version)
        name = f"loaders: cilium/ebpf, {version}, from Go"
        yield name, lambda report, go=go: go(report).object()
        yield f"{name}: programs of others", lambda report, go=go: go(report).others()
        yield f"{name}: weak kfuncs", lambda report, go=go: go(report).weak()


def check(report, lines_of):
    """The event of a task in a new pid namespace equals stat(2)."""
    command = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "sleep", "1000"]
    with running(*command) as process:
        pid = init_below(process.pid)
        wanted = (pid, *ident(f"/proc/{pid}/ns/pid"))
        wait_for(lambda: wanted in lines_of(), f"an event {wanted}")
        report.say(f"pid, dev, ino, id: {wanted}")


def loader(report, path, *args):
    output = DIR / f"{os.path.basename(path)}-{args[0]}"
    with open(output, "wb") as file, subprocess.Popen(
        [path, *args], stdin=subprocess.PIPE, stdout=file, stderr=subprocess.PIPE
    ) as process:

        def lines():
            if process.poll() is not None:
                raise AssertionError(process.stderr.read().decode())
            words = [line.split() for line in output.read_text(encoding="ascii").splitlines()]
            return [tuple(map(int, line)) for line in words if len(line) == 4] + [
                "started" for line in words if line == ["started"]
            ]

        wait_for(lambda: "started" in lines(), "the loader has started")
        check(report, lines)
        process.stdin.close()
        assert process.wait(60) == 0, process.stderr.read()


def bpftool(report):
    report.say(run("bpftool", "version").stdout)
    if not os.path.ismount("/sys/fs/bpf"):
        run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    run("bpftool", "prog", "loadall", OBJECT, PINS, "autoattach")
    try:
        # bpftool pins links, and no maps.
        maps = json.loads(run("bpftool", "-j", "map", "show").stdout)
        events = max((m for m in maps if m.get("name") == "events"), key=lambda m: m["id"])
        loader(report, f"{BUILT}/loader", "map", str(events["id"]))
    finally:
        shutil.rmtree(PINS)


def libbpf_rs(report):
    with Agent() as agent:
        check(
            report,
            lambda: [(e["pid"], *triple(e["ns"]["pid"])) for e in agent.events("exec")],
        )


def bpftrace(report):
    """The distribution's bpftrace cannot call kfuncs. The test fails as soon as it can."""
    report.say(run("bpftrace", "--version").stdout)
    done = run(
        "bpftrace", "-e", "BEGIN { print(bpf_get_current_pidns_ident(0)); exit(); }", check=False
    )
    report.say(done.stderr or done.stdout)
    assert (
        done.returncode and "Unknown function" in done.stderr
    ), "bpftrace calls kfuncs now: update ns_ident_limits.rst"


class Go:
    """A version of cilium/ebpf."""

    def __init__(self, version, report):
        self.report, self.version = report, version
        self.path = f"{BUILT}/loader-{version}"
        changes = f"{CILIUM[version]}/usr/share/doc/golang-github-cilium-ebpf-dev/changelog.Debian.gz"
        with gzip.open(changes, "rt") as file:
            self.number = file.readline().split("(")[1].split(")")[0]
        report.say(f"version {self.number}")
        if not os.path.exists(self.path):
            with open(f"{BUILT}/{version}.log", encoding="utf-8") as log:
                raise Skip(f"version {self.number} does not build: {log.read()}")

    def object(self):
        # This version rejects the weak symbols of ns_ident.bpf.h.
        path = f"{BUILT}/agent-kfuncs.bpf.o" if self.version == "distribution" else OBJECT
        loader(self.report, self.path, "object", path)

    def program(self, file, name):
        """Returns the result and the context of a program, or the error of the library."""
        done = run(self.path, "program", f"{BUILT}/{file}.bpf.o", name, check=False)
        self.report.say(f"{name}: {done.stdout}{done.stderr}")
        if done.returncode:
            return done.stderr
        value, *where = map(int, done.stdout.split())
        return value, tuple(where)

    def others(self):
        """Programs that do not use the module, while it is loaded."""
        run("modprobe", "fou")
        for name, wanted in ("kfunc_of_fou", THERE), ("type_of_nobody", ABSENT):
            got = self.program("others", name)
            assert got == (wanted, (0, 0, 0)), got

    def weak(self):
        """Weak kfuncs. Known failures are recognised by their messages."""
        asked = self.program("weak", "ours")
        nobody = self.program("weak", "kfunc_of_nobody")
        unasked = self.program("weak", "ours_unasked")
        if "unsupported binding: STB_WEAK" in asked:
            # Older versions reject a file with any weak kfunc.
            assert asked == unasked == nobody
            self.report.say("known not to work: any weak kfunc")
            return
        there = (THERE, ident("/proc/self/ns/pid"))
        assert unasked == there, unasked
        assert nobody == (ABSENT, (0, 0, 0)), nobody
        # The library patches the address of an existing kfunc like a call.
        if "BPF_LD_IMM64 uses reserved fields" in asked:
            self.report.say("known not to work: a check for an existing kfunc of a module")
        else:
            assert asked == there, asked
            self.report.say("works now: update ns_ident_limits.rst")
