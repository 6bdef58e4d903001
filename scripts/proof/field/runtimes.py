# SPDX-License-Identifier: GPL-2.0
"""Starts containers with the programs of the distribution. All containers have the same root file
system, and run the same script."""

import json
import os
import pathlib
import shutil
import subprocess

from guest import DIR, ROOTFS, USER, USER_ID, init_below, run, wait_for, whole

# Prints the results of stat(2) inside, causes events, and waits.
SCRIPT = """#!/bin/sh
cd /field
for kind in cgroup ipc mnt net pid time user uts; do
	stat -L -c "$kind %d %i" /proc/self/ns/$kind
done > inside
/bin/true
: < /etc/marker
nc -w 1 127.0.0.1 9
sed -n 's/^NSpid:.*\t//p' /proc/self/status > /dev/null
touch up
while [ ! -e stop ]; do
	usleep 100000
done
"""


class Container:
    """A running container. `runtime` and `name` are those in the output of the agent and nstop."""

    def __init__(self, maker, name):
        self.maker = maker
        self.outer = None
        self.name = name
        self.dir = DIR / name
        self.pid = None
        self.process = None

    def wait_up(self):
        def up():
            assert not self.process or self.process.poll() is None, self.output()
            return (self.dir / "up").exists()

        wait_for(up, f"{self.name} is up")

    def inside(self):
        """Returns the pairs from stat(2) in the container."""
        lines = (self.dir / "inside").read_text(encoding="ascii").split("\n")
        return {kind: (int(dev), int(ino)) for kind, dev, ino in map(str.split, lines[:-1])}

    def output(self):
        return (self.dir / "output").read_text(encoding="utf-8", errors="replace")

    def stop(self):
        (self.dir / "stop").touch()
        wait_for(lambda: not os.path.exists(f"/proc/{self.pid}"), f"{self.name} has ended")
        if self.process:
            self.process.wait()
        self.maker.remove(self)


class Maker:
    """Starts and stops containers of one runtime."""

    name = runtime = ""
    # Whether the path of the cgroup is no proof of the name.
    guess = False

    def start(self, name, script=SCRIPT):
        container = self.prepare(name, script)
        self.make(container)
        return container

    def prepare(self, name, script):
        container = Container(self, name)
        container.dir.mkdir()
        (container.dir / "script").write_text(script, encoding="ascii")
        os.chmod(container.dir / "script", 0o755)
        os.chmod(container.dir, 0o777)
        return container

    def make(self, container):
        raise NotImplementedError

    def spawn(self, container, command, **options):
        """Runs a command that lasts as long as the container."""
        with open(container.dir / "output", "wb") as output:
            # pylint: disable-next=consider-using-with
            container.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                **options,
            )

    def detach(self, container, command, **options):
        """Runs a command that ends when the container runs, and stores its output."""
        with open(container.dir / "output", "wb") as output:
            done = subprocess.run(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                **options,
            )
        if done.returncode:
            words = " ".join(map(str, command))
            raise RuntimeError(f"{words}: status {done.returncode}: {container.output()}")

    def remove(self, container):
        pass

    def called(self, container):
        """Returns the names in the agent and nstop: runtime, name, inner container."""
        return self.runtime, container.name, None

    def version(self):
        return run(self.runtime, "--version").stdout.splitlines()[0]


class Oci(Maker):
    """crun, runc: start an OCI bundle."""

    def __init__(self, runtime):
        self.name = self.runtime = runtime

    def bundle(self, container):
        """Subclasses override this for other containers."""
        if not (container.dir / "config.json").exists():
            run(self.runtime, "spec", "--bundle", container.dir)
        config = json.loads((container.dir / "config.json").read_text(encoding="utf-8"))
        config["root"] = {"path": str(ROOTFS), "readonly": True}
        config["process"]["terminal"] = False
        config["process"]["args"] = ["/field/script"]
        config["hostname"] = container.name
        options = ["rbind", "rw"]
        mount = {"destination": "/field", "type": "bind", "source": str(container.dir)}
        config["mounts"].append(mount | {"options": options})
        return config

    def prepare(self, name, script):
        container = super().prepare(name, script)
        config = json.dumps(self.bundle(container))
        (container.dir / "config.json").write_text(config, encoding="utf-8")
        return container

    def make(self, container):
        command = [self.runtime, "run", "--detach", "--bundle", container.dir, container.name]
        self.detach(container, command)
        container.pid = self.state(container)["pid"]

    def state(self, container):
        return json.loads(run(self.runtime, "state", container.name).stdout)

    def remove(self, container):
        run(self.runtime, "delete", "--force", container.name)


