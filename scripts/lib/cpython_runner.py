# SPDX-License-Identifier: MIT
"""Runs one module of CPython's test package and writes what became of each test (a helper of scripts/cpython_tests).

usage: cpython_runner.py MODULE EVENTS SKIP JIT
EVENTS  file that gets one JSON line when a test starts and one when it ends, so that a crash can be attributed
SKIP    JSON list of test ids not to run
JIT     JSON object with options for martlet.enable, or null for the plain interpreter
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import unittest
from collections.abc import Iterator


class Recorder(unittest.TestResult):
    """One line for each event; the outcome of a test is the worst thing that was reported while it ran."""

    def __init__(self, events: int):
        super().__init__()
        self.events = events
        self.outcome: str | None = None
        self.detail = ""
        self.seen: dict[str, int] = {}

    def name(self, test: object) -> str:
        # Ids are not always unique (generated tests): number them.
        base = test.id() if hasattr(test, "id") else str(test)
        count = self.seen.get(base, 0)
        return f"{base}#{count}" if count else base

    def write(self, **fields: object) -> None:
        os.write(self.events, (json.dumps(fields) + "\n").encode())

    def startTest(self, test):
        self.outcome, self.detail = None, ""
        self.write(event="start", id=self.name(test))

    def stopTest(self, test):
        name = self.name(test)
        self.seen[test.id()] = self.seen.get(test.id(), 0) + 1
        self.write(event="end", id=name, outcome=self.outcome or "pass", detail=self.detail[:2000])

    def note(self, outcome: str, test, err=None) -> None:
        detail = self._exc_info_to_string(err, test) if err else ""
        if self.outcome is None:
            self.outcome, self.detail = outcome, detail[-2000:]

    def addError(self, test, err):
        if isinstance(test, unittest.TestCase):
            self.note("error", test, err)
        else:  # setUpClass, setUpModule, …
            self.write(
                event="end", id=str(test), outcome="error", detail=self._exc_info_to_string(err, test)[-2000:]
            )

    def addFailure(self, test, err):
        self.note("fail", test, err)

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.note("fail", test, err)

    def addSkip(self, test, reason):
        if isinstance(test, unittest.TestCase):
            self.note("skip", test)
        else:
            self.write(event="end", id=str(test), outcome="skip", detail=reason)

    def addExpectedFailure(self, test, err):
        self.note("expected failure", test)

    def addUnexpectedSuccess(self, test):
        self.note("unexpected success", test)


def flatten(suite: object) -> Iterator[unittest.TestCase]:
    if isinstance(suite, unittest.TestSuite):
        for test in suite:
            yield from flatten(test)
    else:
        yield suite


def main() -> None:
    module_name, events_path, skip_text, jit_text = sys.argv[1:5]
    sys.argv[1:] = []
    faulthandler.enable()
    jit, skip = json.loads(jit_text), set(json.loads(skip_text))
    from test import support

    support.use_resources = []
    support.verbose = 0
    if jit is not None:
        import martlet

        martlet.enable(**jit)
    events = os.open(events_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.set_inheritable(events, False)
    recorder = Recorder(events)
    try:
        module = importlib.import_module("test." + module_name)
        tests = unittest.defaultTestLoader.loadTestsFromModule(module)
    except unittest.SkipTest as reason:
        recorder.write(event="end", id=f"test.{module_name}", outcome="skip", detail=str(reason))
        tests = unittest.TestSuite()
    numbered: dict[str, int] = {}
    chosen = []
    for test in flatten(tests):
        count = numbered.get(test.id(), 0)
        numbered[test.id()] = count + 1
        if (f"{test.id()}#{count}" if count else test.id()) not in skip:
            chosen.append(test)
    from test.support import os_helper

    with os_helper.temp_cwd():
        unittest.TestSuite(chosen).run(recorder)
    if jit is not None:
        recorder.write(event="stats", stats=martlet.stats(), reasons=martlet.reasons())
    recorder.write(event="done")


if __name__ == "__main__":
    main()
