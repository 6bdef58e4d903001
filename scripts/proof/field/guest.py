# SPDX-License-Identifier: GPL-2.0
"""Prepares the VM for the tests, and reads namespaces like userspace does."""

import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import time
import uuid
from contextlib import contextmanager

DIR = pathlib.Path("/run/field")
ROOTFS = DIR / "rootfs"
MODULE = "bpf_ns_ident"
USER = "field"
USER_ID = 1000
SECS = 60  # timeout for quick operations on a slow machine

TYPES = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]
NS_GET_ID = 0x8008B70D  # _IOR(NSIO, 13, __u64)


def run(*command, check=True, timeout=SECS, **options):
    """Runs a command. On failure, the exception has its output."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=timeout,
        **options,
    )
    if check and done.returncode:
        words = " ".join(str(word) for word in command)
        raise RuntimeError(f"{words}: status {done.returncode}: {done.stderr}{done.stdout}")
    return done


def unload():
    """Unloads the module. RCU delays the end of loaded programs."""
    wait_for(lambda: run("rmmod", MODULE, check=False).returncode == 0, f"rmmod {MODULE}")


@contextmanager
def running(*command):
    """Runs a command for the duration of the context."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(condition, text, secs=SECS):
    """Waits until the condition is true, and returns its value."""
    end = time.monotonic() + secs
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {secs} s: {text}")
        time.sleep(0.02)


def ident(path):
    """Returns the identity of the namespace of a file: (dev, ino, id)."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        stat = os.fstat(fd)
        (number,) = struct.unpack("Q", fcntl.ioctl(fd, NS_GET_ID, bytes(8)))
    finally:
        os.close(fd)
    return stat.st_dev, stat.st_ino, number


def idents(pid):
    """Returns the identities of all namespaces of a task."""
    return {kind: ident(f"/proc/{pid}/ns/{kind}") for kind in TYPES}


def children(pid):
    path = f"/proc/{pid}/task/{pid}/children"
    return [int(word) for word in pathlib.Path(path).read_text(encoding="ascii").split()]


def lsns(*args):
    """Returns the output of lsns(8). lsns fails silently if a process ends meanwhile."""

    def listed():
        done = run("lsns", *args, check=False)
        return None if done.returncode else done.stdout

    return wait_for(listed, "lsns succeeds")


def init_below(pid):
    """Waits for a child of a process that is the first task of a pid namespace."""

    def look():
        ours = os.readlink(f"/proc/{pid}/ns/pid")
        for child in children(pid):
            try:
                # The pid namespace of the task, not that of its children.
                if os.readlink(f"/proc/{child}/ns/pid") != ours:
                    return child
            except FileNotFoundError:
                pass
        return None

    return wait_for(look, f"a child of {pid} in a pid namespace of its own")


def overlay(path, place=None):
    """Makes a directory writable, at the same or at another path. The changes are lost with the
    VM."""
    above = DIR / "above" / (path.strip("/").replace("/", "-") or "root")
    for name in "upper", "work":
        (above / name).mkdir(parents=True)
    options = f"lowerdir={path},upperdir={above}/upper,workdir={above}/work"
    run("mount", "-t", "overlay", "-o", options, "overlay", place or path)


def whole():
    """Returns the root of a container with the programs of the host."""
    path = DIR / "whole"
    if not path.exists():
        path.mkdir()
        overlay("/", path)
    return path


def _make_rootfs():
    for name in "bin", "dev", "etc", "field", "proc", "run", "sys", "tmp", "usr", "var", "root":
        (ROOTFS / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), ROOTFS / "bin/busybox")
    for applet in run(ROOTFS / "bin/busybox", "--list").stdout.split():
        if applet != "busybox":
            (ROOTFS / "bin" / applet).symlink_to("busybox")
    (ROOTFS / "etc/marker").write_text("", encoding="ascii")
    (ROOTFS / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n", encoding="ascii")
    # systemd-nspawn needs this.
    (ROOTFS / "etc/os-release").write_text("ID=field\n", encoding="ascii")
    (ROOTFS / "usr/lib").mkdir()
    # podman would create this, but a user must not.
    (ROOTFS / "etc/mtab").symlink_to("/proc/mounts")


def _make_user():
    entries = {
        "passwd": f"{USER}:x:{USER_ID}:{USER_ID}::/home/{USER}:/bin/bash",
        "group": f"{USER}:x:{USER_ID}:",
        "subuid": f"{USER}:100000:65536",
        "subgid": f"{USER}:100000:65536",
    }
    for name, line in entries.items():
        with open(f"/etc/{name}", "a", encoding="ascii") as file:
            print(line, file=file)
    for path in f"/home/{USER}", f"/run/user/{USER_ID}":
        os.makedirs(path)
        os.chown(path, USER_ID, USER_ID)


def prepare():
    """Call this once, in a VM with a read-only root."""
    DIR.mkdir()
    # Overlays need more features than 9p has.
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", DIR)
    overlay("/etc")
    overlay("/var/lib")
    for path in "/home", "/var/lib/containers":
        os.makedirs(path, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path)
    if not os.path.exists("/sys/fs/cgroup/cgroup.procs"):
        run("mount", "-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    # Like on a machine that systemd has booted.
    run("mount", "--make-rshared", "/")
    pathlib.Path("/etc/machine-id").write_text(f"{uuid.uuid4().hex}\n", encoding="ascii")
    run("ip", "link", "set", "lo", "up")
    # The network that podman gives a user resembles that of the host, so the host needs one.
    run("ip", "link", "add", "field0", "type", "dummy")
    run("ip", "address", "add", "192.0.2.1/24", "dev", "field0")
    run("ip", "link", "set", "field0", "up")
    run("ip", "route", "add", "default", "via", "192.0.2.2")
    _make_rootfs()
    _make_user()
