# SPDX-License-Identifier: GPL-2.0
"""Checks the BTF of Rust modules more strictly than the kernel:

    python3 scripts/proof/btf FILE KERNEL_O MODULE...

KERNEL_O is the object of the crate `kernel`. Its functions that encode BTF must only run in the
compiler. A MODULE is the .o file that a .ko file is linked from. Writes results to FILE, in KTAP. The
BTF has to equal the output of libbpf, since other readers, such as cilium/ebpf, may reject BTF that the
kernel accepts. Damaged copies of the first module prove that the checks find damage."""

import os
import subprocess
import sys

from btf import Btf, Wrong, check, sections
from damage import damages
from libbpf import Libbpf

sys.path.append(os.path.dirname(os.path.abspath(__file__)) + "/../field")
import ktap  # pylint: disable=wrong-import-position


def find(damage, wanted, by_libbpf, libbpf, path):
    """The check must find the damage, and report it as the error."""
    order, *blobs = sections(path)
    base = Btf(order, blobs[0], ".BTF.base")
    split = Btf(order, blobs[1], ".BTF", base)
    damaged = damage(base, split) or (base.blob(), split.blob())
    assert damaged != tuple(blobs), "the blobs are not damaged"
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


def has_no_code(path):
    """The object has no function of kernel::bpf::btf, except for KUnit tests."""
    symbols = subprocess.run(["nm", path], check=True, capture_output=True, text=True).stdout
    assert "6kernel3bpf5kfunc" in symbols, f"{path} is not the object of the crate"
    code = [line.split()[-1] for line in symbols.splitlines()
            if "6kernel3bpf3btf" in line and "5tests" not in line]
    assert not code, "is in the object: " + ", ".join(code)


def tests(kernel_o, paths):
    yield "no_code_that_makes_btf", lambda: has_no_code(kernel_o)
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


def main(file, kernel_o, *paths):
    return ktap.run_all(file, ((name, lambda _, test=test: test())
                               for name, test in tests(kernel_o, paths)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
