# SPDX-License-Identifier: GPL-2.0
"""The object file of the agent, loaded by others: libbpf from C, bpftool, a light skeleton. Rust's
libbpf-rs is what the agent itself uses. And what bpftrace says."""

import json
import os
import shutil
import subprocess

from agent import Agent, triple
from guest import DIR, ident, init_below, run, running, wait_for

BUILT = os.environ["GUEST_WORK"] + "/agent"
OBJECT = f"{BUILT}/agent.bpf.o"
PINS = "/sys/fs/bpf/field"


def tests(full):
    yield "loaders: libbpf, from C", lambda report: loader(report, "object", OBJECT)
    yield "loaders: light skeleton of bpftool", lambda report: loader(report, "light")
    yield "loaders: bpftool prog loadall", bpftool
    yield "loaders: libbpf-rs, from Rust", libbpf_rs
    yield "loaders: bpftrace", bpftrace


def check(report, lines_of):
    """A task in a pid namespace of its own: what was told of its exec is what stat(2) has."""
    command = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "sleep", "1000"]
    with running(*command) as process:
        pid = init_below(process.pid)
        wanted = (pid, *ident(f"/proc/{pid}/ns/pid"))
        wait_for(lambda: wanted in lines_of(), f"an event {wanted}")
        report.say(f"pid, dev, ino, id: {wanted}")


def loader(report, *args):
    output = DIR / f"loader-{args[0]}"
    with open(output, "wb") as file, subprocess.Popen(
        [f"{BUILT}/loader", *args], stdin=subprocess.PIPE, stdout=file, stderr=subprocess.PIPE
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
        # What is pinned is links.
        maps = json.loads(run("bpftool", "-j", "map", "show").stdout)
        events = max((m for m in maps if m.get("name") == "events"), key=lambda m: m["id"])
        loader(report, "map", str(events["id"]))
    finally:
        shutil.rmtree(PINS)


def libbpf_rs(report):
    with Agent() as agent:
        check(
            report,
            lambda: [(e["pid"], *triple(e["ns"]["pid"])) for e in agent.events("exec")],
        )


def bpftrace(report):
    """Whether the distribution's version can call kfuncs: it cannot, and this is to find out when
    that changes."""
    report.say(run("bpftrace", "--version").stdout)
    done = run(
        "bpftrace", "-e", "BEGIN { print(bpf_get_current_pidns_ident(0)); exit(); }", check=False
    )
    report.say(done.stderr or done.stdout)
    assert done.returncode and "Unknown function" in done.stderr, "bpftrace can? Tell ns_ident.rst."
