# SPDX-License-Identifier: MIT
"""Code objects that are made while the JIT is on are prepared for counting before they run: nobody may notice."""

import dis
import marshal
import sys
import unittest

import martlet
from martlet_testing import Counted, JitTestCase, jit

LAZY = {"sync": True, "opt_level": 0, "call_threshold": 50, "loop_threshold": 200, "size_step": 1000000}
SOURCE = """
def loop(n):
    total = 0
    for i in range(n):
        if i % 3: continue
        while total < i: total += 1
    return total

def plain(x):
    return [x, x]

def closure(x):
    def inner(y):
        for i in range(3): y += x
        return y
    return inner

def generate(n):
    for i in range(n): yield i

class Made:
    values = [i for i in range(3)]
    for value in values: pass

def long_loop(n):
    total = 0
    for i in range(n):
"""
SOURCE += "        total += i\n" * 80 + "    return total\n"  # it jumps back by more than a byte tells


def code_objects(code):
    found = [code]
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            found += code_objects(constant)
    return found


def fresh():
    names = {"__name__": "fresh"}
    exec(compile(SOURCE, "<fresh>", "exec"), names)
    return names


def results(names):
    loops = names["loop"](30), names["long_loop"](30), names["Made"].value
    return loops, names["plain"](1), names["closure"](2)(1), list(names["generate"](4))


def use_tool(names, *, local):
    """What another tool is told."""
    monitoring, seen = sys.monitoring, []
    monitoring.use_tool_id(3, "test")
    events = monitoring.events
    wanted = events.PY_START | events.PY_RESUME | events.JUMP | events.PY_RETURN

    def note(event):
        def callback(code, *rest):
            if code.co_filename == "<fresh>":
                seen.append((event, code.co_name, *(each for each in rest if isinstance(each, int))))

        return callback

    for event in ("PY_START", "PY_RESUME", "JUMP", "PY_RETURN"):
        monitoring.register_callback(3, getattr(events, event), note(event))
    functions = [value for value in names.values() if hasattr(value, "__code__")]
    for function in functions if local else ():
        monitoring.set_local_events(3, function.__code__, wanted)
    if not local:
        monitoring.set_events(3, wanted)
    try:
        return results(names), seen
    finally:
        monitoring.set_events(3, 0)
        for function in functions:
            monitoring.set_local_events(3, function.__code__, 0)
        for event in ("PY_START", "PY_RESUME", "JUMP", "PY_RETURN"):
            monitoring.register_callback(3, getattr(events, event), None)
        monitoring.free_tool_id(3)


def trace(names):
    seen = []

    def tracer(frame, event, argument):
        if frame.f_code.co_filename == "<fresh>":
            seen.append((event, frame.f_code.co_name, frame.f_lineno))
        return tracer

    sys.settrace(tracer)
    try:
        return results(names), seen
    finally:
        sys.settrace(None)


class FreshCodeTest(JitTestCase):
    def test_code_looks_the_same(self):
        plain = code_objects(compile(SOURCE, "<fresh>", "exec"))
        with jit(**LAZY):
            prepared = code_objects(compile(SOURCE, "<fresh>", "exec"))
            for before, now in zip(plain, prepared, strict=True):
                self.assertEqual(before, now)
                self.assertEqual(hash(before), hash(now))
                self.assertEqual(before.co_code, now.co_code)
                self.assertEqual(marshal.dumps(before), marshal.dumps(now))
                shown = [[line[:4] for line in dis.get_instructions(code)] for code in (before, now)]
                self.assertEqual(*shown)
                self.assertEqual(now.replace(co_name="other").co_code, before.co_code)

    def test_others_see_the_same(self):
        for look in (trace, lambda names: use_tool(names, local=False), lambda names: use_tool(names, local=True)):
            expected = look(fresh())
            with jit(**LAZY):
                self.assertEqual(look(fresh()), expected)
                ran = fresh()
                results(ran)
                self.assertEqual(look(ran), expected)
                self.assertEqual(look(fresh()), expected)
            with jit(**LAZY):
                unused = fresh()
            self.assertEqual(look(unused), expected)
            self.assertEqual(look(unused), expected)
            with jit(**LAZY):
                self.assertEqual(look(unused), expected)

    def test_calls_and_loops_are_counted(self):
        for again in (False, True):
            with jit(**LAZY):
                if again:
                    trace(fresh())  # another tool has come and gone
                names = fresh()
                for loop in ("loop", "long_loop"):
                    with Counted() as counted:
                        names[loop](1000)
                    self.assertGreater(counted["osr_entries"], 0)
                with Counted() as counted:
                    for i in range(100):
                        names["plain"](i)
                self.assertTrue(martlet.is_compiled(names["plain"]))
                self.assertGreater(counted["entries"], 0)
                with Counted() as counted:
                    sum(names["generate"](1000))
                self.assertGreater(counted["compiled"], 0)

    def test_loops_of_code_that_was_compiled_first(self):
        with jit(**LAZY):
            names = fresh()
            martlet.compile(names["loop"])
            self.assertEqual(names["loop"](30), fresh()["loop"](30))
            martlet.disable()
            self.assertEqual(names["loop"](3000), 2999 - 2)

    def test_switched_off_and_on(self):
        with jit(**LAZY):
            names = fresh()
        expected = results(names)
        with jit(**LAZY):
            self.assertEqual(results(names), expected)
            martlet.disable()
            self.assertEqual(results(fresh()), expected)
            martlet.enable(**LAZY)
            with Counted() as counted:
                names["loop"](1000)
            self.assertGreater(counted["osr_entries"], 0)


if __name__ == "__main__":
    unittest.main()
