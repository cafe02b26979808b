# SPDX-License-Identifier: MIT
"""martlet's Python API: what it answers, and that bad input gets a clear error and changes nothing."""

import functools
import json
import os
import re
import sys
import tempfile
import textwrap
import time
import unittest

import martlet
from martlet_testing import EAGER, FIRST, SYNC, Counted, JitTestCase, define, jit, run_python

OPTIMIZER_ID = 5


class ThresholdTest(JitTestCase):
    SOURCE = "def f(x):\n    if x: return x\n" + "    x = x + 1\n" * 100

    def test_large_code_has_to_run_more_often(self):
        f = define(self.SOURCE)["f"]
        words = len(f.__code__.co_code) // 2
        with jit(sync=True, opt_level=0, call_threshold=10, size_step=words // 3):
            for _ in range(29):
                f(1)
            self.assertFalse(martlet.is_compiled(f))
            f(1)
            self.assertTrue(martlet.is_compiled(f))

    def test_the_step_itself_changes_nothing(self):
        f = define(self.SOURCE)["f"]
        with jit(sync=True, opt_level=0, call_threshold=10, size_step=len(f.__code__.co_code) // 2):
            for _ in range(10):
                f(1)
            self.assertTrue(martlet.is_compiled(f))

    def test_what_runs_seldom_is_left_to_the_interpreter(self):
        f = define("def f(): pass")["f"]
        with jit(call_threshold=50, least_rate=10**9), Counted() as grown:
            for _ in range(5000):
                f()
        self.assertEqual((grown["compiled"], martlet.is_compiled(f)), (0, False))

    def test_what_ran_seldom_gets_hot(self):
        f = define("def f(): pass")["f"]
        with jit(call_threshold=80, least_rate=1000):
            used = time.process_time() + 0.2  # in which it ought to have run 200 times
            while time.process_time() < used:
                pass
            for _ in range(80):
                f()
            self.assertEqual(martlet.stats()["queued"], 0)
            self.assertFalse(martlet.is_compiled(f))
            deadline = time.monotonic() + 60
            while not martlet.is_compiled(f) and time.monotonic() < deadline:
                f()
            self.assertTrue(martlet.is_compiled(f))

    def test_the_compiler_yields_and_the_program_keeps_its_priority(self):
        script = """
            import os, time, martlet
            before = os.getpriority(os.PRIO_PROCESS, 0)
            martlet.enable(call_threshold=2, worker_nice=3, least_rate=0)
            def f(): pass
            deadline = time.monotonic() + 60
            while not martlet.is_compiled(f) and time.monotonic() < deadline: f()
            after = os.getpriority(os.PRIO_PROCESS, 0)
            threads = [os.getpriority(os.PRIO_PROCESS, int(t)) for t in os.listdir("/proc/self/task")]
            print(before == after, sorted(threads) == sorted([before, min(before + 3, 19)]))
        """
        self.assertEqual(run_python("-c", textwrap.dedent(script))[:2], (0, "True True\n"))


class EnableTest(JitTestCase):
    def test_enable_and_disable(self):
        self.assertFalse(martlet.is_enabled())
        martlet.enable()
        self.assertTrue(martlet.is_enabled())
        martlet.enable(sync=True)
        self.assertTrue(martlet.is_enabled())
        martlet.disable()
        self.assertFalse(martlet.is_enabled())
        martlet.disable()

    def test_tool_id_is_taken_and_given_back(self):
        martlet.enable()
        self.assertIsNotNone(sys.monitoring.get_tool(OPTIMIZER_ID))
        martlet.disable()
        self.assertIsNone(sys.monitoring.get_tool(OPTIMIZER_ID))

    def test_tool_id_in_use(self):
        sys.monitoring.use_tool_id(OPTIMIZER_ID, "somebody else")
        self.addCleanup(sys.monitoring.free_tool_id, OPTIMIZER_ID)
        with self.assertRaisesRegex(RuntimeError, "somebody else|in use|taken"):
            martlet.enable()
        self.assertFalse(martlet.is_enabled())
        self.assertEqual(sys.monitoring.get_tool(OPTIMIZER_ID), "somebody else")
        self.assertEqual(sys.monitoring.get_events(OPTIMIZER_ID), 0)

    def test_unknown_option(self):
        with self.assertRaisesRegex(TypeError, "no_such_option.*call_threshold"):
            martlet.enable(no_such_option=1)
        self.assertFalse(martlet.is_enabled())

    def test_bad_option_values(self):
        for options, error in (
            ({"call_threshold": "many"}, TypeError),
            ({"call_threshold": True}, TypeError),
            ({"call_threshold": 1.5}, TypeError),
            ({"sync": 1}, TypeError),
            ({"dump": 5}, TypeError),
            ({"call_threshold": -1}, ValueError),
            ({"opt_level": 17}, ValueError),
            ({"call_threshold": 10**30}, ValueError),
        ):
            with self.subTest(options), self.assertRaises(error):
                martlet.enable(**options)
            self.assertFalse(martlet.is_enabled())

    def test_bad_options_leave_the_old_ones(self):
        martlet.enable(**EAGER)
        with self.assertRaises(TypeError):
            martlet.enable(sync="yes")
        self.assertTrue(martlet.is_enabled())
        function = define("def f(x): return x + 1")["f"]
        for _ in range(10):
            function(1)
        self.assertTrue(martlet.is_compiled(function))

    def test_option_table(self):
        table = {option.name: option for option in martlet.options()}
        for name in ("call_threshold", "loop_threshold", "compile_first_call", "sync", "dump", "opt_level"):
            self.assertIn(name, table)
        for option in table.values():
            self.assertEqual(option.env, "MARTLET_" + option.name.upper())
            self.assertEqual(option.flag, "--" + option.name.replace("_", "-"))
            self.assertEqual(type(option.default).__name__, option.type)
            self.assertTrue(option.description)
            martlet.enable(**{option.name: option.default})
            martlet.disable()

    def test_subinterpreter_is_refused(self):
        import _interpreters

        interpreter = _interpreters.create("legacy")
        try:
            error = _interpreters.exec(interpreter, "import martlet\nmartlet.enable()")
        finally:
            _interpreters.destroy(interpreter)
        self.assertIsNotNone(error)
        self.assertIn("martlet", str(error.msg))


class CompileTest(JitTestCase):
    def test_compile(self):
        function = define("def f(a, b): return a * b + 1")["f"]
        martlet.enable(**SYNC)
        self.assertFalse(martlet.is_compiled(function))
        with Counted() as counted:
            self.assertIs(martlet.compile(function), True)
        self.assertTrue(martlet.is_compiled(function))
        self.assertTrue(martlet.is_compiled(function.__code__))
        self.assertEqual(counted["compiled"], 1)
        self.assertEqual(counted["failed"], 0)
        self.assertGreater(counted["code_bytes"], 0)
        self.assertGreater(counted["compile_seconds"], 0)
        with Counted() as counted:
            self.assertEqual([function(i, 2) for i in range(10)], [i * 2 + 1 for i in range(10)])
        self.assertEqual(counted["entries"], 10)

    def test_not_a_function(self):
        martlet.enable(**SYNC)
        before = martlet.stats()["compiled"]
        for thing in (42, "f", None, len, int, [].append, object()):
            with self.subTest(repr(thing)):
                self.assertRaisesRegex(TypeError, "function", martlet.compile, thing)
                self.assertRaisesRegex(TypeError, "function", martlet.is_compiled, thing)
        self.assertEqual(martlet.stats()["compiled"], before)

    def test_not_enabled(self):
        function = define("def f(): pass")["f"]
        self.assertRaisesRegex(RuntimeError, "enabled", martlet.compile, function)
        self.assertFalse(martlet.is_compiled(function))

    def test_methods_and_wrappers(self):
        names = define(
            """
            class C:
                def m(self): return 1
                @classmethod
                def c(cls): return 2
            def f(): return 3
            """
        )
        martlet.enable(**SYNC)
        self.assertTrue(martlet.compile(names["C"]().m))
        self.assertTrue(martlet.compile(names["C"].c))
        self.assertTrue(martlet.compile(functools.lru_cache(names["f"])))
        self.assertEqual((names["C"]().m(), names["C"].c(), names["f"]()), (1, 2, 3))

    def test_hot_function_is_compiled(self):
        function = define("def f(x): return x + 1")["f"]
        with jit(**EAGER):
            for i in range(20):
                self.assertEqual(function(i), i + 1)
            self.assertTrue(martlet.is_compiled(function))

    def test_cold_function_is_not(self):
        function = define("def f(x): return x + 1")["f"]
        with jit(sync=True, call_threshold=1000):
            for i in range(20):
                function(i)
            self.assertFalse(martlet.is_compiled(function))

    def test_first_call(self):
        function = define("def f(x): return x + 1")["f"]
        with jit(**FIRST), Counted() as counted:
            self.assertEqual(function(1), 2)
        self.assertGreaterEqual(counted["compiled"], 1)
        self.assertGreaterEqual(counted["entries"], 1)

    def test_new_closures_have_the_entry(self):
        make = define("def make(n):\n  def add(x): return x + n\n  return add")["make"]
        martlet.enable(**SYNC)
        first = make(1)
        martlet.compile(first)
        with Counted() as counted:
            self.assertEqual([make(n)(10) for n in range(8)], [10 + n for n in range(8)])
            self.assertTrue(martlet.is_compiled(make(3)))
        self.assertEqual(counted["entries"], 8)

    def test_disable_and_enable_again(self):
        function = define("def f(x): return x + 1")["f"]
        martlet.enable(**SYNC)
        martlet.compile(function)
        martlet.disable()
        with Counted() as counted:
            self.assertEqual(function(1), 2)
        self.assertEqual(counted["entries"], 0)
        martlet.enable(**SYNC)
        martlet.compile(function)
        with Counted() as counted:
            self.assertEqual(function(1), 2)
        self.assertEqual(counted["entries"], 1)

    def test_code_replaced(self):
        names = define("def f(x): return x + 1\ndef g(x): return x * 100")
        function = names["f"]
        self.compiled(function)
        self.assertEqual(function(5), 6)
        function.__code__ = names["g"].__code__
        self.assertEqual(function(5), 500)

    def test_code_dies_with_its_code_object(self):
        martlet.enable(**SYNC)

        def round_trip():
            for i in range(20):
                martlet.compile(define(f"def f(x): return x + {i}")["f"])

        round_trip()
        before = martlet.stats()["code_bytes"]
        for _ in range(3):
            round_trip()
        self.assertLess(martlet.stats()["code_bytes"], before + 20 * 4096)

    def test_background(self):
        import time

        function = define("def f(x): return x + 1")["f"]
        with jit(call_threshold=5, least_rate=0):
            deadline = time.monotonic() + 30
            while not martlet.is_compiled(function) and time.monotonic() < deadline:
                function(1)
            self.assertTrue(martlet.is_compiled(function))
            with Counted() as counted:
                self.assertEqual(function(41), 42)
            self.assertEqual(counted["entries"], 1)


class ReportTest(JitTestCase):
    def test_stats_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "stats.json")
            program = """
                import martlet, os, sys
                martlet.enable(sync=True, opt_level=0, call_threshold=400, stats_file=sys.argv[1])
                def f(a): return a + 1
                for i in range(500): f(i)
                os.chdir("/")
                if os.fork() == 0: sys.exit()
                os.wait()
            """
            status, output, errors = run_python("-c", textwrap.dedent(program), os.path.relpath(path))
            self.assertEqual((status, output, errors), (0, "", ""))
            with open(path) as file:
                stats = json.load(file)
        self.assertGreaterEqual(stats["compiled"], 1)
        self.assertGreater(stats["compile_seconds_95"], 0)
        self.assertGreater(stats["bytecode_instructions"], 3)

    def test_stats_are_plain_numbers(self):
        stats = martlet.stats()
        for name in ("compiled", "failed", "entries", "osr_entries", "exits", "compile_seconds", "code_bytes"):
            self.assertIn(name, stats)
        for name, value in stats.items():
            self.assertIn(type(value), (int, float), name)
            self.assertGreaterEqual(value, 0, name)

    def test_reasons(self):
        self.assertIsInstance(martlet.reasons(), dict)
        for sentence, count in martlet.reasons().items():
            self.assertIsInstance(sentence, str)
            self.assertGreater(count, 0)

    def test_dumps(self):
        function = define("def f(x): return x + 1")["f"]
        stages = martlet._martlet.dumps(function)
        for stage in ("bytecode", "hir", "llvm", "assembly"):
            self.assertTrue(any(stage in name.lower() for name in stages), stages.keys())
        self.assertFalse(any(not text for text in stages.values()))

    def test_dump_option(self):
        status, output, errors = run_python(
            "-m", "martlet", "--compile-first-call", "--sync", "--dump=wanted", "-c",
            "def wanted(x): return x + 1\ndef other(x): return x * 2\nprint(wanted(1), other(2))",
        )  # fmt: skip
        self.assertEqual((status, output), (0, "2 4\n"), errors)
        self.assertIn("wanted", errors)
        self.assertNotIn("other", errors)

    def test_compiling_twice_gives_the_same(self):
        function = define("def f(a, n):\n  for i in range(n):\n    a = a * 2 + i\n  return a")["f"]
        # The number in a symbol's name counts the compilations of this process.
        texts = [
            {stage: re.sub(r"py:f:\d+", "py:f", text) for stage, text in martlet._martlet.dumps(function).items()}
            for _ in range(2)
        ]
        for stage, text in texts[0].items():
            self.assertEqual(text, texts[1][stage], stage)


class OpcodeTableTest(unittest.TestCase):
    def test_opcodes_agree_with_this_python(self):
        import _opcode_metadata
        import dis

        known = dis.opmap | _opcode_metadata._specialized_opmap
        rows = {name: number for name, number, *_ in martlet._martlet._opcodes()}
        for name, number in rows.items():
            with self.subTest(name):
                self.assertEqual(known.get(name), number)
        missing = [name for name in dis.opmap if name not in rows and not name.startswith("INSTRUMENTED_") and dis.opmap[name] < 256]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
