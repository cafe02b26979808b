# SPDX-License-Identifier: MIT
"""What is seen of natively running frames from outside: frame objects, f_locals, tracing and profiling."""

import sys
import unittest

import martlet
from martlet_testing import EAGER, FIRST, Counted, JitTestCase, define, jit


class FrameTest(JitTestCase):
    def test_locals_from_outside(self):
        source = """
            import sys
            def peek():
                frame = sys._getframe(1)
                return frame.f_lineno, dict(frame.f_locals)
            def f(n):
                total = 0.5
                for i in range(n):
                    total = total * 1.5
                    if i == n - 2:
                        seen = peek()
                    total += i
                return seen, total
        """
        plain = define(source)["f"](50)
        function = define(source)["f"]
        with jit(**EAGER), Counted() as counted:
            self.assertEqual(function(50), plain)
        self.assertGreaterEqual(counted["osr_entries"], 1)

    def test_locals_written_from_outside(self):
        source = """
            import sys
            def poke(value):
                sys._getframe(1).f_locals["x"] = value
            def f(n):
                x, out = 1, []
                for i in range(n):
                    x = x + 1
                    if i % 7 == 3:
                        poke(i * 1000)
                    if i % 7 == 5:
                        poke(0.5)
                    out.append(x)
                return out
        """
        plain = define(source)["f"](60)
        function = define(source)["f"]
        with jit(**EAGER):
            self.assertEqual([function(60) for _ in range(3)], [plain] * 3)

    def test_callers_frames(self):
        names = define("import sys\ndef f():\n  return sys._getframe(1).f_code.co_name, sys._getframe(0).f_code.co_name\ndef g():\n  return f()")
        self.compiled(names["f"])
        self.compiled(names["g"])
        self.assertEqual(names["g"](), ("g", "f"))

    def test_frame_outlives_its_call(self):
        names = define("import sys\ndef f(a):\n  b = a + 1\n  return sys._getframe()")
        self.compiled(names["f"])
        frames = [names["f"](i) for i in range(5)]
        self.assertEqual([dict(frame.f_locals) for frame in frames], [{"a": i, "b": i + 1} for i in range(5)])


class TracingTest(JitTestCase):
    SOURCE = """
        def f(n, start):
            total = 0
            for i in range(n):
                if i == n - 3:
                    start()
                total += g(i)
            return total

        def g(x):
            y = x + 1
            return y
    """

    def events(self, install, uninstall):
        """Events seen when tracing starts in the middle of a running loop, natively and interpreted."""
        seen = []
        for native in (False, True):
            names = define(self.SOURCE)
            collected = []
            with jit(**EAGER) if native else jit(call_threshold=10**9, loop_threshold=10**9):
                try:
                    answer = names["f"](100, lambda: install(collected))
                finally:
                    uninstall()
            self.assertEqual(answer, sum(range(1, 101)))
            seen.append(collected)
        return seen

    def test_settrace(self):
        def install(collected):
            def trace(frame, event, arg):
                if frame.f_code.co_filename == "<defined>":
                    collected.append((event, frame.f_code.co_name, frame.f_lineno))
                return trace

            sys.settrace(trace)
            sys._getframe(2).f_trace = trace

        plain, native = self.events(install, lambda: sys.settrace(None))
        self.assertEqual(native, plain)
        self.assertTrue(any(event == "line" and name == "f" for event, name, _ in native))

    def test_setprofile(self):
        def install(collected):
            sys.setprofile(lambda frame, event, arg: collected.append((event, frame.f_code.co_name)))

        plain, native = self.events(install, lambda: sys.setprofile(None))
        self.assertEqual(native[:-3], plain[:-3])
        self.assertIn(("call", "g"), native)

    def test_monitoring(self):
        tool = sys.monitoring.DEBUGGER_ID
        sys.monitoring.use_tool_id(tool, "test")
        self.addCleanup(sys.monitoring.free_tool_id, tool)
        events = sys.monitoring.events

        def install(collected):
            sys.monitoring.register_callback(tool, events.LINE, lambda code, line: collected.append((code.co_name, line)))
            sys.monitoring.set_events(tool, events.LINE)

        def uninstall():
            sys.monitoring.set_events(tool, 0)
            sys.monitoring.register_callback(tool, events.LINE, None)

        plain, native = self.events(install, uninstall)
        keep = {"f", "g"}
        self.assertEqual([e for e in native if e[0] in keep], [e for e in plain if e[0] in keep])
        self.assertTrue(any(name == "f" for name, _ in native))

    def test_tracing_from_the_beginning(self):
        names = define(self.SOURCE)
        with jit(**FIRST):
            names["f"](20, lambda: None)
            lines = []

            def trace(frame, event, arg):
                if event == "line" and frame.f_code is names["f"].__code__:
                    lines.append(frame.f_lineno)
                return trace

            sys.settrace(trace)
            try:
                names["f"](3, lambda: None)
            finally:
                sys.settrace(None)
        self.assertEqual(len([line for line in lines if line == 4]), 4)

    def test_native_again_after_tracing(self):
        function = define("def f(x): return x + 1")["f"]
        self.compiled(function)
        sys.settrace(lambda *arguments: None)
        function(1)
        sys.settrace(None)
        for _ in range(20):
            function(1)
        with Counted() as counted:
            self.assertEqual(function(1), 2)
        self.assertEqual(counted["entries"], 1)


if __name__ == "__main__":
    unittest.main()
