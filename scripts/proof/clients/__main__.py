# SPDX-License-Identifier: GPL-2.0
"""Calls kfuncs of the module from programs of all loaders and tracers that can be had, in the VM:

    python3 scripts/proof/clients FILE

Writes results to FILE, in KTAP, with a line `# cell: CLIENT | VERSION | COLUMN | RESULT` for each cell of a table in
Documentation/bpf/ns_ident_portable.rst. A client that cannot call kfuncs is no failure, but a wrong result
is one, and so is a client that cannot load any program. Needs LAYER=clients of `enter`."""

import argparse
import contextlib
import functools
import glob
import gzip
import os
import re
import shutil
import sys

TOP = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
sys.path.append(f"{TOP}/scripts/proof/field")
from guest import ident, run  # pylint: disable=wrong-import-position
import ktap  # pylint: disable=wrong-import-position

BUILT = os.environ["GUEST_WORK"] + "/clients"
HERE = os.path.dirname(os.path.abspath(__file__))
SID = "/usr/src/sid"
MODULE_BTF = "/sys/kernel/btf/bpf_ns_ident"
VMLINUX_BTF = "/sys/kernel/btf/vmlinux"
PIN = "/sys/fs/bpf/client"
PACKET = "/run/client.packet"
USER = 1000
# See client.bpf.h.
ABSENT, CONTROL = 1000001, 1000002
SIZE = 24  # of struct bpf_ns_ident
BY_KFUNC = 1 << 30  # see header.bpf.c

STRONG = "strong kfunc"
WEAK = "weak kfunc"
WEAK_ABSENT = "weak kfunc, absent"
BESIDE = "kfunc of another module beside"
TYPES = "types, without privileges"
HEADER = "header"
WALK = "header, only a walk"


class Failed(Exception):
    """A client that rejects a program, with its message."""


class Untried(Exception):
    """A program that a client has no way to express."""


def in_sid(*command):
    return ["chroot", SID, *command]


def first_number(text):
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else text.strip()


def version_of(*command):
    done = run(*command)
    return first_number(done.stdout + done.stderr)


def debian_version(package, root=""):
    with gzip.open(f"{root}/usr/share/doc/{package}/changelog.Debian.gz", "rt") as file:
        return re.search(r"\(([^-+~)]*)", file.readline())[1]


def reason(done):
    """The first line with an error, or else the last line, without the place of the error."""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if re.search(r"\berror: |^libbpf: .*failed", line, re.IGNORECASE)]
    text = (errors or lines[-1:] or [f"status {done.returncode}"])[0]
    text = re.sub(r" \(\d+ line\(s\) omitted\)", "", text)
    return re.sub(r"^.*\berror: |^libbpf: |^.*: (?=BPF_LD_IMM64|.*unsupported)", "", text,
                  flags=re.IGNORECASE)


def result_of(report, *command, number=r"(-?\d+)", **options):
    """Runs a client, and returns the number that it prints."""
    done = run(*command, check=False, timeout=300, **options)
    report.say(f"$ {' '.join(command)}\n{done.stderr}{done.stdout}")
    found = None if done.returncode else re.search(number, done.stdout)
    if not found:
        raise Failed(reason(done))
    return int(found[1])


class Client:
    """A loader that prints the result of the program in an object file."""

    def __init__(self, name, version, load, types=None):
        self.name, self.version, self.load, self.types = name, version, load, types

    def run(self, report, program):
        return result_of(report, *self.load(program))

    def read_types(self, report):
        return result_of(report, *as_user(self.types))


class Bpftool(Client):
    """Loads and runs the program in two steps."""

    def __init__(self, version, bpftool, directory):
        super().__init__("bpftool", version, None)
        self.bpftool, self.directory = bpftool, directory

    def run(self, report, program):
        with pinned():
            path = f"{self.directory}/{program}.bpf.o"
            done = run(*self.bpftool, "prog", "load", path, PIN, check=False)
            report.say(f"bpftool prog load {path}\n{done.stderr}{done.stdout}")
            if done.returncode:
                raise Failed(reason(done))
            return run_pinned(report)

    def read_types(self, report):
        dump = [*self.bpftool, "btf", "dump", "file", MODULE_BTF]
        return result_of(report, *as_user(dump), number=r"STRUCT 'bpf_ns_ident' size=(\d+)")