class Podman(Maker):
    name = runtime = "podman"
    command = ["podman", "--cgroup-manager=cgroupfs", "--events-backend=none"]
    options = []
    rootfs, mode = ROOTFS, ":O"

    def wrap(self, command):
        return command

    def podman(self, *args):
        return self.wrap([*self.command, *args])

    def make(self, container):
        self.detach(
            container,
            self.podman(
                "run", *self.options, "--detach", "--name", container.name,
                "--volume", f"{container.dir}:/field",
                "--rootfs", f"{self.rootfs}{self.mode}",
                "/field/script",
            ),
        )
        words = self.podman("inspect", "--format", "{{.State.Pid}}", container.name)
        container.pid = int(run(*words).stdout)

    def remove(self, container):
        run(*self.podman("rm", "--force", "--time=0", container.name))


class VolatilePodman(Podman):
    """Containers with --rm are in a separate list."""

    name = "podman --rm"
    options = ["--rm"]


class RootlessPodman(Podman):
    name = "podman-rootless"
    guess = True
    rootfs, mode = pathlib.Path(f"/home/{USER}/rootfs"), ""

    def make(self, container):
        # podman has to create files in it.
        shutil.copytree(ROOTFS, self.rootfs, symlinks=True)
        run("chown", "--recursive", "--no-dereference", USER, self.rootfs)
        super().make(container)

    def wrap(self, command):
        env = [f"HOME=/home/{USER}", f"XDG_RUNTIME_DIR=/run/user/{USER_ID}"]
        return ["runuser", "-u", USER, "--", "env", "--chdir=/", *env, *command]

    def version(self):
        return run(*self.podman("--version")).stdout.strip()


class Nspawn(Maker):
    name = runtime = "systemd-nspawn"

    def root(self):
        return ["--directory", ROOTFS, "--read-only"]

    def make(self, container):
        # Use the cgroup of systemd-nspawn@.service.
        cgroup = f"/sys/fs/cgroup/machine.slice/systemd-nspawn@{container.name}.service"
        os.makedirs(cgroup)
        self.spawn(
            container,
            ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', cgroup,
             "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network",
             *self.root(), "--machine", container.name,
             "--bind", f"{container.dir}:/field", "/field/script"],
        )
        container.pid = init_below(container.process.pid)


class Lxc(Maker):
    """Privileged, so without a user namespace of its own."""

    name = runtime = "lxc"
    root, mode, binds = ROOTFS, "ro", []

    def config(self, container):
        binds = [(container.dir, "field"), *((path, str(path)[1:]) for path in self.binds)]
        return [
            f"lxc.uts.name = {container.name}",
            f"lxc.rootfs.path = dir:{self.root}",
            f"lxc.rootfs.options = {self.mode}",
            "lxc.init.cmd = /field/script",
            "lxc.apparmor.profile = unconfined",
            "lxc.mount.auto = proc:rw sys:rw cgroup:rw:force",
            "lxc.net.0.type = empty",
            "lxc.net.0.flags = up",
            *(f"lxc.mount.entry = {path} {place} none bind,create=dir 0 0" for path, place in binds),
        ]

    def make(self, container):
        config = container.dir / "config"
        config.write_text("\n".join(self.config(container)) + "\n", encoding="ascii")
        self.spawn(
            container,
            ["lxc-start", "--foreground", "--name", container.name, "--rcfile", config,
             "--lxcpath", DIR, "--logfile", container.dir / "log"],
        )
        container.pid = init_below(container.process.pid)

    def version(self):
        return "lxc-start " + run("lxc-start", "--version").stdout.strip()


