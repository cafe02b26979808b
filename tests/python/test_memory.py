# SPDX-License-Identifier: MIT
"""Native code when there is no memory: a MemoryError, never the end of the process."""

import unittest

import martlet
from martlet_testing import SYNC, Counted, JitTestCase, define, run_python

PROGRAM = """
import _testcapi, sys, martlet

def boxes(items, n, x):
    total = n
    for item in items:
        total = total * 3 + 1000
        x = x * 1.5 + 2.0
        if total > 2**60:
            total -= 2**60
        same(total)
        other = total
    return total, x, other

def same(x):
    return None

def straight(a, b):
    c = a + b
    d = c * 7
    same(c)
    e = d - b
    same(e)
    return c, d, e

def generate(n, x):
    for i in range(n):
        x = x * 1.5
        n += 100000
        yield n
        yield x

def consume(n, x):
    total = 0
    for item in generate(n, x):
        total += item
    return total

CASES = [(boxes, (list(range(30)), 10**6, 1.0)), (straight, (10**9, 10**10)), (straight, (1.5, 2.5)), (consume, (12, 1.5))]
for function, arguments in CASES:
    for _ in range(60):
        function(*arguments)
    martlet.compile(function)
martlet.compile(generate)
outcomes = {"value": 0, "error": 0}
for function, arguments in CASES:
    expected = function(*arguments)
    for stop in (1, 2, 4, 30, 0):
        for start in range(1, 80):
            kind = "value"
            try:
                _testcapi.set_nomemory(start, start + stop if stop else 0)
                result = function(*arguments)
            except MemoryError:
                kind = "error"
            finally:
                _testcapi.remove_mem_hooks()
            if kind == "value":
                assert result == expected, (function, start, stop, result, expected)
            outcomes[kind] += 1
    assert function(*arguments) == expected
print(outcomes["value"] > 0, outcomes["error"] > 0, martlet.stats()["entries"] > 1000)
"""


class MemoryTest(JitTestCase):
    def test_allocations_fail(self):
        try:
            import _testcapi  # noqa: F401
        except ImportError:
            self.skipTest("this Python has no _testcapi")
        for flags in (["--sync", "--opt-level=2"], ["--sync", "--opt-level=0", "--compile-first-call"]):
            status, output, errors = run_python("-m", "martlet", *flags, "-c", PROGRAM)
            self.assertEqual((status, output, errors), (0, "True True True\n", ""))


class CountersTest(JitTestCase):
    """stats() after exits and exceptions; test_exits.py has what they mean for recompilation."""

    def test_forced_exits_are_no_failed_assumptions(self):
        function = define("def f(n):\n  t = 0\n  for i in range(n):\n    t += i\n  return t")["f"]
        for _ in range(50):
            function(20)
        martlet.enable(**SYNC, force_exit_every=2)
        self.assertTrue(martlet.compile(function))
        with Counted() as counted:
            self.assertEqual(function(20), 190)
        self.assertGreater(counted["exits_Forced"], 0)
        self.assertEqual(counted["exits"], 0)

    def test_failed_assumption(self):
        function = self.warm(define("def f(a, b): return (a + b) * a")["f"], 3, 4)
        with Counted() as counted:
            self.assertEqual(function(2.0, 1), 6.0)
        self.assertEqual(counted["exits"], 1)
        reasons = ("NotInt", "NotFloat", "NotExact", "IntOverflow", "DivideByZero", "WrongType", "GuardFailed")
        self.assertEqual(sum(counted[f"exits_{reason}"] for reason in reasons), 1)

    def test_exceptions_are_counted_once_each(self):
        source = """
            def leaves(x): return x.missing
            def handles(x):
                try:
                    return x.missing
                except AttributeError:
                    return 0
        """
        names = define(source)
        for name, raised, count in (("leaves", True, 1), ("handles", False, 1)):
            function = self.compiled(names[name])
            with self.subTest(name), Counted() as counted:
                if raised:
                    self.assertRaises(AttributeError, function, 1)
                else:
                    self.assertEqual(function(1), 0)
            self.assertEqual((counted["exceptions"], counted["exits"]), (count, 0))


EXTRA = """
import ctypes, os, martlet
martlet.enable(sync=True, opt_level=0, call_threshold=3)
freed = []
free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(freed.append)
index = ctypes.pythonapi.PyUnstable_Eval_RequestCodeExtraIndex(free)
store = ctypes.pythonapi.PyUnstable_Code_SetExtra
for runs in (0, 1, 5):
    function = eval("lambda: None")
    for _ in range(runs): function()
    assert store(ctypes.py_object(function.__code__), index, ctypes.c_void_p(100 + runs)) == 0
    del function
    assert freed.pop() == 100 + runs
print("end", flush=True)
os._exit(0)  # the interpreter would call `free` for other code at its end
"""


class ExtraTest(JitTestCase):
    def test_extra_data_of_others(self):
        """A code object may die with room for our data, and without any."""
        self.assertEqual(run_python("-c", EXTRA), (0, "end\n", ""))


if __name__ == "__main__":
    unittest.main()
