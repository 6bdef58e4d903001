# SPDX-License-Identifier: GPL-2.0
"""Many containers start and stop while the agent runs. Each exec is from the right container."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from agent import Agent, pair, triple
from guest import DIR, ROOTFS, run
from runtimes import Oci

# Each container executes a path with its number, and writes the results of stat(2).
SCRIPT = "stat -L -c '%d %i' /proc/self/ns/pid > /field/{n}; /tags/{n}/true; /tags/{n}/true"


def tests(full):
    number, at_once = (1000, 50) if full else (40, 8)
    yield (
        f"load: {number} containers, {at_once} at a time",
        lambda report: load(report, number, at_once),
    )


def prepare(number):
    (ROOTFS / "tags").mkdir()
    share = DIR / "load"
    share.mkdir()
    run("crun", "spec", "--bundle", share)
    config = json.loads((share / "config.json").read_text(encoding="utf-8"))
    config["root"] = {"path": str(ROOTFS), "readonly": True}
    config["process"]["terminal"] = False
    mount = {"destination": "/field", "type": "bind", "source": str(share)}
    config["mounts"].append(mount | {"options": ["rbind", "rw"]})
    for n in map(str, range(number)):
        (ROOTFS / "tags" / n).symlink_to("/bin")
        config["process"]["args"] = ["/bin/sh", "-c", SCRIPT.format(n=n)]
        (share / f"{n}.json").write_text(json.dumps(config), encoding="utf-8")
    return share


def bpf_time():
    """Returns the nanoseconds and runs of the agent's programs."""
    shown = json.loads(run("bpftool", "-j", "prog", "show").stdout)
    mine = [prog for prog in shown if prog.get("name", "").startswith("on_")]
    return sum(p.get("run_time_ns", 0) for p in mine), sum(p.get("run_cnt", 0) for p in mine)


def load(report, number, at_once):
    share = prepare(number)
    run("sysctl", "-w", "kernel.bpf_stats_enabled=1")
    agent = Agent("--buffer", "8192")

    def one(n):
        return run("crun", "run", "--bundle", share, "--config", share / f"{n}.json", f"load-{n}",
                   check=False, timeout=600)

    start = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        done = list(pool.map(one, range(number)))
    seconds = time.monotonic() - start
    spent, runs = bpf_time()
    last = agent.stop()
    run("sysctl", "-w", "kernel.bpf_stats_enabled=0")

    failed = [result for result in done if result.returncode]
    assert not failed, f"{len(failed)} containers did not start: {failed[0]}"
    wrong, missing, pairs = judge(agent, share, number)
    cpus = os.cpu_count()
    report.say(
        f"{number} containers in {seconds:.0f} s on {cpus} CPUs: {last['events']} events, "
        f"{last['lost']} lost, {len(wrong)} wrong, {missing} execs not seen; "
        f"{len(pairs)} different pairs; BPF: {runs} runs, {spent / max(runs, 1):.0f} ns each, "
        f"{100 * spent / (seconds * 1e9 * cpus):.2f} % of the CPUs"
    )
    assert not wrong, "\n".join(wrong[:5])
    assert missing <= last["lost"], f"{missing} not seen, {last['lost']} counted as lost"


def judge(agent, share, number):
    """Returns the execs that were attributed to a wrong container."""
    wrong, ids, pairs, seen = [], {}, set(), 0
    for event in agent.events("exec"):
        words = event["path"].split("/")
        if words[1:2] != ["tags"]:
            continue
        seen += 1
        n, got = words[2], triple(event["ns"]["pid"])
        inside = tuple(map(int, (share / n).read_text(encoding="ascii").split()))
        container = event.get("container") or {}
        # Each container has one id, and each id belongs to one container.
        if (
            container.get("id") != f"load-{n}"
            or inside != pair(event["ns"]["pid"])
            or ids.setdefault(got[2], n) != n
        ):
            wrong.append(f"{inside}: {event}")
        pairs.add(got[:2])
    if len(ids) > number:
        wrong.append(f"{len(ids)} ids for {number} containers")
    return wrong, 2 * number - seen, pairs