class Bcc(Client):
    """Has no object files."""

    def run(self, report, program):
        if program not in ("control", "strong"):
            raise Untried
        with pinned():
            done = run("python3", f"{HERE}/bcc_loader.py", program, PIN, check=False, timeout=300)
            report.say(f"bcc: {program}\n{done.stderr}{done.stdout}")
            if done.returncode:
                raise Failed(reason(done))
            return run_pinned(report)


class Bpftrace(Client):
    """Has scripts, which import functions in C."""

    def __init__(self, version, bpftrace, directory):
        super().__init__("bpftrace", version, None)
        self.bpftrace, self.directory = bpftrace, directory

    def run(self, report, program):
        if program not in ("control", "strong", "weak"):
            raise Untried
        script = f'BEGIN {{ printf("%d\\n", {CONTROL}); exit(); }}'
        if program != "control":
            script = (f'import "{self.directory}/bpftrace-{program}.bpf.c"; '
                      'BEGIN { printf("%d\\n", client_netns_id(0)); exit(); }')
        return result_of(report, *self.bpftrace, "-e", script, number=r"(?m)^(-?\d+)$")


def as_user(command):
    """Runs the command as a user without privileges, also in a chroot."""
    if command[0] == "chroot":
        return ["chroot", f"--userspec={USER}:{USER}", *command[1:]]
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *command]


@contextlib.contextmanager
def pinned():
    try:
        yield
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(PIN)


def run_pinned(report):
    return result_of(report, "bpftool", "prog", "run", "pinned", PIN, "data_in", PACKET,
                     number=r"Return value: (\d+)")


def built(path):
    return lambda program: [f"{BUILT}/{path}", f"{BUILT}/{program}.bpf.o"]


def clients():
    """All of them, with their versions."""
    libbpf = version_of(f"{BUILT}/loader", "--version")
    types = [f"{BUILT}/loader", "--types", MODULE_BTF]
    yield Client("libbpf", libbpf, built("loader"), types)
    newest = in_sid("/run/clients/loader")
    yield Client("libbpf", version_of(*newest, "--version"),
                 lambda program: [*newest, f"/run/clients/{program}.bpf.o"],
                 [*newest, "--types", MODULE_BTF])
    bpftool = version_of("bpftool", "version")
    yield Client("skeleton of bpftool", bpftool, lambda program: [f"{BUILT}/skeleton-{program}"])
    yield Client("light skeleton of bpftool", bpftool, lambda program: [f"{BUILT}/light-{program}"])
    yield Bpftool(bpftool, ["bpftool"], BUILT)
    yield Bpftool(version_of(*in_sid("bpftool", "version")), in_sid("bpftool"), "/run/clients")
    for name in "libbpf_rs", "aya":
        for path in sorted(glob.glob(f"{BUILT}/loader-{name}-*")):
            version = path.rpartition("-")[2]
            if version == "distribution":
                version = "0.25.0-beta.1"
            yield Client(name.replace("_", "-"), version, built(os.path.basename(path)))
    for name, root in ("distribution", ""), ("newest", SID):
        yield Client("cilium/ebpf", debian_version("golang-github-cilium-ebpf-dev", root),
                     built(f"loader-go-{name}"), [f"{BUILT}/loader-go-{name}", "--types", MODULE_BTF])
    yield Bcc("bcc", version_of("python3", "-c", "import bcc; print(bcc.__version__)"), None)
    yield Bpftrace(version_of("bpftrace", "--version"), ["bpftrace"], BUILT)
    yield Bpftrace(version_of(*in_sid("bpftrace", "--version")), in_sid("bpftrace"), "/run/clients")


