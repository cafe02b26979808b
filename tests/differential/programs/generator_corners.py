# SPDX-License-Identifier: MIT
"""Generators made by, resumed from, and suspended in native code: states, frames, references, errors."""

import copy
import gc
import inspect
import pickle
import sys
import weakref


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)

    def __repr__(self):
        return f"Noisy({self.name})"


def counted(n, step=1, *, stop=None):
    i = 0
    while i < n:
        yield i
        if i == stop:
            return "stopped"
        i += step
    return i


def plain(a, b=2, c=3):
    total = a + b
    got = yield total
    total += c
    yield got, total
    return total


def celled(a, b):
    def inner():
        nonlocal b
        b += 1
        return a, b

    yield inner()
    yield inner()
    yield b


def bindings():
    for arguments in ((1,), (1, 5), (1, 5, 7)):
        g = plain(*arguments)
        print(next(g), g.send("x"), list(g))
    print([list(plain(1)) for _ in range(3)], list(plain(1, c=9)), list(plain(c=1, b=2, a=3)), list(celled(1, 2)))
    print(list(counted(5, stop=2)), list(counted(5, 2)), list(counted(n=3)))
    for call in (lambda: plain(), lambda: plain(1, 2, 3, 4), lambda: plain(1, d=4), lambda: plain(1, a=2), lambda: counted(1, 2, 3)):
        try:
            call()
        except TypeError as error:
            print(error)


def states():
    def gen():
        own = yield g.gi_running, inspect.getgeneratorstate(g)
        yield own
        yield from inner

    for _ in range(4):
        inner = counted(2)
        g = gen()
        print(inspect.getgeneratorstate(g), g.gi_yieldfrom, g.gi_frame.f_lasti >= 0, g.gi_frame.f_back)
        print(next(g), inspect.getgeneratorstate(g), g.gi_suspended, g.gi_frame.f_lineno - g.gi_code.co_firstlineno)
        print(g.send([1]), inspect.getgeneratorlocals(g)["own"])
        print(next(g), g.gi_yieldfrom is inner, inspect.getgeneratorstate(inner))
        print(list(g), g.gi_frame, g.gi_yieldfrom, inspect.getgeneratorstate(g))
        print(next(g, "over"), g.close())
        try:
            g.send(None)
        except StopIteration as stop:
            print("stopped", stop.value)


def methods():
    g = plain(1)
    for call in (lambda: g.send(1), lambda: type(g).send(g, None), lambda: g.__next__(), lambda: g.send(2), lambda: g.send(3)):
        try:
            print(call())
        except (TypeError, StopIteration) as error:
            print(type(error).__name__, error, error.__traceback__.tb_next)
    for wrong in (lambda: type(g).send(1, 2), lambda: g.send(), lambda: copy.copy(g), lambda: pickle.dumps(g)):
        try:
            wrong()
        except TypeError as error:
            print(error)


def returns_odd(value):
    yield 1
    return value


def results():
    for value in (None, 5, (1, 2), (), StopIteration(3), ValueError("v")):
        seen = []
        for item in returns_odd(value):
            seen.append(item)
        g = returns_odd(value)
        next(g)
        try:
            next(g)
        except StopIteration as stop:
            seen.append((type(stop.value).__name__, stop.args))
        h = returns_odd(value)
        h.send(None)
        try:
            h.send(4)
        except StopIteration as stop:
            seen.append((type(stop.value).__name__, stop.args))
        print(seen)


def delegating(n):
    result = yield from counted(n, stop=n - 2)
    yield "result", result
    return (yield from returns_odd((n,)))


def delegation():
    def outer(n):
        value = yield from delegating(n)
        yield value

    for n in (1, 2, 3, 5):
        print(list(outer(n)))
    g = outer(3)
    print(next(g), g.gi_yieldfrom.__name__, g.gi_yieldfrom.gi_yieldfrom.__qualname__)
    print(g.throw(KeyError) if False else g.close())
    g = outer(3)
    next(g)
    try:
        g.throw(KeyError("k"))
    except KeyError as error:
        tb, lines = error.__traceback__, []
        while tb:
            lines.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
            tb = tb.tb_next
        print(lines)


