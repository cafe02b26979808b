# SPDX-License-Identifier: MIT
"""What can interfere with running native code: keyword names that run code, subinterpreters, forks, signals, tracing from
elsewhere, and finalizers that look at frames."""

import gc
import os
import sys
import threading
import time
import unittest
import weakref

import martlet
from martlet_testing import EAGER, FIRST, JitTestCase, define, jit, run_python


class CallTest(JitTestCase):
    def test_version_goes_while_keyword_names_are_compared(self):
        names = define("def f(first, second=2): return first, second")
        function = self.warm(names["f"], 1)
        for action in (martlet.disable, lambda: martlet.compile(function), lambda: setattr(function, "__code__", other)):
            other = define("def g(first, second=3): return 'other', first")["g"].__code__

            class Name(str):
                def __eq__(self, right, action=action):
                    action()
                    return str(self) == right

                __hash__ = str.__hash__

            martlet.enable(**FIRST)
            martlet.compile(function)
            self.assertEqual(function(1, **{Name("second"): 5}), (1, 5))
            martlet.enable(**FIRST)
            self.assertIn(function(1, **{Name("second"): 6}), [(1, 6), ("other", 1)])


WORK = """def work(n, x=1.5):
    total = 0
    for i in range(n):
        total += i * 3
        x = x * 1.01
    return total, [total, x], {"a": total}
"""


class SubinterpreterTest(JitTestCase):
    def test_code_in_a_subinterpreter(self):
        program = """
import _interpreters, sys
{WORK}expected = work(3000)
for _ in range(5): work(3000)
text = '''
{WORK}def generate(n):
    for i in range(n): yield i
for _ in range(5): work(3000); sum(generate(500))
try:
    import martlet
    martlet.enable()
except (ImportError, RuntimeError): pass
else: raise SystemError("enabled in a subinterpreter")
class A:
    def __del__(self): work(10)
a = A(); b = [a]; b.append(b)
def f(): raise ValueError(work(5)[0])
try: f()
except ValueError as error: assert error.args == (30,), error
'''
import threading
for kind in ("isolated", "legacy", "isolated"):
    interpreter = _interpreters.create(kind)
    error = _interpreters.exec(interpreter, text)
    if error: print(error)
    thread = threading.Thread(target=_interpreters.exec, args=(interpreter, text))
    thread.start()
    assert work(3000) == expected
    thread.join()
    _interpreters.destroy(interpreter)
    assert work(3000) == expected
print("end")
""".replace("{WORK}", WORK)
        try:
            import _interpreters  # noqa: F401
        except ImportError:
            self.skipTest("this Python has no _interpreters")
        for flags in (["--loop-threshold=50", "--call-threshold=3"], ["--sync", "--compile-first-call", "--opt-level=0"]):
            self.assertEqual(run_python("-m", "martlet", *flags, "-c", program), (0, "end\n", ""))


