# SPDX-License-Identifier: MIT
"""Tracing, profiling and monitoring switched on and off while the traced code runs."""

import sys


def work(n, hook):
    total = 0
    for i in range(n):
        if i == n // 2:
            hook()
        total += step(i)
    try:
        failing(n)
    except ValueError:
        total += 1
    return total


def step(x):
    if x % 2:
        return x
    return x + 1


def failing(n):
    for value in counted(3):
        if value == 2:
            raise ValueError(n)


def counted(n):
    for i in range(n):
        yield i


events = []


def tracer(frame, event, arg):
    if frame.f_code.co_filename == __file__ and frame.f_code.co_name in names:
        events.append((event, frame.f_code.co_name, frame.f_lineno, arg if isinstance(arg, int) else None))
    return tracer


def profiler(frame, event, arg):
    if frame.f_code.co_filename == __file__ and frame.f_code.co_name in names:
        events.append((event, frame.f_code.co_name, getattr(arg, "__name__", arg)))


names = {"work", "step", "failing", "counted"}


def start_trace():
    sys.settrace(tracer)
    sys._getframe(1).f_trace = tracer


def opcodes():
    sys.settrace(tracer)
    frame = sys._getframe(1)
    frame.f_trace, frame.f_trace_lines, frame.f_trace_opcodes = tracer, False, True


def shown():
    out = list(events)
    events.clear()
    return out


for round_number in range(5):
    print("plain", work(40, lambda: None), len(shown()))
    print("trace", work(12, start_trace), end=" ")
    sys.settrace(None)
    print(shown())
    print("profile", work(12, lambda: sys.setprofile(profiler)), end=" ")
    sys.setprofile(None)
    print(shown())
    print("opcodes", work(4, opcodes), end=" ")
    sys.settrace(None)
    print([event for event in shown() if event[0] != "line"][:20])

tool = sys.monitoring.PROFILER_ID
sys.monitoring.use_tool_id(tool, "test")
E = sys.monitoring.events
WITHOUT_OFFSET = {"BRANCH", "RAISE", "EXCEPTION_HANDLED", "PY_UNWIND"}
for name in ("PY_START", "PY_RETURN", "PY_YIELD", "PY_RESUME", "RAISE", "EXCEPTION_HANDLED", "LINE", "PY_UNWIND", "BRANCH", "CALL"):
    def callback(code, *args, name=name):
        if code.co_filename == __file__ and code.co_name in names:
            # Offsets of exceptions depend on how a call was specialized, also in the interpreter.
            shown_args = [a for a in args if isinstance(a, int)] if name not in WITHOUT_OFFSET else []
            events.append((name, code.co_name, *shown_args[:1]))

    sys.monitoring.register_callback(tool, getattr(E, name), callback)
    for _ in range(3):
        work(10, lambda: sys.monitoring.set_events(tool, getattr(E, name)))
        sys.monitoring.set_events(tool, 0)
        print(name, shown())
    if name in ("RAISE", "EXCEPTION_HANDLED", "PY_UNWIND"):
        continue  # these cannot be local
    sys.monitoring.set_local_events(tool, step.__code__, getattr(E, name))
    work(6, lambda: None)
    sys.monitoring.set_local_events(tool, step.__code__, 0)
    print(name, "local", shown())
    sys.monitoring.register_callback(tool, getattr(E, name), None)
sys.monitoring.free_tool_id(tool)


def change_line(n):
    out = []
    for i in range(n):
        out.append(i)
        out.append(-i)
    return out


def jumper(frame, event, arg):
    if event == "line" and frame.f_code is change_line.__code__ and frame.f_locals.get("i") == 3:
        if frame.f_lineno == change_line.__code__.co_firstlineno + 3:
            frame.f_lineno = change_line.__code__.co_firstlineno + 4
    return jumper


for _ in range(3):
    change_line(8)
    sys.settrace(jumper)
    jumped = change_line(6)
    sys.settrace(None)
    print(jumped)
