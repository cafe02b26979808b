# SPDX-License-Identifier: MIT
"""Bodies take the place of calls, and what fails in them fails only so often."""

import unittest

import martlet
from martlet_testing import Counted, JitTestCase, define, jit, run_python

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