def handling():
    def careful(log):
        try:
            while True:
                try:
                    log.append((yield len(log)))
                except KeyError as error:
                    log.append((str(error), str(sys.exception())))
                    yield "handled", str(sys.exception())
                    log.append(str(sys.exception()))
        finally:
            log.append("finally")

    for _ in range(4):
        log = []
        g = careful(log)
        next(g)
        g.send(1)
        try:
            raise OSError("outer")
        except OSError:
            print(g.throw(KeyError("inner")), sys.exception())
            print(next(g), sys.exception())
            g.send("again")
        print(sys.exception(), g.close(), log)


def stopping():
    def leaks():
        yield 1
        raise StopIteration(7)

    for _ in range(3):
        g = leaks()
        next(g)
        try:
            for _ in g:
                pass
        except RuntimeError as error:
            print(error, repr(error.__cause__), repr(error.__context__))
        try:
            tuple(x for x in leaks())
        except RuntimeError as error:
            print(error, error.__traceback__.tb_next.tb_frame.f_code.co_name)


def reentered():
    def itself():
        yield 0
        for call in (lambda: next(g), lambda: g.send(None), lambda: g.close(), lambda: tuple(g), lambda: [*g]):
            try:
                call()
            except ValueError as error:
                yield str(error)

        def other():
            yield from g

        try:
            for _ in other():
                pass
        except ValueError as error:
            yield str(error)

    for _ in range(3):
        g = itself()
        print(list(g))


def frames():
    def depth():
        frame, names = sys._getframe(), []
        while frame:
            names.append(frame.f_code.co_name)
            frame = frame.f_back
        yield names[:4]
        yield sys._getframe().f_back.f_code.co_name

    def through():
        yield from depth()

    def caller(make):
        return [x for x in make()], tuple(make()), list(make())

    for _ in range(3):
        print(caller(depth), caller(through))
    g = depth()
    frame = g.gi_frame
    next(g)
    print(frame is g.gi_frame, frame.f_back, frame.f_locals["names"][0])
    list(g)
    print(g.gi_frame, frame.f_lineno - frame.f_code.co_firstlineno, sorted(frame.f_locals))


def numbers():
    def squares(n, big):
        total = 0
        half = 0.5
        for i in range(n):
            total += i * big
            half = half * 1.5 + i
            if i % 3 == 1:
                yield total
            elif i % 3 == 2:
                yield half, total

    for big in (1, 40, 2**20, 2**31, -(2**31), 2**40, 2**61, -(2**70)):
        g = squares(12, big)
        for item in g:
            local = g.gi_frame.f_locals
            first = item[1] if type(item) is tuple else item
            print(item, local["total"], local["half"], local["i"], first is local["total"] if abs(first) < 256 else first == local["total"])


def references():
    def holds(a):
        b = yield sys.getrefcount(a)
        yield sys.getrefcount(a), sys.getrefcount(b)
        yield a

    for _ in range(4):
        thing, sent = [1], [2]
        g = holds(thing)
        print(sys.getrefcount(thing), sys.getrefcount(g), next(g), g.send(sent), sys.getrefcount(sent))
        print(next(g) is thing, sys.getrefcount(thing))
        g.close()
        print(sys.getrefcount(thing), sys.getrefcount(sent), next(holds(Noisy("argument"))))


def lifetimes():
    def late(name):
        x = Noisy(name + " local")
        try:
            yield x.name
        finally:
            print("closing", name)

    for i in range(3):
        for item in late(f"loop {i}"):
            print(item)
        g = late(f"dropped {i}")
        next(g)
        watch = weakref.ref(g, lambda r: print("gone"))
        del g
        print(watch())
        unstarted = late(f"unstarted {i}")
        del unstarted
        f = (lambda: (y for y in [Noisy("item"), 2]))()
        print(next(f))
        del f

        def made():
            yield 1

        watch = weakref.ref(made)
        g = made()
        del made
        print(watch() is not None, list(g), watch())
        box = []
        cyclic = (late(n) for n in (box, "x") if n is not box)
        box.append(cyclic)
        print(next(cyclic).__name__)
        del box, cyclic
        gc.collect()


