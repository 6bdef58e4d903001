# SPDX-License-Identifier: GPL-2.0
"""CRIU checkpoints a container, and restores it after another namespace has got its pair."""

import os
import pathlib
import subprocess

from agent import Agent, pair, triple
from guest import DIR, children, ident, init_below, run, wait_for
from ktap import Skip
from runtimes import Oci

# Three processes, each of which opens a file periodically.
TREE = """#!/bin/sh
# The output is a file outside of the container.
exec < /dev/null > /dev/null 2>&1
for name in a b; do
	(while :; do : < /etc/marker; usleep 200000; done) &
done
touch /field/up
while :; do : < /etc/marker; usleep 200000; done
"""

HOLDERS = 200


def tests(full):
    yield "criu: check", criu_check
    yield "criu: restored with a new identity, while another has the old pair", migrate


def criu_check(report):
    report.say(run("criu", "--version").stdout)
    done = run("criu", "check", check=False)
    report.say(done.stdout + done.stderr)
    if done.returncode:
        raise Skip(f"criu check: {done.stderr.splitlines()[-1]}")


class Tree(Oci):
    """A container of runc, which calls criu."""

    images = DIR / "images"

    def __init__(self):
        super().__init__("runc")

    def bundle(self, container):
        config = super().bundle(container)
        # Without the namespaces that criu 4.1 cannot restore here. To dump a net namespace, criu
        # lists UDP-Lite sockets, and fails, since Linux has removed UDP-Lite:
        # "Sockects collect procedure family AF_INET proto IPPROTO_UDPLITE: -2"
        namespaces = config["linux"]["namespaces"]
        config["linux"]["namespaces"] = [
            ns for ns in namespaces if ns["type"] not in ("cgroup", "network")
        ]
        return config

    def criu(self, command, container, *args):
        done = run("runc", command, "--image-path", self.images, "--work-path", self.images, *args,
                   container.name, check=False)
        if done.returncode:
            logs = [path.read_text(errors="replace") for path in self.images.glob("*.log")]
            errors = [line for log in logs for line in log.splitlines() if "Error" in line]
            raise RuntimeError("\n".join([f"runc {command}: {done.stderr}{done.stdout}", *errors]))

    def checkpoint(self, container):
        self.criu("checkpoint", container)

    def restore(self, container):
        self.criu("restore", container, "--detach", "--bundle", container.dir)


def pids_inside(pid):
    """Returns the outer and inner pids of a container's init and its permanent children."""
    found = {}
    for task in [pid, *children(pid)]:
        try:
            status = pathlib.Path(f"/proc/{task}/status").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            # Skip usleep, which ends soon.
            continue
        for line in status.splitlines():
            words = line.split()
            # 0: the task was released after the open.
            if words[0] == "NSpid:" and words[-1] != "0":
                found[task] = int(words[-1])
    return found


class Holder:
    """A pid namespace with a task that calls execve periodically."""

    def __init__(self):
        # No other type, so that each free number goes to a pid namespace.
        command = ["unshare", "--fork", "--kill-child", "--pid",
                   "sh", "-c", "while :; do /bin/true; sleep 0.2; done"]
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        pid = init_below(self.process.pid)
        self.ident = ident(f"/proc/{pid}/ns/pid")

    def end(self):
        self.process.kill()
        self.process.wait()


def take_pair(wanted):
    """Creates namespaces until one has that pair, and keeps only that one."""
    holders = []
    try:
        for _ in range(HOLDERS):
            holders.append(Holder())
            if holders[-1].ident[:2] == wanted:
                return holders.pop()
    finally:
        for holder in holders:
            holder.end()
    raise AssertionError(f"none of {HOLDERS} namespaces got the pair {wanted}")


def migrate(report):
    maker = Tree()
    maker.images.mkdir()
    with Agent("--events", "exec,open") as agent:
        migrate_under(report, maker, agent)


def migrate_under(report, maker, agent):
    try:
        container = maker.start("field-tree", TREE)
    except RuntimeError as error:
        raise Skip(f"runc: {error}") from error
    holder = None
    try:
        container.wait_up()
        old = ident(f"/proc/{container.pid}/ns/pid")
        before = pids_inside(container.pid)
        report.say(f"before: {old}, pids on the host and inside {before}")
        seen_before = seen_inside(agent, old)
        assert seen_before == main_pids(before), f"{seen_before} {before}"

        try:
            maker.checkpoint(container)
        except RuntimeError as error:
            report.say(error)
            raise Skip(f"checkpointing fails here: {reason(error)}") from error
        wait_for(lambda: not os.path.exists(f"/proc/{container.pid}"), "it is gone")

        holder = take_pair(old[:2])
        event = agent.wait_for("exec", lambda e: triple(e["ns"]["pid"]) == holder.ident)
        assert pair(event["ns"]["pid"]) == old[:2] and event["ns"]["pid"]["id"] != old[2], event
        report.say(f"meanwhile: {holder.ident} is another one: {event}")

        try:
            maker.restore(container)
        except RuntimeError as error:
            report.say(error)
            raise Skip(f"restoring fails here: {reason(error)}") from error
        container.pid = maker.state(container)["pid"]
        new = ident(f"/proc/{container.pid}/ns/pid")
        after = pids_inside(container.pid)
        report.say(f"after: {new}, pids on the host and inside {after}")
        assert new[2] not in (old[2], holder.ident[2]) and new[:2] != old[:2], new
        assert main_pids(after) == main_pids(before), after

        seen_after = seen_inside(agent, new)
        report.say(f"by bpf_get_current_pid_tgid_in(): before {seen_before}, after {seen_after}")
        assert seen_after == seen_before
        # Of the container's own tasks, not of the programs that CRIU runs in the new pid namespace
        # before it restores the cgroup.
        event = agent.wait_for(
            "open", lambda e: triple(e["ns"]["pid"]) == new and e["path"] == "/etc/marker"
        )
        container_of_event = {
            "runtime": "runc", "id": container.name, "name": None, "guess": False,
        }
        assert event["container"] == container_of_event, event
    finally:
        if holder:
            holder.end()
        run("runc", "delete", "--force", container.name, check=False)


def reason(error):
    """Returns the first error of criu, or else the last line."""
    lines = str(error).splitlines()
    return next((line for line in lines if "Error (" in line), lines[-1])


def main_pids(pids):
    """Returns the pids of init and the two loops."""
    return sorted(pids.values())[:3]


def seen_inside(agent, namespace):
    """Returns the inner pids of these three from the agent."""

    def three():
        events = agent.events("open", path="/etc/marker")
        found = {e["pid_inside"] for e in events if triple(e["ns"]["pid"]) == namespace}
        return sorted(found) if len(found) == 3 else None

    return wait_for(three, "events of three tasks")