class Nameless(Maker):
    def called(self, container):
        return None


class Bubblewrap(Nameless):
    name, runtime = "bubblewrap", "bwrap"

    def make(self, container):
        reader, writer = os.pipe()
        self.spawn(
            container,
            ["bwrap", "--unshare-all", "--info-fd", str(writer), "--die-with-parent",
             "--ro-bind", ROOTFS, "/", "--proc", "/proc", "--dev", "/dev",
             "--bind", container.dir, "/field", "--hostname", container.name, "/field/script"],
            pass_fds=[writer],
        )
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as info:
            text = info.read()
        if not text:
            container.process.wait()
            raise RuntimeError(container.output())
        container.pid = json.loads(text)["child-pid"]


class Unshare(Nameless):
    name = runtime = "unshare"

    def make(self, container):
        root = container.dir / "root"
        root.mkdir()
        enter = (
            'mount --rbind "$0" "$1" && mount --rbind "$2" "$1/field" && '
            'mount -t proc proc "$1/proc" && exec chroot "$1" /field/script'
        )
        self.spawn(
            container,
            ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--net", "--ipc", "--uts",
             "--cgroup", "--time", "--user", "--map-root-user",
             "sh", "-c", enter, ROOTFS, root, container.dir],
        )
        container.pid = init_below(container.process.pid)


class Nested(Maker):
    """crun, in a privileged container of runc with the programs of the host. Returns the inner
    container."""

    name = "crun in runc"
    runtime = "crun"

    def __init__(self):
        self.outer = Privileged("runc")
        self.inner = Oci("crun")

    def prepare(self, name, script):
        container = self.inner.prepare(name, script)
        container.maker = self
        return container

    def make(self, container):
        command = f"crun run --detach --bundle {container.dir} {container.name}"
        container.outer = self.outer.start(f"{container.name}-outer", f"""#!/bin/sh
            {command} > /field/output 2>&1 || exit
            touch /field/up
            while [ ! -e /field/stop ]; do
                sleep 0.1
            done
            crun delete --force {container.name}
        """)
        container.outer.wait_up()
        container.pid = init_below(container.outer.pid)

    def called(self, container):
        return self.outer.runtime, container.outer.name, container.name

    def remove(self, container):
        container.outer.stop()

    def version(self):
        return f"{self.inner.version()} in {self.outer.version()}"


class Privileged(Oci):
    def bundle(self, container):
        config = super().bundle(container)
        config["root"]["path"] = str(whole())
        every = [f"CAP_{name}" for name in (
            "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP "
            "NET_BIND_SERVICE NET_ADMIN NET_RAW SYS_CHROOT SYS_PTRACE SYS_ADMIN SYS_RESOURCE "
            "MKNOD AUDIT_WRITE SETFCAP"
        ).split()]
        config["process"]["capabilities"] = {
            kind: every for kind in ("bounding", "effective", "inheritable", "permitted")
        }
        config["linux"].pop("maskedPaths", None)
        config["linux"].pop("readonlyPaths", None)
        config["linux"].pop("seccomp", None)
        for mount in config["mounts"]:
            if mount["type"] == "cgroup":
                mount["options"] = [word for word in mount["options"] if word != "ro"]
        config["mounts"] += [
            {"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]},
            {"destination": str(DIR), "type": "bind", "source": str(DIR), "options": ["rbind"]},
        ]
        # It is mounted already, but has to be the last mount.
        field = [mount for mount in config["mounts"] if mount["destination"] == "/field"]
        config["mounts"] = [m for m in config["mounts"] if m not in field] + field
        return config


MAKERS = [
    Oci("crun"), Oci("runc"), Podman(), VolatilePodman(), RootlessPodman(), Nspawn(), Lxc(),
    Bubblewrap(), Unshare(), Nested(),
]