def module(loaded):
    """The clients are in a net namespace of their own."""
    run("modprobe", *([] if loaded else ["--remove"]), "bpf_ns_ident",
        *(["loader_ns=cgroup,ipc,mnt,pid,time,user,uts"] if loaded else []))


def cell(report, client, column, wanted, get):
    """Prints a cell. A number that is not wanted is a failure."""
    try:
        got = get()
    except Untried:
        return
    except Failed as why:
        report.say(f"cell: {client.name} | {client.version} | {column} | no: {why}")
        return
    if (column, got) == (WEAK, ABSENT):
        report.say(f"cell: {client.name} | {client.version} | {column} | no: absent, although the "
                   "module is loaded")
        return
    if column == HEADER and got == (wanted[0], wanted[0]):
        report.say(f"cell: {client.name} | {client.version} | {column} | walk")
        return
    assert got == wanted, f"{client.name}: {column}: {got}, not {wanted}"
    report.say(f"cell: {client.name} | {client.version} | {column} | yes")


def both_ways(report, client):
    """The same program walks without the module, and calls the kfunc with the module."""
    walk = client.run(report, "header")
    module(True)
    return walk, client.run(report, "header")


def test(client, report):
    _, _, here = ident("/proc/self/ns/net")
    module(True)
    try:
        control = client.run(report, "control")
    except Failed as why:
        raise AssertionError(f"loads no program at all: {why}") from why
    assert control == CONTROL, control
    for column, program in (STRONG, "strong"), (WEAK, "weak"), (BESIDE, "beside"):
        cell(report, client, column, here, lambda program=program: client.run(report, program))
    if client.types or isinstance(client, Bpftool):
        cell(report, client, TYPES, SIZE, lambda: client.read_types(report))
    module(False)
    try:
        cell(report, client, WEAK_ABSENT, ABSENT, lambda: client.run(report, "weak"))
        cell(report, client, WALK, here, lambda: client.run(report, "walk"))
        with contextlib.suppress(Failed):
            value = client.run(report, "strong")
            raise AssertionError(f"a strong kfunc without the module returned {value}")
        cell(report, client, HEADER, (here, here | BY_KFUNC), lambda: both_ways(report, client))
    finally:
        module(True)


def show_headers():
    """bcc looks for the headers of the kernel beside its modules. Debian's are in two directories."""
    release = os.uname().release
    modules, above = f"/usr/lib/modules/{release}", "/run/modules"
    for name in "upper", "work":
        os.makedirs(f"{above}/{name}")
    run("mount", "-t", "overlay", "-o",
        f"lowerdir={modules},upperdir={above}/upper,workdir={above}/work", "overlay", modules)
    headers = f"/usr/src/linux-headers-{release}"
    for link, target in ("build", headers), ("source", headers.replace("-amd64", "-common")):
        os.symlink(target, f"{modules}/{link}")


def tools():
    """Programs that read objects and types, by name and version."""
    for version, bpftool, directory in (
        (version_of("bpftool", "version"), ["bpftool"], BUILT),
        (version_of(*in_sid("bpftool", "version")), in_sid("bpftool"), "/run/clients"),
    ):
        for first, second in ("strong", "strong"), ("strong", "weak"), ("weak", "strong"), ("weak", "weak"):
            yield ("bpftool gen object", version, f"a {first} and a {second} declaration",
                   functools.partial(link, bpftool, directory, first, second))
        yield "bpftool gen min_core_btf", version, "a program with a kfunc", functools.partial(
            minimize, bpftool, directory)
    for name, command in ("pahole", ["pahole"]), ("pahole", in_sid("pahole")):
        yield name, version_of(*command, "--version"), "the types of the module", functools.partial(
            show_struct, command)
    objdump = next(path for path in ("llvm-objdump-19", "llvm-objdump") if shutil.which(path))
    yield "llvm-objdump", version_of(objdump, "--version"), "the name of a kfunc at its call", (
        functools.partial(disassemble, objdump))


