# SPDX-License-Identifier: MIT
import inspect

from support import attempt, refcheck, table


def count(n):
    i = 0
    while i < n:
        got = yield i
        i += 1 if got is None else got
    return "done", i


def drain(g):
    out = []
    try:
        while True:
            out.append(next(g))
    except StopIteration as stop:
        return out, stop.value


def sends(n, values):
    g = count(n)
    out = [next(g)]
    try:
        for v in values:
            out.append(g.send(v))
    except StopIteration as stop:
        out.append(stop.value)
    return out


table(lambda n: drain(count(n)), (0,), (1,), (5,), (50,))
table(sends, (10, [1, 2, 3]), (3, [None, 5]), (5, ["x"]), (1, [0, 0, 1]))


def guarded():
    log = []
    try:
        yield log
        yield "second"
    except ValueError as e:
        log.append(("caught", e.args))
        yield "after catch"
    except GeneratorExit:
        log.append("exit")
        raise
    finally:
        log.append("finally")
    log.append("end")


def drive(kind):
    g = guarded()
    if kind == "unstarted close":
        g.close()
        return attempt(next, g)
    if kind == "unstarted throw":
        return attempt(g.throw, KeyError("k")), attempt(next, g)
    if kind == "unstarted send":
        return attempt(g.send, 1)
    log = next(g)
    if kind == "throw caught":
        result = g.throw(ValueError("v")), attempt(next, g)
    elif kind == "throw uncaught":
        result = attempt(g.throw, KeyError("k"))
    elif kind == "close":
        result = g.close()
    elif kind == "run":
        result = next(g), attempt(next, g), attempt(next, g)
    elif kind == "throw later":
        next(g)
        result = attempt(g.throw, ValueError("late"))
    return result, log, inspect.getgeneratorstate(g)


table(drive, *[(k,) for k in ("unstarted close", "unstarted throw", "unstarted send", "throw caught", "throw uncaught", "close", "run", "throw later")])


def delegate(inner):
    try:
        result = yield from inner
    except KeyError as e:
        result = ("key", e.args)
        yield "recovered"
    yield result
    return result


def chain(kind):
    g = delegate({"count": count(2), "list": [7, 8], "guarded": guarded(), "bad": 5, "empty": ()}[kind])
    return drain(g)


table(lambda k: chain(k)[1] if k == "guarded" else chain(k), ("count",), ("list",), ("bad",), ("empty",), ("guarded",))


def throw_through():
    g = delegate(guarded())
    log = next(g)
    return g.throw(ValueError("x")), attempt(g.throw, KeyError("y")), attempt(next, g), attempt(next, g), log


def close_through():
    g = delegate(delegate(guarded()))
    log = next(g)
    g.close()
    return log


table(throw_through, ())
table(close_through, ())


def stop_inside():
    yield 1
    raise StopIteration("inner")


def ignores_close():
    while True:
        try:
            yield 1
        except GeneratorExit:
            pass


def close_ignored():
    g = ignores_close()
    next(g)
    try:
        g.close()
    except RuntimeError as e:
        return str(e)
    finally:
        ignored.append(g)


ignored = []
table(lambda: drain(stop_inside()), ())
print([close_ignored() for _ in range(3)])


def reentrant():
    def gen():
        yield next(g)

    g = gen()
    return next(g)


def walk(tree):
    if tree:
        left, value, right = tree
        yield from walk(left)
        yield value
        yield from walk(right)


TREE = (((None, 1, None), 2, (None, 3, None)), 4, (None, 5, (None, 6, None)))
table(reentrant, ())
table(lambda: list(walk(TREE)), ())


def stack_at_yield(a):
    x = [a, (yield 1), (yield 2) + a, {a: (yield 3)}]
    return x, f"{a}{yield 4}"


def drive_stack(a, values):
    g = stack_at_yield(a)
    out = [next(g)]
    try:
        for v in values:
            out.append(g.send(v))
    except StopIteration as s:
        return out, s.value
    return out


table(drive_stack, (1, [5, 6, 7, 8]), ("a", ["b", "c", "d", "e"]), (1, [5, "x"]), (1.5, [1]))


def expressions(items):
    squares = (x * x for x in items if x % 2)
    return sum(squares), list(squares), list(y for x in items for y in range(x)), max((len(str(x)) for x in items), default=None)


table(expressions, ([1, 2, 3],), ([],), (["a"],), (range(6),))


def locals_in_generator():
    a = 1
    yield sorted(locals())
    b = 2
    yield a + b, sorted(locals())


def frames():
    g = locals_in_generator()
    states = [dict(inspect.getgeneratorlocals(g))]
    next(g)
    states.append((dict(inspect.getgeneratorlocals(g)), g.gi_frame.f_lineno - g.gi_code.co_firstlineno, g.gi_running))
    next(g)
    states.append(dict(inspect.getgeneratorlocals(g)))
    g.close()
    return states, g.gi_frame


table(frames, ())


def lots(n):
    total = 0
    for a in count(n):
        for b in count(3):
            total += a * b
    return total


table(lots, (0,), (100,), (5,))


def finalizer():
    log = []

    def gen():
        try:
            yield 1
        finally:
            log.append("finalized")

    g = gen()
    next(g)
    del g
    h = gen()
    next(h)
    h = None
    for x in gen():
        break
    del x
    log.append("after")
    return log


table(finalizer, ())
OBJ = object()


def leak():
    def gen(a):
        b = a
        try:
            c = yield a
            yield [c, b]
        finally:
            d = OBJ
        return d

    g = gen(OBJ)
    next(g)
    g.send(OBJ)
    h = gen(OBJ)
    next(h)
    h.close()
    k = gen(OBJ)
    next(k)
    attempt(k.throw, KeyError(OBJ))
    return list(gen(OBJ)), drain(delegate(gen(OBJ)))


refcheck(leak, OBJ)
