# SPDX-License-Identifier: MIT
"""Warm, compile, assert compiled, break the assumption: the answer is right, and the exit is counted."""

import time
import unittest

import martlet
from martlet_testing import SYNC, Counted, JitTestCase, define, jit


class ExitTest(JitTestCase):
    def check_exit(self, source, warm, breaking):
        """Compiled after `warm` calls; each row of `breaking` has to exit and to answer as the interpreter does."""
        native, plain = define(source)["f"], define(source)["f"]
        for _ in range(60):
            native(*warm)
        self.compiled(native)
        with Counted() as counted:
            self.assertEqual(repr(native(*warm)), repr(plain(*warm)))
        self.assertEqual((counted["entries"], counted["exits"]), (1, 0))
        for row in breaking:
            with self.subTest(row), Counted() as counted:
                self.assertEqual(self.answer(native, row), self.answer(plain, row))
            # An error that a helper raises is no exit.
            self.assertGreaterEqual(counted["exits"] + counted["exits_Helper"], 1)

    @staticmethod
    def answer(function, row):
        try:
            return repr(function(*row))
        except Exception as error:
            return repr(error)

    def test_int_becomes_something_else(self):
        self.check_exit(
            "def f(a, b):\n  c = a + b\n  return c * a - b",
            (3, 4),
            [(1.5, 2), ("a", "b"), (2**80, 1), (None, 1), (True, 2)],
        )

    def test_overflow(self):
        self.check_exit("def f(a, b):\n  return a * b + a", (3, 4), [(2**40, 2**40), (-(2**62), 5)])

    def test_float_becomes_something_else(self):
        self.check_exit("def f(a, b):\n  c = a * b\n  return c + a", (1.5, 2.5), [("a", 3), ([], 2), (2**2000, 1)])

    def test_zero_division(self):
        self.check_exit("def f(a, b):\n  return a // b + a % b", (7, 2), [(7, 0)])
        self.check_exit("def f(a, b):\n  return a / b", (7.5, 2.0), [(7.5, 0.0)])

    def test_loop_counter_overflows(self):
        source = "def f(start, n):\n  x = start\n  for i in range(n):\n    x += x\n  return x"
        self.check_exit(source, (1, 20), [(1, 70), (-1, 64), (1.5, 10)])

    def test_a_variable_that_a_loop_only_writes_may_be_anything_before(self):
        source = """
            def f(n, y):
                for i in range(1, n):
                    for j in range(i):
                        x = i * j
                        y = x + 0.5
                return i, j, x, y
        """
        native, plain = define(source)["f"], define(source)["f"]
        for _ in range(60):
            native(5, None)
        self.compiled(native)
        for before in (None, 1, 2.5, "text", [], object):
            with self.subTest(before), Counted() as counted:
                self.assertEqual(native(7, before), plain(7, before))
                self.assertEqual(native(2, before), plain(2, before))
            self.assertEqual((counted["entries"], counted["exits"]), (2, 0))

    def test_a_wrong_guess_about_a_builtin_costs_a_call(self):
        class Own:
            def __len__(self):
                return 1

            def __iter__(self):
                return iter([3])

        cases = [
            ("def f(x):\n  return len(x)", [1, 2], Own()),
            ("def f(x):\n  for y in x:\n    y += 1\n  return y", [1, 2], Own()),
            ("def f(x):\n  return x in {1, 2}", 1, Own()),
            ("def f(x, d={'a': 1}):\n  return d[x]", "a", Own()),
            ("def f(x, d={'a': 1}):\n  d[x] = 5\n  return len(d)", "a", Own()),
        ]
        for source, usual, other in cases:
            function = self.warm(define(source)["f"], usual)
            expected = self.answer(define(source)["f"], (other,))
            with Counted() as counted:
                for _ in range(100):
                    self.assertEqual(self.answer(function, (other,)), expected)
            self.assertEqual((counted["exits"], counted["recompiled"]), (0, 0), source)

    def test_repeated_exits_lead_to_other_code(self):
        function = define("def f(a, b):\n  return a + b")["f"]
        for _ in range(60):
            function(1, 2)
        martlet.enable(**(SYNC | {"exit_limit": 5}))
        martlet.compile(function)
        for _ in range(200):
            self.assertEqual(function("a", "b"), "ab")
        with Counted() as counted:
            for _ in range(50):
                function("a", "b")
        self.assertLess(counted["exits"], 10, "nothing exits for ever")

    def test_code_that_has_never_run_is_left_to_the_interpreter(self):
        source = """
            def f(x, log):
                total = 0
                for i in range(x):
                    if i == 1000:
                        log.append([i, total])
                        total += len(log) * 2
                    else:
                        total += i
                if total < 0:
                    raise ValueError(str(x) + "!")
                return total
        """
        native, plain = define(source)["f"], define(source)["f"]
        martlet.disable()
        expected, expected_log = [], []
        for _ in range(50):
            expected.append(plain(1100, expected_log))
        martlet.enable(**SYNC, call_threshold=10, loop_threshold=1000000)
        log = []
        for x in range(20):
            native(x, log)
        self.assertTrue(martlet.is_compiled(native))
        with Counted() as counted:
            results = [native(1100, log)]
        self.assertEqual(counted["exits_NotRun"], 1)
        with Counted() as counted:
            for _ in range(49):
                results.append(native(1100, log))
        self.assertEqual((results, log), (expected, expected_log))
        self.assertEqual(counted["recompiled"], 1, "it has become hot")
        self.assertEqual(counted["exits_NotRun"], 39)

    def test_better_code_is_entered_while_nothing_is_counted(self):
        source = '''
            def leaf(k):
                if k >= 0:
                    k = k * 2
                    return k + 1
                return k

            def loop(start, end, until):
                for k in range(start, end):
                    leaf(k)
                    if k % 4096 == 0 and clock() > until:
                        break
                return k
        '''
        names = define(source, clock=time.monotonic)
        leaf, loop = names["leaf"], names["loop"]
        martlet.enable(opt_level=0, inline_calls=False, call_threshold=50, loop_threshold=100, least_rate=0)
        for _ in range(50):
            loop(-20_000, 0, time.monotonic() + 60)
        while martlet.stats()["queued"]:
            time.sleep(0.01)
        self.assertTrue(martlet.is_compiled(leaf) and martlet.is_compiled(loop))
        with Counted() as counted:
            last = loop(0, 1_000_000_000, time.monotonic() + 2)
        self.assertGreater(counted["exits_NotRun"], 0)
        self.assertLess(counted["exits_NotRun"], 0.9 * last, "what the worker has compiled is entered")

    def test_an_instruction_that_always_raises_has_no_next(self):
        source = """
            def f(d, k):
                try:
                    d(**k)
                    k = len(k) + 1
                except TypeError:
                    return k
        """
        function = define(source)["f"]
        martlet.enable(**SYNC, call_threshold=10)
        for _ in range(100):
            self.assertEqual(function(len, {}), {})
        with Counted() as counted:
            for _ in range(50):
                self.assertEqual(function(len, {}), {})
        self.assertEqual(counted["exits_NotRun"], 0, "nothing exits for ever")
        self.assertEqual(function(dict, {}), None)

    def test_many_sites_fail_at_once(self):
        lines = "".join(f"  t += x * {i + 2}\n" for i in range(20))
        function = define(f"def f(x):\n  t = x\n{lines}  return t")["f"]
        for _ in range(60):
            function(1)
        martlet.enable(**(SYNC | {"exit_limit": 8}))
        martlet.compile(function)
        with Counted() as counted:
            for i in range(400):
                function(1.5 if i % 2 else 1)
        self.assertLess(counted["recompiled"], 12)

    def test_forced_exits(self):
        source = """
            def f(n):
                total, items = 0, []
                for i in range(n):
                    total += i * 2
                    items.append(total / (i + 1))
                    if i % 3 == 0:
                        total -= len(items)
                return total, items
        """
        expected = define(source)["f"](50)
        for every in (1, 2, 3, 5, 11):
            function = define(source)["f"]
            with self.subTest(every), jit(**SYNC, compile_first_call=True, force_exit_every=every):
                self.assertEqual([function(50) for _ in range(4)], [expected] * 4)

    def test_globals_and_builtins_change(self):
        names = define("STEP = 1\ndef f(x): return len(x) + STEP\n")
        function = names["f"]
        for _ in range(60):
            function("abc")
        self.compiled(function)
        self.assertEqual(function("abc"), 4)
        names["STEP"] = 10
        self.assertEqual(function("abc"), 13)
        names["len"] = lambda x: 100
        self.assertEqual(function("abc"), 110)
        del names["len"]
        self.assertEqual(function("abc"), 13)
        del names["STEP"]
        self.assertRaisesRegex(NameError, "STEP", function, "abc")

    def test_class_changes(self):
        names = define("class C:\n  def m(self): return 1\n  def __init__(self): self.v = 5\ndef f(o): return o.m() + o.v")
        function, cls = names["f"], names["C"]
        instance = cls()
        for _ in range(60):
            function(instance)
        self.compiled(function)
        self.assertEqual(function(instance), 6)
        cls.m = lambda self: 100
        self.assertEqual(function(instance), 105)
        instance.m = lambda: 1000
        self.assertEqual(function(instance), 1005)
        del instance.v
        self.assertRaises(AttributeError, function, instance)
        cls.v = 7
        self.assertEqual(function(instance), 1007)
        cls.v = property(lambda self: 9)
        self.assertEqual(function(instance), 1009)

    def test_defaults_change(self):
        names = define("def g(a, b=1): return a, b\ndef f(): return g(0), g(0, 5), g(a=3)")
        for _ in range(60):
            names["f"]()
        self.compiled(names["f"])
        self.compiled(names["g"])
        self.assertEqual(names["f"](), ((0, 1), (0, 5), (3, 1)))
        names["g"].__defaults__ = ("new",)
        self.assertEqual(names["f"](), ((0, "new"), (0, 5), (3, "new")))
        names["g"].__defaults__ = None
        self.assertRaises(TypeError, names["f"])


if __name__ == "__main__":
    unittest.main()
