# SPDX-License-Identifier: GPL-2.0
"""The agent: its command line, its end, and what goes wrong around it."""

import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import time

import agent as agents
from agent import Agent, triple
from guest import SECS, run, running, wait_for
from runtimes import Oci

MODULE = "bpf_ns_ident"


def tests(full):
    yield "agent: --help, bad arguments", arguments
    yield "agent: Ctrl-C and SIGTERM end it, and nothing is left", ends
    yield "agent: Ctrl-C and SIGTERM end it while its reader stalls", stalled_reader
    yield "agent: a closed pipe ends it", closed_pipe
    yield "agent: what users have in place of podman's lists does not block it", no_lists
    yield "agent: without the module it says what to do", without_module
    yield "agent: without the security module it says what to do", without_lsm
    yield "agent: Ctrl-C ends it while more comes than it can read", flood
    yield "agent: goes on when the module has been loaded anew", reload
    yield "agent: ring buffer overrun is counted", overrun
    yield "agent: a namespace that is gone before the event is read", dead_namespace


def arguments(report):
    done = run(agents.PATH, "--help")
    assert done.stdout.startswith("Usage: agent "), done.stdout
    for words in ["--what"], ["--buffer"], ["--buffer", "3"], ["--events", "exec,write"]:
        done = run(agents.PATH, *words, check=False)
        assert done.returncode == 2 and done.stderr.startswith("agent: "), done
        report.say(done.stderr)


def programs():
    return [line for line in run("bpftool", "prog", "show").stdout.splitlines() if "name on_" in line]


def unload():
    """What was loaded goes when RCU allows it."""
    wait_for(lambda: run("rmmod", MODULE, check=False).returncode == 0, f"rmmod {MODULE}")


def ends(report):
    for number in signal.SIGINT, signal.SIGTERM:
        with Agent() as agent:
            assert len(programs()) == 3, programs()
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
            # There is nobody to print the last line to, so the signal has ended it.
            assert status == -number, process.stderr.read()
        wait_for(lambda: not programs(), "no programs are left")


def stall(process):
    """Has the agent print until it waits for its reader."""

    def waits():
        run("true")
        return "pipe_write" in pathlib.Path(f"/proc/{process.pid}/wchan").read_text(encoding="ascii")

    wait_for(waits, "the agent waits for its reader")


def no_lists(report):
    """They are looked at for the name of a host that podman would give."""
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


def closed_pipe(report):
    with subprocess.Popen([agents.PATH], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        run("true")
        assert process.wait(60) == 0, process.stderr.read()
        assert not process.stderr.read()


def without_module(report):
    unload()
    try:
        done = run(agents.PATH, check=False)
        report.say(done.stderr)
        assert done.returncode == 1 and f"modprobe {MODULE}" in done.stderr, done
    finally:
        run("modprobe", MODULE)


def without_lsm(report):
    """As on a kernel that has others only."""
    script = (
        "mount -t tmpfs none /sys/kernel && mkdir /sys/kernel/security && "
        'echo capability,landlock > /sys/kernel/security/lsm && exec "$0"'
    )
    done = run("unshare", "--mount", "sh", "-c", script, agents.PATH, check=False)
    report.say(done.stderr)
    assert done.returncode == 1, done
    assert "bpf is not in" in done.stderr and "lsm=capability,landlock,bpf" in done.stderr, done


def flood(report):
    """From some who do nothing but open files. What was lost is told between two rounds."""
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
    assert run("rmmod", MODULE, check=False).returncode, "the module went away under the agent"
    # While the agent looks on, and in between two of its looks.
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
    # Without a new module, the next one makes it go on.
    pause(agent)
    agent.signal(signal.SIGHUP)
    goes_on(agent)
    report.say([line["event"] for line in agent.lines if "ns" not in line])


def pause(agent):
    before = len(agent.events("paused"))
    agent.signal(signal.SIGHUP)
    wait_for(lambda: len(agent.events("paused")) > before, "a line 'paused' of the agent")


def goes_on(agent):
    """It has started once more than it has paused, and tells what comes."""
    pauses = len(agent.events("paused"))
    wait_for(lambda: len(agent.events("started")) > pauses, "a line 'started' of the agent")
    check_event(agent, len(agent.lines))


def check_event(agent, start=0):
    """What it says of a new task is right."""
    with running("sleep", "1000") as process:
        event = agent.wait_for(
            "exec", lambda e: e["pid"] == process.pid and e["path"].endswith("/sleep"), start
        )
        for kind, told in event["ns"].items():
            stat = os.stat(f"/proc/{process.pid}/ns/{kind}")
            assert (told["dev"], told["ino"]) == (stat.st_dev, stat.st_ino), event


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
    for name, told in idents.items():
        event = agent.wait_for(
            "exec", lambda e, name=name: e["path"] == "/bin/true" and (e.get("container") or {}).get("id") == name
        )
        assert triple(event["ns"]["pid"])[:2] == told, f"{name}: {event}"
        # The state directory is gone, so whose name that is cannot be known any more.
        assert event["pid_inside"] > 1 and event["container"]["runtime"] is None, event
        ids.add(event["ns"]["pid"]["id"])
    assert len(ids) == 2, ids
    report.say(f"{idents}, {'the same' if same else 'different'} pair, ids {ids}")
