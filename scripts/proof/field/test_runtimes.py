# SPDX-License-Identifier: GPL-2.0
"""For each runtime, the identities from the agent equal those of stat(2) and NS_GET_ID from outside,
of stat(2) from inside, and of lsns(8). nstop shows the name that the runtime uses."""

import json
import os
import re

from agent import Agent, pair, triple
from guest import TYPES, ident, idents, lsns, run, wait_for
from ktap import Skip
from runtimes import MAKERS

NSTOP = os.environ["GUEST_WORK"] + "/nstop/nstop"

table = {}


def tests(full):
    for maker in MAKERS:
        yield f"runtime: {maker.name}", lambda report, maker=maker: check(report, maker)
    yield "runtimes: own and host's namespaces", print_table


def start(report, maker):
    try:
        report.say(maker.version())
        container = maker.start("field-" + maker.name.replace(" ", "-"))
        container.wait_up()
    except Exception as error:  # not tested here, but worth a note
        report.say(error)
        raise Skip(f"{maker.name} cannot run here: {str(error).splitlines()[-1]}") from error
    return container


def check(report, maker):
    with Agent("--events", "exec,exit,connect,open") as agent:
        container = start(report, maker)
        try:
            outside = idents(container.pid)
            check_inside(container, outside)
            check_lsns(maker, container, outside)
            check_nstop(report, maker, container, outside)
        finally:
            container.stop()
        check_events(report, maker, agent, container, outside)


def check_inside(container, outside):
    inside = container.inside()
    for kind in TYPES:
        assert inside[kind] == outside[kind][:2], f"{kind}: {inside[kind]} {outside[kind]}"


def listed_of(pid):
    listed = json.loads(lsns("--json", "--output", "NS,TYPE", "--task", pid))
    return {entry["type"]: int(entry["ns"]) for entry in listed["namespaces"]}


def check_lsns(maker, container, outside):
    """Returns the own namespaces by lsns. The events show that the kfuncs agree."""
    theirs, host = listed_of(container.pid), listed_of(1)
    row = {}
    for kind in TYPES:
        own = outside[kind] != ident(f"/proc/1/ns/{kind}")
        by_lsns = theirs[kind] != host[kind]
        assert own == by_lsns and theirs[kind] == outside[kind][1], f"{kind}: lsns {theirs[kind]}"
        row[kind] = own
    table[maker.name] = row


def nstop_row(dev, ino):
    out = run(NSTOP, "--once", "--all", "--containers", "--interval", "0.5").stdout
    rows = [line for line in out.splitlines() if re.match(rf" *{dev} +{ino} ", line)]
    return rows[0] if rows else ""


def check_nstop(report, maker, container, outside):
    row = wait_for(lambda: nstop_row(*outside["pid"][:2]), "a row of nstop")
    report.say(row)
    assert " match " in row, row
    called = maker.called(container)
    words = "-"
    if called:
        runtime, name, inside = called
        words = f"{runtime}:{name}" + ("?" if maker.guess else "") + (f"/{inside}" if inside else "")
    assert f"  {words} " in row, f"{words}: {row}"


def check_events(report, maker, agent, container, outside):
    def mine(line):
        return triple(line["ns"]["pid"]) == outside["pid"]

    last = agent.wait_for("exit", lambda line: mine(line) and line["pid"] == container.pid)
    seen = {
        "exec": agent.wait_for("exec", lambda e: mine(e) and e["path"] == "/bin/true"),
        "open": agent.wait_for("open", lambda e: mine(e) and e["path"] == "/etc/marker"),
        "connect": agent.wait_for("connect", lambda e: mine(e) and e.get("port") == 9),
        "exit": agent.wait_for("exit", lambda e: mine(e) and e["comm"] == "true"),
    }
    for event, line in seen.items():
        for kind in TYPES:
            got = triple(line["ns"][kind])
            assert got == outside[kind], f"{event}: {kind} is {got}, not {outside[kind]}"
            assert (got != ident(f"/proc/1/ns/{kind}")) == table[maker.name][kind], got
        check_name(maker, container, line)
    assert pair(seen["connect"]["socket_ns"]) == outside["net"][:2], seen["connect"]
    assert seen["connect"]["address"] == "127.0.0.1"
    # bwrap and podman have their own process in the container.
    assert last["pid_inside"] == 1, last
    report.say(json.dumps(seen["exec"]))


def check_name(maker, container, line):
    called, found = maker.called(container), line["container"]
    if called:
        runtime, name, inside = called
        assert found["runtime"] == runtime and found.get("inside") == inside, line
        assert name in (found["id"], found["name"]) and found["guess"] == maker.guess, line
    else:
        assert found is None, line


def print_table(report):
    if not table:
        raise Skip("no runtime ran")
    report.say(f"{'':16} " + " ".join(f"{kind:6}" for kind in TYPES))
    for name, row in table.items():
        words = " ".join(f"{'own' if row[kind] else 'host':6}" for kind in TYPES)
        report.say(f"{name:16} {words}")
        assert row["pid"] and row["mnt"], f"{name} has no pid or mnt namespace of its own"
