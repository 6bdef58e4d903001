# SPDX-License-Identifier: GPL-2.0
"""Checks the BTF that modules in Rust bring along, more strictly than the kernel does:

    python3 scripts/btf FILE MODULE...

A MODULE is a .ko file, or the .o file that it is made from. Leaves results in FILE, as KTAP. What is
right is what libbpf would write: what else reads BTF, as cilium/ebpf does, may not accept what the
kernel accepts. Damaged copies of the first module show that the checks find damage."""

import os
import sys

from btf import Btf, Wrong, check, sections
from damage import damages
from libbpf import Libbpf

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/../field")
import ktap  # pylint: disable=wrong-import-position


def find(damage, wanted, by_libbpf, libbpf, path):
    """The damage must be found, and be what is said to be wrong."""
    order, *blobs = sections(path)
    base = Btf(order, blobs[0], ".BTF.base")
    split = Btf(order, blobs[1], ".BTF", base)
    damaged = damage(base, split) or (base.blob(), split.blob())
    assert damaged != tuple(blobs), "there is no damage"
    try:
        check(order, *damaged)
    except Wrong as found:
        assert wanted in str(found), f"found: {found}, wanted: {wanted}"
    else:
        raise AssertionError("the damage was not found")
    if by_libbpf and libbpf:
        try:
            libbpf.check(*damaged)
        except Wrong:
            return
        raise AssertionError("libbpf would write the same")


def tests(paths):
    try:
        libbpf = Libbpf()
    except OSError as reason:
        libbpf, why = None, reason

    def written(path):
        if not libbpf:
            raise ktap.Skip(why)
        libbpf.check(*sections(path)[1:])

    for path in paths:
        name = os.path.basename(path).split(".")[0]
        yield f"{name}_is_right", lambda path=path: check(*sections(path))
        yield f"{name}_is_what_libbpf_writes", lambda path=path: written(path)
    for name, *args in damages():
        yield f"{name}_is_found", lambda args=args: find(*args, libbpf, paths[0])


def main(file, *paths):
    every = list(tests(paths))
    report = ktap.Report(file, [name for name, _ in every])
    for name, test in every:
        report.run(name, test)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
