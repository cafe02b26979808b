# SPDX-License-Identifier: MIT
"""Bodies take the place of calls, and what fails in them fails only so often."""

import collections
import sys
import unittest

import martlet
from martlet_testing import SYNC, Counted, JitTestCase, define, jit, run_python

SOURCE = """
class Node:
    def __init__(self, value, next):
        self.value = value
        self.next = next
    def get(self):
        return self.value
    def add(self, x):
        self.value = self.value + x
        return self.value
    @property
    def half(self):
        return self.value // 2
    @half.setter
    def half(self, half):
        self.value = half * 2
    def __getitem__(self, key):
        a, b = key
        return self.value + a * b
    def __add__(self, other):
        return Node(self.value + other.value, None)

def next_of(node):
    node = node.next
    return node
def same(a, b):
    return a == b
def plus(a, b):
    return a + b
def item(container, key):
    return container[key]
"""


class InliningTest(JitTestCase):
    def inlined(self, body, *arguments):
        """How many calls of `f`, whose loop runs `body`, are replaced, and what `f` says."""
        names = ", ".join("abc"[: len(arguments)])
        functions = define(SOURCE + f"def f({names}):\n  for i in range(200):\n    {body}\n  return r")
        before = martlet.stats()["inlined_calls"]
        for _ in range(40):
            result = functions["f"](*(make(functions) for make in arguments))
        self.compiled(functions["f"])
        return martlet.stats()["inlined_calls"] - before, result

    def test_calls_are_replaced(self):
        def node(functions):
            return functions["Node"](1, None)

        for body, answer in (
            ("r = a.get()", 1),
            ("r = a.add(i)", 1 + sum(range(200))),
            ("r = a[i, 2]", 1 + 199 * 2),
            ("r = (a + a).get()", 2),
            ("r = plus(i, 1)", 200),
        ):
            with self.subTest(body):
                count, result = self.inlined(body, node)
                self.assertEqual(result, answer)
                self.assertGreater(count, 0)

    def taken_in(self, source, *rows):
        """`f`, which has been called often enough to have learned from its results, and takes something in."""
        f = define(source)["f"]
        before = martlet.stats()["inlined_calls"]
        martlet.enable(**SYNC, call_threshold=60, exit_limit=5)
        for row in rows:
            for _ in range(2000):
                f(*row)
        self.assertTrue(martlet.is_compiled(f))
        self.assertGreater(martlet.stats()["inlined_calls"], before, source)
        return f

    def expression(self, body, *rows):
        """What `body` makes of the last row, without any generator."""
        names = ", ".join("abc"[: len(rows[0])])
        f = self.taken_in(f"def f({names}):\n  return {body}", *rows)
        before, answer = martlet.stats(), f(*rows[-1])
        self.assertEqual(f(*rows[-1]), answer)
        after = martlet.stats()
        self.assertEqual(after["exits"], before["exits"], body)
        self.assertEqual(after["resume_entries"], before["resume_entries"], body)
        return answer

    def test_generator_expressions_are_taken_in(self):
        items = [3, 1, 2]
        for body, row, answer in (
            ("sum(x * x for x in a)", (items,), 14),
            ("sum(x / 2 for x in a)", (items,), 3.0),
            ("sum(x > 1 for x in a)", (items,), 2),
            ("max(x for x in a)", (items,), 3),
            ("min(b[x] for x in a)", (items, {1: 1.5, 2: 0.5, 3: 2.5}), 0.5),
            ("any(x > 2 for x in a), all(x > 2 for x in a)", (items,), (True, False)),
            ("list(x for x in a if x > b)", (items, 1), [3, 2]),
            ("tuple(b[x - 1] + x for x in a)", (items, tuple(items)), (5, 4, 3)),
            ("set(x % 2 for x in a)", (items,), {0, 1}),
            ("','.join(str(x) for x in a)", (items,), "3,1,2"),
            ("sum(x for row in a for x in row)", ([items, [4]],), 10),
            ("sum(i * i for i in range(a))", (4,), 14),
            ("sum(b * p for b, p in a)", ([(1, 0.5), (2, 1.5)],), 3.5),
        ):
            with self.subTest(body):
                self.assertEqual(self.expression(body, row), answer)

    def test_generator_expressions_that_fail_are_generators_again(self):
        f = self.taken_in("def f(a):\n  return sum(x for x in a)", ([1, 2],))
        before = martlet.stats()
        self.assertEqual(f([2**62, 2**62]), 2**63)
        self.assertEqual(f([1, 0.5]), 1.5)
        with self.assertRaises(TypeError):
            f([1, None])
        after = martlet.stats()
        self.assertGreater(after["exits"], before["exits"])
        self.assertEqual(f([1, 2]), 3)
        for _ in range(300):
            self.assertEqual(f(iter([1, 2])), 3)  # its own iterator: what is taken is gone
        before = martlet.stats()["exits"]
        for _ in range(300):
            self.assertEqual(f(iter([1, 2])), 3)
        self.assertLess(martlet.stats()["exits"] - before, 300, "it does not exit for ever")

    def test_keys_that_are_missing_are_no_wrong_guess(self):
        table = collections.defaultdict(float, {i: 1.0 for i in range(600)})
        f = self.taken_in("def f(a, b):\n  return sum(a[k] for k in b)", (table, (1, 2)))
        before = martlet.stats()
        for i in range(600):
            self.assertEqual(f(table, (i, i + 600)), 1.0)
        self.assertEqual(martlet.stats()["exits"], before["exits"])
        before = martlet.stats()
        for i in range(600):
            f(table, (i, i + 1))
        after = martlet.stats()
        self.assertEqual((after["exits"], after["resume_entries"]), (before["exits"], before["resume_entries"]))
        self.assertEqual(f(table, (9999, 1)), 1.0)
        self.assertIn(9999, table)

    def test_who_watches_a_generator_expression_sees_it(self):
        f = self.taken_in("def f(a):\n  return sum(x for x in a)", ([1, 2],))
        events, code = [], f.__code__.co_consts[1]
        monitoring = sys.monitoring
        monitoring.use_tool_id(4, "test")
        try:
            monitoring.register_callback(4, monitoring.events.PY_YIELD, lambda *args: events.append(args[-1]))
            monitoring.set_local_events(4, code, monitoring.events.PY_YIELD)
            self.assertEqual(f([1, 2]), 3)
        finally:
            monitoring.set_local_events(4, code, 0)
            monitoring.register_callback(4, monitoring.events.PY_YIELD, None)
            monitoring.free_tool_id(4)
        self.assertEqual(events, [1, 2])

    def test_properties_are_learned(self):
        body = "def f(a):\n  for i in range(2000):\n    a.half = i\n    r = a.half\n  return r"
        functions = define(SOURCE + body)
        node = functions["Node"](1, None)
        with jit(sync=True, loop_threshold=50, size_step=10**6):
            for _ in range(20):
                functions["f"](node)
            with Counted() as counted:
                self.assertEqual((functions["f"](node), node.value), (1999, 3998))
        self.assertLess(counted["entries"], 5, "getter and setter are not called any more")

    def test_not_where_it_is_switched_off(self):
        script = "import martlet\ndef g(x): return x + 1\ndef f():\n  for i in range(9000): r = g(i)\n  return r\n"
        script += "for _ in range(9): f()\nprint(martlet.stats()['inlined_calls'] > 0, martlet.is_compiled(f))"
        for flag, answer in (("1", "True True\n"), ("0", "False True\n")):
            _, output, _ = run_python("-m", "martlet", "--sync", "--inline-calls=" + flag, "-c", script)
            self.assertEqual(output, answer)

    def test_failures_end(self):
        loops = {
            "next": "r = next_of(a)",
            "none": "r = same(None, a)",
            "lists": "r = plus([1], [i])",
            "texts": "r = same('x', i)",
            "missing": "r = 0\n    try: item({}, i)\n    except KeyError: r = 1",
            "both": "r = plus(i, 1) if i % 2 else plus('a', 'b')",
        }
        for name, body in loops.items():
            with self.subTest(name):
                functions = define(SOURCE + f"def f(a):\n  for i in range(500):\n    {body}\n  return r")
                node = functions["Node"](1, functions["Node"](2, None))
                for _ in range(60):
                    functions["f"](node)
                with Counted() as counted:
                    for _ in range(20):
                        functions["f"](node)
                self.assertEqual(counted["exits"], 0)


if __name__ == "__main__":
    unittest.main()
