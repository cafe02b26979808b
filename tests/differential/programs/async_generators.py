# SPDX-License-Identifier: MIT
"""Asynchronous generators driven by hand and by `async for`: values, sends, throws, closing, misuse, hooks, and what is
raised where."""

import asyncio
import gc
import sys
import warnings

from support import refcheck, table

log = []


def drive(awaitable, *sent):
    """Steps an awaitable with send(), like an event loop: what it awaits, and how it ends."""
    steps = []
    try:
        for value in (None, *sent):
            steps.append(awaitable.send(value))
    except BaseException as error:
        steps.append((type(error).__name__, getattr(error, "value", None), str(error), repr(error.__context__)))
    return steps


class Pause:
    def __init__(self, value):
        self.value = value

    def __await__(self):
        return (yield self.value)


async def counted(n, limit=None):
    try:
        for i in range(n):
            if i == limit:
                return
            got = yield i * 1.5
            if got is not None:
                log.append(got)
    finally:
        log.append("closed")


async def pausing(n):
    for i in range(n):
        log.append(await Pause(i))
        try:
            yield (i, StopIteration(i))
        except ValueError as error:
            log.append(repr(error))
            yield "caught"


async def nested(depth, n):
    if depth:
        async for item in nested(depth - 1, n):
            yield item
    yield depth
    for i in range(n):
        yield depth * 10 + i


async def collect(iterable):
    return [item async for item in iterable]


def sums(n):
    async def main():
        total = 0
        async for x in counted(n):
            total += x
        return total, await collect(nested(3, n)), [x async for x in nested(1, n) if x != 10]

    result = asyncio.run(main())
    return result, taken()


def taken():
    out = list(log)
    log.clear()
    return out


def by_hand(n):
    agen = counted(n)
    steps = [drive(agen.__anext__()) for _ in range(n + 2)]
    return steps, agen.ag_running, agen.ag_frame is None, taken()


def sending(n):
    agen = counted(n)
    steps = [drive(agen.asend(None))]
    steps += [drive(agen.asend(f"value {i}")) for i in range(n)]
    fresh = counted(2)
    steps.append(drive(fresh.asend("too early")))
    steps.append(drive(fresh.aclose()))
    return steps, taken()


def pauses(n):
    agen = pausing(n)
    first = agen.__anext__()
    steps = [first.send(None), agen.ag_running]
    steps.append(drive(agen.__anext__()))
    steps.append(drive(first, "go on"))
    steps.append(drive(first))
    steps.append(drive(agen.athrow(ValueError("thrown"))))
    steps.append(drive(agen.__anext__(), 1, 2))
    steps.append(drive(agen.athrow(KeyError("out"))))
    steps.append(drive(agen.__anext__()))
    return steps, taken()


def iterated(n):
    agen = pausing(n)
    steps = []
    awaitable = agen.__anext__()
    steps.append(next(awaitable))
    try:
        next(awaitable)
    except StopIteration as error:
        steps.append(repr(error.value))
    try:
        next(awaitable)
    except RuntimeError as error:
        steps.append(str(error))
    steps.append(list(agen.__anext__()))
    return steps, taken()


async def raising(kind):
    yield 1
    raise kind("inside")


def raises(kind):
    agen = raising(kind)
    return drive(agen.__anext__()), drive(agen.__anext__()), drive(agen.__anext__()), drive(agen.aclose())


def closing(n):
    agen = counted(n)
    steps = [drive(agen.__anext__()), drive(agen.aclose()), drive(agen.aclose()), drive(agen.__anext__())]
    unstarted = counted(n)
    steps += [drive(unstarted.aclose()), drive(unstarted.__anext__())]
    return steps, taken()


def frames(n):
    async def looks():
        for i in range(n):
            frame = sys._getframe(0)
            caller = sys._getframe(1)
            yield frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, caller.f_code.co_name

    async def user():
        return [item async for item in looks()]

    return drive(user())


def hooked(n):
    seen = []

    async def user():
        async for item in counted(n):
            if item > 2:
                break
        return item

    old = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(lambda agen: seen.append("first"), lambda agen: seen.append("final"))
    try:
        result = drive(user())
        gc.collect()
    finally:
        sys.set_asyncgen_hooks(*old)
    return result, seen, taken()


def never_awaited(n):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        agen = counted(n)
        agen.__anext__()
        gc.collect()
    return [str(warning.message) for warning in caught], drive(agen.aclose())


def tracebacks(n):
    async def inner():
        for i in range(n):
            yield i
        raise LookupError("end")

    async def outer():
        async for i in inner():
            yield i

    agen = outer()
    for _ in range(n):
        drive(agen.__anext__())
    try:
        agen.__anext__().send(None)
    except LookupError as error:
        lines, entry = [], error.__traceback__
        while entry is not None:
            lines.append((entry.tb_frame.f_code.co_name, entry.tb_lineno - entry.tb_frame.f_code.co_firstlineno))
            entry = entry.tb_next
        return lines


table(sums, (0,), (1,), (30,))
table(by_hand, (0,), (3,), (20,))
table(sending, (1,), (5,), (20,))
table(pauses, (1,), (3,))
table(iterated, (2,), (4,))
table(raises, (ValueError,), (StopIteration,), (StopAsyncIteration,), (GeneratorExit,), (KeyboardInterrupt,))
table(closing, (1,), (5,))
table(frames, (3,), (20,))
table(hooked, (2,), (20,))
table(never_awaited, (2,))
table(tracebacks, (2,), (20,))
refcheck(lambda: by_hand(5))
refcheck(lambda: pauses(3))
refcheck(lambda: drive(collect(nested(2, 3))))