def link(bpftool, directory, first, second, report):
    """Links the halves of a program, and runs it."""
    done = run(*bpftool, "gen", "object", f"{directory_to_write(bpftool)}/linked.bpf.o",
               f"{directory}/first-{first}.bpf.o", f"{directory}/second-{second}.bpf.o", check=False)
    report.say(f"{done.stderr}{done.stdout}")
    if done.returncode:
        raise Failed(reason(done))
    _, _, here = ident("/proc/self/ns/net")
    got = result_of(report, f"{BUILT}/loader", f"{SID}/tmp/linked.bpf.o")
    assert got == here, f"{got}, not {here}"


def directory_to_write(command):
    return "/tmp" if command[0] == "chroot" else f"{SID}/tmp"


def minimize(bpftool, directory, report):
    """Makes a file with only the types of the kernel that a program needs, and runs the program."""
    done = run(*bpftool, "gen", "min_core_btf", VMLINUX_BTF, f"{directory_to_write(bpftool)}/min.btf",
               f"{directory}/core.bpf.o", check=False)
    report.say(f"{done.stderr}{done.stdout}")
    if done.returncode:
        raise Failed(reason(done))
    _, _, here = ident("/proc/self/ns/net")
    got = result_of(report, f"{BUILT}/loader", "--btf", f"{SID}/tmp/min.btf", f"{BUILT}/core.bpf.o")
    assert got == here, f"{got}, not {here}"


def show_struct(pahole, report):
    size = result_of(report, *pahole, f"--btf_base={VMLINUX_BTF}", "-C", "bpf_ns_ident", MODULE_BTF,
                     number=r"size: (\d+)")
    assert size == SIZE, size


def disassemble(objdump, report):
    text = run(objdump, "--disassemble", "--reloc", f"{BUILT}/strong.bpf.o").stdout
    report.say(text)
    if "bpf_skb_netns_ident" not in text:
        raise Failed("the output lacks the name")


def test_tool(name, version, use, function, report):
    """Like cell() for a tool. Any other exception is a failure."""
    try:
        function(report)
    except Failed as why:
        report.say(f"tool: {name} | {version} | {use} | no: {why}")
        return
    report.say(f"tool: {name} | {version} | {use} | yes")


def without_sys_admin(report):
    """libbpf finds no module then: a weak kfunc is absent, and a strong one an error."""
    caps = "+bpf,+net_admin,+perfmon"
    prefix = ["setpriv", f"--reuid={USER}", "--clear-groups", f"--inh-caps={caps}",
              f"--ambient-caps={caps}", f"{BUILT}/loader"]
    assert result_of(report, *prefix, f"{BUILT}/control.bpf.o") == CONTROL
    assert result_of(report, *prefix, f"{BUILT}/weak.bpf.o") == ABSENT
    try:
        value = result_of(report, *prefix, f"{BUILT}/strong.bpf.o")
    except Failed:
        return
    raise AssertionError(f"a strong kfunc returned {value}")


def prepare():
    if not os.path.ismount("/sys/fs/bpf"):
        run("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
    run("modprobe", "fou")
    with open(PACKET, "wb") as file:
        file.write(bytes(64))
    for path in "/proc", "/sys", "/dev":
        run("mount", "--rbind", path, SID + path)
    for path in "/run", "/tmp":
        run("mount", "-t", "tmpfs", "tmpfs", SID + path)
    os.mkdir(f"{SID}/run/clients")
    run("mount", "--bind", BUILT, f"{SID}/run/clients")
    show_headers()
    module(False)
    # Of no other task, so that no other namespace has the id.
    os.unshare(os.CLONE_NEWNET)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    args = parser.parse_args()

    prepare()
    tests = [
        (f"clients: {client.name} {client.version}", functools.partial(test, client))
        for client in clients()
    ]
    tests += [
        (f"clients: {name} {version}: {use}",
         functools.partial(test_tool, name, version, use, function))
        for name, version, use, function in tools()
    ]
    tests.append(("clients: libbpf without CAP_SYS_ADMIN", without_sys_admin))
    return ktap.run_all(args.file, tests)


if __name__ == "__main__":
    sys.exit(main())
