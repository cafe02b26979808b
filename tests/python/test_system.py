# SPDX-License-Identifier: MIT
"""Threads, signals, fork, garbage collection and shutdown while native code runs."""

import gc
import os
import signal
import threading
import time
import unittest
import weakref

import martlet
from martlet_testing import EAGER, FIRST, JitTestCase, define, jit, run_python

SPIN = """
    def spin(box):
        x = 0
        while not box:
            x += 1
        return x
"""


class SystemTest(JitTestCase):
    def test_threads_switch_out_of_a_native_loop(self):
        spin = define(SPIN)["spin"]
        box = []
        with jit(**EAGER):
            timer = threading.Timer(0.2, box.append, [1])
            timer.start()
            self.assertGreater(spin(box), 10)
            timer.join()

    def test_threads_compute_the_same(self):
        source = "def f(n):\n  t = 0\n  for i in range(n):\n    t = (t * 31 + i) % 1000003\n  return t"
        expected = define(source)["f"](3000)
        function = define(source)["f"]
        answers = []
        with jit(call_threshold=5, loop_threshold=50, least_rate=0):
            threads = [threading.Thread(target=lambda: answers.extend(function(3000) for _ in range(40))) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(answers, [expected] * 160)

    def test_interrupt_in_a_native_loop(self):
        program = """
import os, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
def spin():
    i = 0
    while True:
        i += 1
threading.Thread(target=lambda: (time.sleep(0.5), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
try:
    spin()
except KeyboardInterrupt:
    print("interrupted")
"""
        for flags in (["--sync", "--loop-threshold=100"], []):
            self.assertEqual(run_python("-m", "martlet", *flags, "-c", program, timeout=60)[:2], (0, "interrupted\n"))

    def test_signal_handler_runs(self):
        seen = []
        old = signal.signal(signal.SIGALRM, lambda *arguments: seen.append(1))
        self.addCleanup(signal.signal, signal.SIGALRM, old)
        spin = define(SPIN)["spin"]
        with jit(**EAGER):
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            self.assertGreater(spin(seen), 10)
        self.assertEqual(seen, [1])

    def test_async_exception(self):
        import ctypes

        spin = define(SPIN)["spin"]
        outcome = []

        def work():
            try:
                spin([])
            except KeyError:
                outcome.append("raised")

        with jit(**EAGER):
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.2)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(KeyError))
            thread.join(30)
        self.assertEqual(outcome, ["raised"])

    def test_collection_during_native_code(self):
        names = define("class N: pass\ndef f(n):\n  for i in range(n):\n    a, b = N(), N()\n    a.b, b.a = b, a\n  return a")
        thresholds = gc.get_threshold()
        gc.set_threshold(50)
        self.addCleanup(gc.set_threshold, *thresholds)
        with jit(**EAGER):
            last = weakref.ref(names["f"](5000))
            gc.collect()
            self.assertIsNone(last())
            self.assertLess(sum(type(o) is names["N"] for o in gc.get_objects()), 200)

    def test_fork(self):
        program = """
import martlet, os, sys
def f(x): return x + 1
def g(x): return x * 3
for i in range(5000): f(i)
child = os.fork()
if child == 0:
    import time
    deadline = time.monotonic() + 20
    while not martlet.is_compiled(g) and time.monotonic() < deadline: g(2)
    os._exit(0 if martlet.is_compiled(g) and f(1) == 2 and g(2) == 6 else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), f(1))
"""
        self.assertEqual(run_python("-W", "ignore", "-m", "martlet", "-c", program)[:2], (0, "0 2\n"))

    def test_forks_unload_the_compiler(self):
        program = """
import martlet, os, threading
def f(x): return x + 1
def g(x): return [x][1]
def h(x): return x * 3
def is_loaded():
    with open("/proc/self/maps") as maps: return "martlet_llvm.so" in maps.read()
def fork(body=lambda: True):
    child = os.fork()
    if child == 0: os._exit(0 if body() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
def calls():
    try: g(1)
    except IndexError: return martlet.is_compiled(f) and f(1) == 2
for turn in range(3):
    assert martlet.compile(f) and martlet.compile(g)
    if turn: assert martlet.compile(eval(f"lambda x: x + {turn}"))
    assert is_loaded()
    for _ in range(120): fork()
    assert not is_loaded()
    assert calls() and fork(calls) == 0
    thread = threading.Thread(target=calls)
    thread.start()
    thread.join()
    assert fork(lambda: martlet.compile(h) and is_loaded() and h(2) == 6) == 0
    assert not is_loaded() and not martlet.is_compiled(h)
print("end")
"""
        options = ["--call-threshold=1000000000", "--loop-threshold=1000000000"]
        self.assertEqual(run_python("-W", "ignore", "-m", "martlet", *options, "-c", program), (0, "end\n", ""))

    def test_shutdown_while_compiling(self):
        program = """
import sys
functions = []
for i in range(300):
    exec(f"def f(a, b):\\n  for i in range({i} + 5):\\n    a = a * b + i\\n  return a")
    functions.append(f)
for _ in range(3):
    for f in functions: f(1, 2)
print("end")
sys.exit(3)
"""
        for flags in (["--call-threshold=2"], ["--call-threshold=2", "--loop-threshold=5"]):
            flags.append("--least-rate=0")
            started = time.monotonic()
            self.assertEqual(run_python("-m", "martlet", *flags, "-c", program), (3, "end\n", ""))
            self.assertLess(time.monotonic() - started, 30)

    def test_native_code_in_finalizers_and_at_exit(self):
        program = """
import atexit
class A:
    def __init__(self, n): self.n = n
    def __del__(self): print("del", self.n, sum(i for i in range(self.n)))
def late():
    print("atexit", [A(i).n for i in range(3)])
atexit.register(late)
a = A(5)
b = [A(6)]
b.append(b)
"""
        plain = run_python("-c", program)
        self.assertEqual(run_python("-m", "martlet", "--compile-first-call", "--sync", "-c", program), plain)

    def test_daemon_thread_at_shutdown(self):
        program = """
import threading, time
def spin():
    i = 0
    while True: i += 1
for _ in range(2): threading.Thread(target=spin, daemon=True).start()
time.sleep(0.5)
print("end")
"""
        self.assertEqual(run_python("-m", "martlet", "--loop-threshold=100", "-c", program), (0, "end\n", ""))

    def test_daemon_threads_that_wake_up_during_shutdown(self):
        # CPython ends each by unwinding its stack, native frames and ours on it, without the GIL: nothing is released.
        program = """
import os, sys, threading, time
ended = []
def pause():
    while not ended: time.sleep(0.01)
    time.sleep(1)
class A:
    def __del__(self): os.write(1, b"released\\n")
    def __add__(self, other): pause(); return self
    def __call__(self, *args, **keywords): pause(); return self
def gen(a):
    yield A()
    pause()
    yield a
def sleep(a): pause(); return a
def add(a): return a + a
def call(a): return a(A(), *[A(), A()], **{"x": A()})
def loop(a): return [x for x in gen(A())], a
def sort(a): return sorted([A(), A()], key=lambda x: sleep(1))
class Last:
    def __del__(self, sleep=time.sleep): sleep(2)
for f in sleep, add, call, loop, sort:
    threading.Thread(target=f, args=(A(),), daemon=True).start()
time.sleep(0.05)
sys.last = Last()
ended.append(True)
print("end")
"""
        for options in (["--compile-first-call", "--sync"], ["--call-threshold=1"]):
            self.assertEqual(run_python("-m", "martlet", *options, "-c", program), (0, "end\n", ""))

    def test_thread_locals_and_frames_of_other_threads(self):
        import sys

        spin = define(SPIN)["spin"]
        box = []
        with jit(**EAGER):
            thread = threading.Thread(target=spin, args=(box,))
            thread.start()
            time.sleep(0.1)
            frame = sys._current_frames()[thread.ident]
            self.assertEqual(frame.f_code.co_name, "spin")
            first = frame.f_locals["x"]
            time.sleep(0.05)
            self.assertGreaterEqual(frame.f_locals["x"], first)
            box.append(1)
            thread.join()

    def test_enabling_loads_one_library(self):
        script = "import sys; s = {line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}; print(len(s))"
        without, with_jit = (int(run_python(*start, "-c", script)[1]) for start in ([], ["-m", "martlet"]))
        self.assertEqual(with_jit, without + 1)

    def test_without_a_program_there_is_no_llvm(self):
        script = "import martlet; martlet.enable(); print(any('martlet_llvm' in line for line in open('/proc/self/maps')))"
        self.assertEqual(run_python("-c", script)[1], "False\n")


if __name__ == "__main__":
    unittest.main()