def tuples():
    def failing(n):
        for i in range(n):
            yield Noisy(i)
        raise ValueError(n)

    for n in (0, 3, 40):
        print(len(tuple(i for i in range(n * 7))), tuple(x for x in ()))
    for _ in range(3):
        try:
            tuple(x for x in failing(3))
        except ValueError as error:
            print("failed", error)


def traced():
    events = []

    def tracer(frame, event, argument):
        if frame.f_code.co_name in ("counted", "switching"):
            events.append((frame.f_code.co_name, event, frame.f_lineno - frame.f_code.co_firstlineno, argument if event != "exception" else None))
        return tracer

    def switching():
        yield 1
        sys.settrace(tracer)
        yield 2
        yield 3

    for _ in range(3):
        g, h = counted(4), switching()
        next(g)
        next(h)
        next(h)
        print(next(g), next(h))
        sys.settrace(None)
        print(next(g), list(h), events)
        events.clear()


class Wait:
    def __await__(self):
        return (yield self)


async def nested(n):
    if n == 0:
        return await Wait()
    return await nested(n - 1) + 1


async def ticker(n):
    for i in range(n):
        yield i
        await Wait()


async def collects(n):
    return [x async for x in ticker(n)], await nested(n)


def coroutines():
    def drive(coroutine):
        steps = 0
        try:
            coroutine.send(None)
            while True:
                steps += 1
                coroutine.send(steps)
        except StopIteration as stop:
            return steps, stop.value

    for n in range(5):
        print(drive(nested(n)), drive(collects(n)))
    c = nested(2)
    c.send(None)
    print(c.cr_await.__name__, c.cr_running, c.cr_origin, inspect.getcoroutinestate(c))
    try:
        c.throw(KeyError("k"))
    except KeyError as error:
        print(error)
    for call in (lambda: c.send(None), lambda: nested(0).send(1)):
        try:
            call()
        except (RuntimeError, TypeError) as error:
            print(type(error).__name__, error)
    made = []

    def origins():
        made.append(nested(0))

    for depth in (0, 2, 0):
        sys.set_coroutine_origin_tracking_depth(depth)
        for _ in range(3):
            origins()
        origin = made[-1].cr_origin
        print(origin and [(name, line > 0) for _, line, name in origin])
        for c in made:
            c.close()
        made.clear()
    hooks = []
    sys.set_asyncgen_hooks(firstiter=lambda a: hooks.append(a.__name__), finalizer=lambda a: hooks.append("finalized"))
    for n in range(3):
        drive(collects(n))
        a = ticker(3)
        try:
            a.__anext__().send(None)
        except StopIteration as stop:
            hooks.append(stop.value)
        del a
    sys.set_asyncgen_hooks(None, None)
    print(hooks)


def renamed():
    f = lambda: (yield 1)
    f.__name__, f.__qualname__ = "other", "quite.other"

    def make():
        g = f()
        return g.__name__, g.__qualname__, g.gi_code.co_name, list(g), sys.getsizeof(f()) == sys.getsizeof(g)

    print([make() for _ in range(3)])
    f.__code__ = f.__code__.replace(co_name="replaced", co_flags=f.__code__.co_flags)
    print([make() for _ in range(3)])
    f.__code__ = counted.__code__.replace(co_name="longer")
    f.__defaults__ = (3, 1)
    f.__kwdefaults__ = {"stop": 1}
    print([make() for _ in range(3)])


def deep():
    def down(n):
        if n:
            yield from down(n - 1)
        yield n

    print(sum(down(40)))
    for _ in range(3):
        try:
            for _ in down(10**6):
                pass
        except RecursionError as error:
            print(error)


for case in (bindings, states, methods, results, delegation, handling, stopping, reentered, frames, numbers, references, lifetimes, tuples, traced, coroutines, renamed, deep):
    print("--", case.__name__)
    for _ in range(3):
        case()