class ForkTest(JitTestCase):
    def test_forks_with_threads_while_compiling(self):
        program = """
import os, sys, threading, time, warnings
warnings.simplefilter("ignore")
stop = []
def spin(n):
    x = 0.5
    while not stop:
        for i in range(n): x = x * 0.5 + i
def fresh(number):
    names = {}
    exec(f"def f(n):\\n  t = {number}\\n  for i in range(n): t += i\\n  return t", names)
    return names["f"]
for _ in range(2): threading.Thread(target=spin, args=(100,), daemon=True).start()
children = []
for round in range(4):
    functions = [fresh(i) for i in range(10)]
    for f in functions: f(400)
    child = os.fork()
    if child == 0:
        good = all(f(400) == 79800 + i for i, f in enumerate(functions))
        late = fresh(7)
        import martlet
        deadline = time.monotonic() + 60
        while not martlet.is_compiled(late) and time.monotonic() < deadline: late(400)
        grandchild = os.fork()
        if grandchild == 0: os._exit(0 if late(400) == 79807 else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        os._exit((not good) + 2 * (not martlet.is_compiled(late)) + 4 * (late(4) != 13) + 8 * (status != 0))
    children.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(children)
stop.append(1)
"""
        flags = ["--call-threshold=5", "--loop-threshold=50", "--least-rate=0"]
        self.assertEqual(run_python("-W", "ignore", "-m", "martlet", *flags, "-c", program)[:2], (0, f"{[0] * 4}\n"))

    def test_what_children_rebind_is_a_variable(self):
        """Each child of a pool rebinds the same globals: code that took them for constants is compiled again without."""
        program = """
import os, time
from martlet import _martlet as native
limit = 10
def f(n): return n + limit
def enters():
    before = native.stats()["entries"]
    f(1)
    return native.stats()["entries"] > before
def warm():
    deadline = time.monotonic() + 60
    while not enters() and time.monotonic() < deadline: f(1)
entered = []
for number in range(3):
    warm()
    child = os.fork()
    if child == 0:
        limit = 20
        os._exit(100 if f(5) != 25 else enters())
    entered.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    exec("def g(): pass\\ng()")  # reports its start
    if f(5) != 15: print("parent", f(5))
limit = 30
print(entered, f(5), enters())
"""
        flags = ["--call-threshold=5", "--least-rate=0"]
        self.assertEqual(
            run_python("-W", "ignore", "-m", "martlet", *flags, "-c", program), (0, "[0, 1, 1] 35 True\n", "")
        )

    def test_fork_finds_one_thread(self):
        """os.fork() warns of threads: of the program's own, not of the compiler's."""
        program = """
import os, sys, time
def fresh(number):
    names = {}
    exec(f"def f(n):\\n  t = {number}\\n  for i in range(n): t += i\\n  return t", names)
    return names["f"]
for number in range(30):
    for f in [fresh(number), fresh(-number)]: f(100)
    if number % 3 == 0: time.sleep(0.01)
    child = os.fork()
    if child == 0: os._exit(0 if f(100) == 4950 - number else 1)
    if os.waitpid(child, 0)[1] != 0: print("bad child", number)
import martlet
deadline = time.monotonic() + 60
while not martlet.is_compiled(f) and time.monotonic() < deadline: f(100)
print(martlet.is_compiled(f))
"""
        flags = ["--call-threshold=5", "--loop-threshold=50", "--least-rate=0"]
        self.assertEqual(run_python("-W", "error", "-m", "martlet", *flags, "-c", program), (0, "True\n", ""))


class SignalTest(JitTestCase):
    def test_interrupt_in_nested_native_calls(self):
        program = """
import os, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def inner(n):
    t = 0
    for i in range(n): t += i
    return t
def middle(n): return inner(n) + 1
def generate():
    while True: yield middle(3)
def outer():
    for value in generate():
        try:
            middle(value % 5)
        finally:
            value = 0
def spin(depth):
    if depth: return spin(depth - 1)
    outer()
for _ in range(3):
    threading.Thread(target=lambda: (time.sleep(0.3), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
    try:
        spin(3)
    except KeyboardInterrupt as error:
        names, entry = [], error.__traceback__
        while entry:
            names.append(entry.tb_frame.f_code.co_name)
            entry = entry.tb_next
        print(names[:6])
"""
        expected = f"{['<module>', 'spin', 'spin', 'spin', 'spin', 'outer']}\n" * 3
        for flags in (["--sync", "--loop-threshold=20", "--call-threshold=2", "--opt-level=0"], ["--call-threshold=20"]):
            self.assertEqual(run_python("-m", "martlet", *flags, "-c", program, timeout=60)[:2], (0, expected))


LOOP = """
    def spin(box, callee):
        x = 0
        while not box:
            x += 1
            callee(x)
        return x
    def callee(x):
        return x + 1
"""


