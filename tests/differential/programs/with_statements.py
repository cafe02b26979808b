# SPDX-License-Identifier: MIT
import contextlib

from support import refcheck, table

log = []


class CM:
    def __init__(self, name, swallow=False, enter=None, leave=None):
        self.name, self.swallow, self.enter, self.leave = name, swallow, enter, leave

    def __enter__(self):
        log.append(f"+{self.name}")
        if self.enter:
            raise self.enter
        return self.name

    def __exit__(self, kind, value, trace):
        log.append((f"-{self.name}", kind and kind.__name__, str(value), trace and trace.tb_lineno - 27))
        if self.leave:
            raise self.leave
        return self.swallow


def clear():
    out = list(log)
    log.clear()
    return out


def body(kind, *managers):
    try:
        with managers[0] as a:
            if len(managers) > 1:
                with managers[1] as b:
                    if kind == "raise":
                        raise ValueError("body")
                    if kind == "return":
                        return a, b, clear()
            if kind == "raise":
                raise KeyError(a)
            if kind == "return":
                return a, clear()
    except Exception as e:
        return repr(e), repr(e.__context__), clear()
    return "end", clear()


def run(kind, variant):
    managers = {
        "plain": (CM("a"), CM("b")),
        "swallow": (CM("a", True), CM("b", True)),
        "inner": (CM("a"), CM("b", 1)),
        "enter": (CM("a"), CM("b", enter=OSError("enter"))),
        "leave": (CM("a"), CM("b", leave=OSError("leave"))),
        "single": (CM("a"),),
        "truthy": (CM("a", [0]),),
        "not": (5,),
    }[variant]
    return body(kind, *managers), clear()


table(run, *[(k, v) for k in ("raise", "return", "fall") for v in ("plain", "swallow", "inner", "enter", "leave", "single", "truthy", "not")])


def loop(n):
    out = []
    for i in range(n):
        with CM(i) as name:
            if i % 3 == 0:
                continue
            if i == 5:
                break
            out.append(name)
    return out, clear()


def several():
    with CM("x") as x, CM("y") as (y), open("/dev/null") as f:
        return x, y, f.read(), clear()


def targets():
    d = {}
    with CM("t") as d["key"]:
        pass
    with CM("ab") as (first, second):
        pass
    return d, first, second, clear()


@contextlib.contextmanager
def generator_manager(x):
    log.append(("enter", x))
    try:
        yield x * 2
    except ValueError as e:
        log.append(("caught", str(e)))
    finally:
        log.append(("leave", x))


def use_generator(x, bad):
    with generator_manager(x) as y:
        if bad:
            raise bad
        log.append(y)
    return clear()


def stack(n):
    with contextlib.ExitStack() as s:
        names = [s.enter_context(CM(i)) for i in range(n)]
        s.callback(log.append, "callback")
    return names, clear()


def suppressed(kind):
    with contextlib.suppress(KeyError, IndexError):
        {}[kind] if kind else [][0]
        return "not reached"
    return "after"


def returns_through():
    for i in range(3):
        with CM(i):
            try:
                return i
            finally:
                log.append("finally")


table(loop, (0,), (9,))
table(lambda: (several(), clear()), ())
table(targets, ())
table(use_generator, (1, None), (2, ValueError("v")), ("s", None))
table(lambda: use_generator(3, KeyError("k")), ())
clear()
table(stack, (0,), (3,))
table(suppressed, (0,), (1,))
table(lambda: (returns_through(), clear()), ())
OBJ = object()


def leak():
    with CM(OBJ) as x:
        pass
    with CM(OBJ, True):
        raise ValueError(OBJ)
    with contextlib.nullcontext(OBJ) as y:
        z = [x, y]
    log.clear()
    return z


refcheck(leak, OBJ, CM)
