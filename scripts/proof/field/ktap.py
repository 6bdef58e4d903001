# SPDX-License-Identifier: GPL-2.0
"""Writes results in KTAP, to a file and to stdout."""

import sys
import traceback


class Skip(Exception):
    """The reason why a test cannot run."""


class Report:
    def __init__(self, path, names):
        self.file = open(path, "w", encoding="utf-8")
        self.names = list(names)
        self.number = 0
        self.failed = 0
        self._print("KTAP version 1")
        self._print(f"1..{len(self.names)}")

    def _print(self, line):
        for out in self.file, sys.stdout:
            print(line, file=out, flush=True)

    def say(self, text):
        for line in str(text).splitlines():
            self._print(f"# {line}".rstrip())

    def run(self, name, function):
        """Runs one test. The test passes unless it raises an exception."""
        assert name == self.names[self.number], name
        self.number += 1
        try:
            function()
        except Skip as reason:
            why = " ".join(str(reason).split())
            self._print(f"ok {self.number} {name} # SKIP {why}")
        except Exception as error:  # continue with the other tests
            if not isinstance(error, AssertionError) or not str(error):
                self.say(traceback.format_exc())
            self.say(error)
            self.failed += 1
            self._print(f"not ok {self.number} {name}")
        else:
            self._print(f"ok {self.number} {name}")


def run_all(path, tests):
    """Runs pairs of a name and a function of the report. Returns the exit status."""
    tests = list(tests)
    report = Report(path, [name for name, _ in tests])
    for name, test in tests:
        report.run(name, lambda test=test: test(report))
    return 1 if report.failed else 0
