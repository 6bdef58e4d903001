# SPDX-License-Identifier: GPL-2.0
"""iproute2, util-linux and procps show the namespaces that the agent reports."""

import os
import subprocess

from agent import Agent, pair, triple
from guest import ident, idents, lsns, run

NETNS = "field-net"
PATH = f"/run/netns/{NETNS}"

# Opens a socket in one net namespace, and uses it in another one.
SOCKET = """
import os, socket
s = socket.socket()
os.setns(os.open("/proc/1/ns/net", os.O_RDONLY), os.CLONE_NEWNET)
s.settimeout(1)
s.connect_ex(("127.0.0.1", 4711))
"""


def tests(full):
    yield "tools: ip netns add, exec, identify, pids", ip_netns
    yield "tools: socket of a net namespace of ip netns", ip_netns_socket
    yield "tools: nsenter", nsenter
    yield "tools: unshare, lsns, ps", unshare


class Session:
    """Runs the agent with a net namespace, and ends other commands afterwards."""

    def __enter__(self):
        self.started = []
        self.agent = Agent()
        run("ip", "netns", "add", NETNS)
        run("ip", "netns", "exec", NETNS, "ip", "link", "set", "lo", "up")
        return self

    def spawn(self, *command):
        # pylint: disable-next=consider-using-with
        self.started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
        return self.started[-1].pid

    def exec_of(self, pid, path):
        return self.agent.wait_for("exec", lambda e: e["pid"] == pid and e["path"].endswith(path))

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
            process.wait()
        run("ip", "netns", "delete", NETNS)
        self.agent.stop()


def same_file(got):
    """Compares device and inode of the file, like iproute2."""
    stat = os.stat(PATH)
    assert pair(got) == (stat.st_dev, stat.st_ino), f"{got}, not {stat}"
    assert triple(got) == ident(PATH), got


def ip_netns(report):
    with Session() as session:
        pid = session.spawn("ip", "netns", "exec", NETNS, "sleep", "1000")
        event = session.exec_of(pid, "/sleep")
        same_file(event["ns"]["net"])
        identified = run("ip", "netns", "identify", pid).stdout.split()
        assert identified == [NETNS], identified
        pids = run("ip", "netns", "pids", NETNS).stdout.split()
        assert str(pid) in pids, pids
        # A task of the host has no such name.
        me = session.exec_of(session.spawn("sleep", "1000"), "/sleep")
        assert triple(me["ns"]["net"]) == ident("/proc/1/ns/net"), me
        assert run("ip", "netns", "identify", me["pid"]).stdout.split() == []
        report.say(f"ip netns identify {pid}: {NETNS}; {PATH}: {ident(PATH)}; {event['ns']['net']}")


def ip_netns_socket(report):
    with Session() as session:
        pid = session.spawn("ip", "netns", "exec", NETNS, "python3", "-c", SOCKET)
        event = session.agent.wait_for(
            "connect", lambda e: e["pid"] == pid and e.get("port") == 4711
        )
        same_file(event["socket_ns"])
        assert triple(event["ns"]["net"]) == ident("/proc/1/ns/net"), event


def nsenter(report):
    with Session() as session:
        event = session.exec_of(session.spawn("nsenter", f"--net={PATH}", "sleep", "1000"), "/sleep")
        same_file(event["ns"]["net"])
        session.spawn("unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--uts",
                      "--ipc", "--cgroup", "--time", "sleep", "1001")
        first = session.agent.wait_for(
            "exec", lambda e: e["path"].endswith("/sleep") and e["pid_inside"] == 1
        )
        session.spawn("nsenter", "--target", str(first["pid"]), "--all", "sleep", "1002")
        # nsenter forks to enter the pid namespace.
        inside = session.agent.wait_for(
            "exec", lambda e: e["ns"]["pid"] == first["ns"]["pid"] and e["pid"] != first["pid"]
            and e["path"].endswith("/sleep")
        )
        assert inside["ns"] == first["ns"], f"{inside} {first}"
        assert inside["pid_inside"] > 1, inside


def unshare(report):
    with Session() as session:
        session.spawn("unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--net",
                      "--uts", "--ipc", "--cgroup", "--time", "--user", "--map-root-user",
                      "sleep", "1003")
        event = session.agent.wait_for(
            "exec", lambda e: e["path"].endswith("/sleep") and e["pid_inside"] == 1
        )
        pid, got = event["pid"], event["ns"]
        for kind, is_now in idents(pid).items():
            assert triple(got[kind]) == is_now, f"{kind}: {got[kind]}, not {is_now}"
            listed = lsns("--noheadings", "--raw", "--output", "NS", "--type", kind, "--task", pid)
            assert listed.split() == [str(got[kind]["ino"])], f"{kind}: {listed}"
            shown = run("ps", "-o", f"{kind}ns=", "-p", pid).stdout.strip()
            if kind == "cgroup" and not shown:
                continue
            report.say(f"ps -o {kind}ns: {shown}, agent: {got[kind]['ino']}")
            assert shown == str(got[kind]["ino"]), f"{kind}: {shown}"
