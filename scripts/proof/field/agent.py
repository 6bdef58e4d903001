# SPDX-License-Identifier: GPL-2.0
"""Runs the agent of samples/agent, and stores its output lines."""

import json
import os
import signal
import subprocess
import threading

from guest import SECS, wait_for

PATH = os.environ["GUEST_WORK"] + "/agent/agent"


class Agent:
    def __init__(self, *args):
        self.lines = []
        self.errors = ""
        self.stopped = False
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [PATH, *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self.readers:
            reader.start()
        self.wait_for("started")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.process.kill()
            self.process.wait()
        else:
            self.stop()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def events(self, event, **fields):
        """Returns the events with these fields, in order."""
        found = []
        for line in list(self.lines):
            if line["event"] == event and all(line.get(k) == v for k, v in fields.items()):
                found.append(line)
        return found

    def wait_for(self, event, match=lambda line: True, start=0, secs=SECS):
        """Waits for the first line of an event that matches, and returns it."""

        def look():
            for line in self.lines[start:]:
                if line["event"] == event and match(line):
                    return line
            if self.process.poll() is not None and not self.readers[0].is_alive():
                raise AssertionError(f"the agent has ended, no '{event}': {self.errors}")
            return None

        return wait_for(look, f"a line '{event}' of the agent", secs)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """Ends the agent like Ctrl-C. Returns its last line."""
        if self.stopped:
            return self.lines[-1]
        self.stopped = True
        if self.process.poll() is None:
            self.signal(signal.SIGINT)
        status = self.process.wait(SECS)
        for reader in self.readers:
            reader.join(SECS)
        assert status == 0, f"the agent's status is {status}: {self.errors}"
        assert not self.errors, self.errors
        assert self.lines[-1]["event"] == "ended", self.lines[-1]
        return self.lines[-1]


def pair(namespace):
    return namespace["dev"], namespace["ino"]


def triple(namespace):
    return namespace["dev"], namespace["ino"], namespace["id"]
