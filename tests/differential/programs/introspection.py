# SPDX-License-Identifier: MIT
"""Frames, f_locals, locals(), exec and eval, seen and changed from outside."""

import inspect
import sys

from support import refcheck, table


def peek():
    f = sys._getframe(1)
    return f.f_lineno - f.f_code.co_firstlineno, dict(f.f_locals)


def poke(name, value):
    sys._getframe(1).f_locals[name] = value


def watched(n):
    out = []
    total = 0
    for i in range(n):
        total += i
        out.append(peek() if i == n - 1 else None)
    return [x and (x[0], {k: v for k, v in x[1].items() if k != "out"}) for x in out]


def poked(n):
    x = 0
    for i in range(n):
        x += 1
        if i == 5:
            poke("x", 100)
        if i == 7:
            poke("x", "text")
            x = x + "!"
            poke("x", 1.5)
    return x


def poked_cell():
    x = 1

    def get():
        return x

    poke("x", 2)
    return x, get()


def poked_other():
    values = []

    def inner():
        sys._getframe(1).f_locals["y"] = "from inner"
        return sys._getframe(1).f_lineno - sys._getframe(1).f_code.co_firstlineno

    y = "own"
    line = inner()
    values.append(y)
    return values, line


def locals_snapshot(a, b=2, *c, d=4, **e):
    first = locals()
    x = 1
    second = locals()
    first["x"] = "changed"
    return first, x, {k: v for k, v in second.items() if k not in ("first", "second")}


def executes(n):
    total = 0
    namespace = {"n": n}
    exec("r = [i * i for i in range(n)]\ndef g(x): return x + n", namespace)
    for i in range(n):
        total += eval("i + total % 7")
    return namespace["r"], namespace["g"](10), total


def bad_exec():
    exec("1 +")


def bad_eval(text):
    return eval(text)


def caller_names(n):
    if n == 0:
        return [frame.function for frame in inspect.stack(0)[: 5]]
    return caller_names(n - 1)


def frame_kept(n):
    for i in range(n):
        frame = sys._getframe()
    del i
    return sorted(frame.f_locals), frame.f_lasti > 0


def frame_after_return():
    def inner(a):
        b = a + 1
        return sys._getframe()

    frame = inner(5)
    return frame.f_locals, frame.f_back is None or frame.f_back.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno


def tb_locals():
    def fails(a):
        b = [a]
        return b[5]

    try:
        fails(3)
    except IndexError as e:
        return e.__traceback__.tb_next.tb_frame.f_locals


def clear_frame():
    def fails():
        secret = object()
        raise ValueError

    try:
        fails()
    except ValueError as e:
        frame = e.__traceback__.tb_next.tb_frame
        before = list(frame.f_locals)
        frame.clear()
        return before, list(frame.f_locals)


table(watched, (1,), (5,), (30,))
table(poked, (4,), (6,), (8,), (20,))
table(poked_cell, ())
table(poked_other, ())
table(locals_snapshot, (1,), (1, 2, 3))
table(executes, (0,), (4,), (12,))
table(bad_exec, ())
table(bad_eval, ("1+1",), ("x",), ("1/0",), ("(yield)",), (5,))
table(caller_names, (0,), (3,))
table(frame_kept, (1,), (5,))
table(frame_after_return, ())
table(tb_locals, ())
table(clear_frame, ())


def global_change(n):
    out = []
    for i in range(n):
        out.append(GLOBAL)
        if i == 3:
            globals()["GLOBAL"] = "changed"
        if i == 5:
            globals()["len"] = lambda x: "patched"
        out.append(len("abc"))
        if i == 7:
            del globals()["len"]
    globals()["GLOBAL"] = "first"
    return out


GLOBAL = "first"
table(global_change, (3,), (10,))


def builtins_change(n):
    import builtins

    out = []
    for i in range(n):
        out.append(abs(-1))
        if i == 4:
            builtins.abs, saved = (lambda x: "patched"), abs
        if i == 6:
            builtins.abs = saved
    return out


table(builtins_change, (10,))
print(sys._getframe().f_back, __name__, __spec__)
OBJ = object()


def leak():
    x = OBJ
    d = locals()
    f = sys._getframe()
    proxy = f.f_locals
    proxy["x"] = [OBJ]
    y = x
    del f, proxy
    return y, d["x"], peek()[0]


refcheck(leak, OBJ)