class TracingTest(JitTestCase):
    def switched_on_from_another_thread(self, switch_on, switch_off):
        names, box, seen = define(LOOP), [], []

        def observe(frame, event, argument):
            seen.append((event, frame.f_code.co_name))
            if len(seen) > 50:
                box.append(1)
            return observe

        with jit(**EAGER):
            thread = threading.Thread(target=names["spin"], args=(box, names["callee"]))
            thread.start()
            time.sleep(0.1)
            switch_on(observe)
            thread.join(20)
            switch_off(None)
        self.assertFalse(thread.is_alive())
        box.append(1)
        return [name for event, name in seen if event == "call"], {event for event, name in seen if name == "spin"}

    def test_trace_from_another_thread(self):
        calls, _ = self.switched_on_from_another_thread(threading.settrace_all_threads, threading.settrace_all_threads)
        self.assertIn("callee", calls)

    def test_profile_from_another_thread(self):
        calls, _ = self.switched_on_from_another_thread(threading.setprofile_all_threads, threading.setprofile_all_threads)
        self.assertIn("callee", calls)

    def test_c_return_is_for_c_functions_only(self):
        source = """
            def callee(x): return x + 1
            def caller(n, M):
                for i in range(n):
                    callee(i)
                    abs(i)
                if M:
                    M.set_events(3, M.events.CALL | M.events.C_RETURN | M.events.C_RAISE)
                for i in range(3):
                    callee(i)
                    abs(i)
                if M:
                    M.set_events(3, 0)
        """
        monitoring, seen = sys.monitoring, []
        names = define(source)
        with jit(**EAGER):
            for _ in range(20):
                names["caller"](20, None)
            self.assertTrue(martlet.is_compiled(names["callee"]))
            monitoring.use_tool_id(3, "test")
            self.addCleanup(monitoring.free_tool_id, 3)
            monitoring.register_callback(3, monitoring.events.C_RETURN, lambda code, at, what, first: seen.append(what))
            self.addCleanup(monitoring.register_callback, 3, monitoring.events.C_RETURN, None)
            names["caller"](1, monitoring)
            names["caller"](20, monitoring)
        self.assertNotIn(names["callee"], seen)


FINALIZED = """
    def make(n, seen, kind):
        first, second = n * 1.5, n
        for i in range(n):
            first = first + 0.5
            second += 2
            thing = kind(seen, i)
            third = second * first
        return first, second, third
"""


class FinalizerTest(JitTestCase):
    def observed(self, kind, on, prepare=lambda: None):
        function, seen = define(FINALIZED)["make"], []
        for round in range(3):
            prepare()
            if on:
                martlet.enable(**(FIRST if round == 1 else EAGER))
            answer = function(30, seen, kind)
            martlet.disable()
        return answer, list(seen)

    def compare(self, kind, prepare=lambda: None):
        expected = self.observed(kind, False, prepare)
        self.assertGreater(len(expected[1]), 20)
        self.assertEqual(self.observed(kind, True, prepare), expected)

    def test_del_looks_at_frames(self):
        class Thing:
            def __init__(self, seen, number):
                self.seen, self.number = seen, number

            def __del__(self):
                frame = sys._getframe(1)
                values = {name: value for name, value in frame.f_locals.items() if name in ("first", "second", "third", "i")}
                self.seen.append((self.number, frame.f_lineno, frame.f_code.co_name, values))

        self.compare(Thing)

    def test_weakref_callbacks_look_at_frames(self):
        alive = []

        class Thing:
            def __init__(self, seen, number):
                def callback(reference):
                    frame = sys._getframe(1)
                    seen.append((number, frame.f_lineno, sorted(frame.f_locals.items(), key=str)[:2] != [], frame.f_locals.get("second")))

                alive.append(weakref.ref(self, callback))

        self.compare(Thing)
        alive.clear()

    def test_del_writes_locals(self):
        class Thing:
            def __init__(self, seen, number):
                self.seen, self.number = seen, number

            def __del__(self):
                frame = sys._getframe(1)
                if frame.f_code.co_name == "make" and self.number % 4 == 1:
                    frame.f_locals["first"] = 1000.25 + self.number
                    frame.f_locals["second"] = 10**12
                self.seen.append((self.number, frame.f_lineno))

        self.compare(Thing)

    def test_collector_callbacks_look_at_frames_and_referrers(self):
        class Thing:
            def __init__(self, seen, number):
                self.me, self.seen, self.number = self, seen, number
                gc.collect(0)

            def __del__(self):
                frame = sys._getframe(0)
                while frame is not None and frame.f_code.co_name != "make":
                    frame = frame.f_back
                referrers = [type(item).__name__ for item in gc.get_referrers(self.seen)]
                self.seen.append((self.number, frame and (frame.f_lineno, frame.f_locals["second"]), "list" in referrers))

        gc.disable()
        self.addCleanup(gc.enable)
        self.compare(Thing, gc.collect)


if __name__ == "__main__":
    unittest.main()
