# SPDX-License-Identifier: MIT
"""What the test files share: the JIT on for a test, counters before and after, and programs in processes of their own."""

import contextlib
import os
import subprocess
import sys
import textwrap
import unittest

import martlet

SYNC = {"sync": True, "opt_level": 0}
FIRST = {"sync": True, "opt_level": 0, "compile_first_call": True}
# Hot after a few calls or iterations, compiled at once: what tests of on-stack replacement need.
EAGER = {"sync": True, "opt_level": 0, "call_threshold": 3, "loop_threshold": 10}


@contextlib.contextmanager
def jit(**options):
    """The JIT is on inside, off again after."""
    martlet.enable(**options)
    try:
        yield
    finally:
        martlet.disable()


def define(source, **names):
    """New functions from source, so that no other test has warmed them up; returns their namespace."""
    namespace = {"__name__": "defined", **names}
    exec(compile(textwrap.dedent(source), "<defined>", "exec"), namespace)
    return namespace


class Counted:
    """How much each statistic grew inside a `with` block."""

    def __enter__(self):
        self.before = martlet.stats()
        return self

    def __exit__(self, *exception):
        after = martlet.stats()
        self.grown = {name: after[name] - self.before.get(name, 0) for name in after}

    def __getitem__(self, name):
        return self.grown[name]


def run_python(*arguments, env=None, timeout=120, input=None, plain=False):
    """A process of the same Python; returns status, output and errors. `plain` leaves martlet's variables out."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET")}
    environment |= env or {}
    result = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=timeout, input=input,
        stdin=subprocess.DEVNULL if input is None else None,
    )  # fmt: skip
    return result.returncode, result.stdout, result.stderr


class JitTestCase(unittest.TestCase):
    """Each test begins and ends with the JIT off."""

    def setUp(self):
        martlet.disable()
        self.addCleanup(martlet.disable)

    def compiled(self, function, **options):
        """Enables the JIT and compiles the function; fails the test with the reasons if it does not compile."""
        martlet.enable(**(SYNC | options))
        self.assertTrue(martlet.compile(function), martlet.reasons())
        self.assertTrue(martlet.is_compiled(function))
        return function

    def warm(self, function, *arguments, calls=50):
        """The interpreter specializes the function first, as in real life; then it is compiled."""
        for _ in range(calls):
            function(*arguments)
        return self.compiled(function)
