# SPDX-License-Identifier: MIT
"""On-stack replacement: a hot loop in code that is called once is entered while it runs."""

import unittest

import martlet
from martlet_testing import EAGER, Counted, JitTestCase, define, jit, run_python


class OsrTest(JitTestCase):
    def enter_loop(self, source, *arguments, name="f", **names):
        """Runs a new function once, asserts that its loop was entered, and returns its answer."""
        function = define(source, **names)[name]
        with jit(**EAGER), Counted() as counted:
            answer = function(*arguments)
        self.assertGreaterEqual(counted["osr_entries"], 1, martlet.reasons())
        return answer

    def test_while_loop(self):
        source = """
            def f(n, a, b):
                x, i = 1.0, 0
                while i < n:
                    x = x * a + b
                    i += 1
                return x, i
        """
        plain = define(source)["f"](5000, 0.999, 0.25)
        self.assertEqual(self.enter_loop(source, 5000, 0.999, 0.25), plain)

    def test_for_loop(self):
        source = "def f(n):\n  t = 0\n  for i in range(n):\n    t += i\n  return t, i"
        self.assertEqual(self.enter_loop(source, 1000), (499500, 999))

    def test_nested_loops(self):
        source = """
            def f(n):
                out = []
                for i in range(n):
                    row = 0
                    for j in range(i):
                        row += i * j
                    out.append(row)
                return sum(out)
        """
        self.assertEqual(self.enter_loop(source, 60), sum(i * j for i in range(60) for j in range(i)))

    def test_loop_with_values_on_the_stack(self):
        # The iterator of the outer loop and the half-built list are on the stack when the inner loop is entered.
        source = """
            def f(n):
                return [[a, sum_to(a)] for a in range(n)], {k: [k for _ in range(30)].count(k) for k in range(n)}
            def sum_to(n):
                t = 0
                while n > 0:
                    t += n
                    n -= 1
                return t
        """
        expected = define(source)["f"](40)
        self.assertEqual(self.enter_loop(source, 40), expected)

    def test_loop_in_try_with_and_finally(self):
        source = """
            def f(n, cm):
                log = []
                try:
                    with cm as x:
                        for i in range(n):
                            x += i
                            if i == n - 5:
                                raise KeyError(i)
                except KeyError as e:
                    log.append(e.args)
                finally:
                    log.append(x)
                return log
        """
        import contextlib

        self.assertEqual(self.enter_loop(source, 200, contextlib.nullcontext(0)), [(195,), sum(range(196))])

    def test_loop_in_generator(self):
        source = """
            def f(n):
                return sum(gen(n))
            def gen(n):
                for i in range(n):
                    t = 0
                    for j in range(20):
                        t += j
                    yield t + i
        """
        self.assertEqual(self.enter_loop(source, 50), 50 * 190 + 49 * 25)

    def test_loop_with_cells(self):
        source = """
            def f(n):
                total = 0
                def add(k):
                    nonlocal total
                    total += k
                for i in range(n):
                    add(i)
                    total += 1
                return total
        """
        self.assertEqual(self.enter_loop(source, 100), 4950 + 100)

    def test_loop_at_module_level(self):
        with jit(**EAGER), Counted() as counted:
            names = define("total = 0\nfor i in range(500):\n  total += i\nwhile total > 100:\n  total -= 7")
        self.assertGreaterEqual(counted["osr_entries"], 1)
        self.assertEqual((names["total"], names["i"]), (94, 499))

    def test_loop_in_class_body(self):
        with jit(**EAGER), Counted() as counted:
            names = define("class C:\n  t = 0\n  for i in range(300):\n    t += i\n  del i")
        self.assertGreaterEqual(counted["osr_entries"], 1)
        self.assertEqual(names["C"].t, sum(range(300)))
        self.assertFalse(hasattr(names["C"], "i"))

    def test_break_and_else(self):
        source = """
            def f(n, stop):
                for i in range(n):
                    if i == stop:
                        break
                else:
                    return "else", i
                return "break", i
        """
        self.assertEqual(self.enter_loop(source, 100, 77), ("break", 77))
        self.assertEqual(self.enter_loop(source, 100, 777), ("else", 99))

    def test_unbound_local_in_loop(self):
        source = """
            def f(n):
                for i in range(n):
                    if i == n - 1:
                        return late
                    if i == n:
                        late = 1
        """
        with self.assertRaisesRegex(UnboundLocalError, "late"):
            self.enter_loop(source, 100)

    def test_big_switch_of_types_in_loop(self):
        source = """
            def f(n):
                x = 0
                kinds = []
                for i in range(n):
                    if i == 50:
                        x = float(x)
                    if i == 100:
                        x = int(x) << 70
                    if i == 150:
                        x = "s"
                    x = x + ("!" if i >= 150 else 1)
                    if i % 50 == 49:
                        kinds.append(x)
                return kinds
        """
        expected = define(source)["f"](200)
        self.assertEqual(self.enter_loop(source, 200), expected)

    def test_main_program(self):
        program = """
import martlet
total = 0
for i in range(100000):
    total += i * 2
print(total, martlet.stats()["osr_entries"] > 0)
"""
        self.assertEqual(run_python("-m", "martlet", "--sync", "-c", program)[:2], (0, "9999900000 True\n"))

    def test_entered_in_the_background(self):
        program = """
import martlet
def f():
    i, x = 0, 0.0
    while i < 30_000_000 and not (i & 1023 == 0 and martlet.stats()["osr_entries"]):
        x += 0.5
        i += 1
    return i
f()
print(martlet.stats()["osr_entries"] > 0)
"""
        self.assertEqual(run_python("-m", "martlet", "-c", program)[:2], (0, "True\n"))


if __name__ == "__main__":
    unittest.main()
