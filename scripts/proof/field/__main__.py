# SPDX-License-Identifier: GPL-2.0
"""Tests the module with common software, in the VM:

    python3 scripts/proof/field [--full] [--only PART,...] FILE

Writes results to FILE, in KTAP. Needs LAYER=field of `enter`."""

import argparse
import sys

import guest
import ktap
import test_agent
import test_criu
import test_load
import test_loaders
import test_nested
import test_runtimes
import test_tools

PARTS = {
    "runtimes": test_runtimes,
    "tools": test_tools,
    "agent": test_agent,
    "loaders": test_loaders,
    "nested": test_nested,
    "criu": test_criu,
    "load": test_load,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("file")
    args = parser.parse_args()

    tests = []
    for part in args.only.split(","):
        tests += PARTS[part].tests(args.full)
    guest.prepare()
    return ktap.run_all(args.file, tests)


if __name__ == "__main__":
    sys.exit(main())
