# SPDX-License-Identifier: MIT
import asyncio

from support import attempt, refcheck, table


class Awaitable:
    def __init__(self, *values):
        self.values = values

    def __await__(self):
        got = []
        for v in self.values:
            got.append((yield v))
        return got


class Steps:
    """An async iterator."""

    def __init__(self, n, bad=None):
        self.i, self.n, self.bad = 0, n, bad

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.i == self.bad:
            raise ValueError("bad step")
        if self.i >= self.n:
            raise StopAsyncIteration
        self.i += 1
        await Awaitable("step")
        return self.i


class Manager:
    def __init__(self, log, swallow=False):
        self.log, self.swallow = log, swallow

    async def __aenter__(self):
        await Awaitable("enter")
        self.log.append("enter")
        return self

    async def __aexit__(self, kind, value, tb):
        await Awaitable("exit")
        self.log.append(("exit", kind and kind.__name__, str(value)))
        return self.swallow


def run(coroutine, reply=None):
    seen = []
    try:
        value = coroutine.send(None)
        while True:
            seen.append(value)
            value = coroutine.send(reply)
    except StopIteration as stop:
        return seen, stop.value


async def simple(x):
    y = await Awaitable(x, x + x)
    return y, x


async def nested(n):
    if n == 0:
        return await simple(1)
    return [await nested(n - 1), n]


async def loops(n, bad):
    out = []
    async for i in Steps(n, bad):
        if i == 2:
            continue
        if i == 6:
            break
        out.append(i)
    else:
        out.append("else")
    return out


async def comprehensions(n):
    a = [i async for i in Steps(n)]
    b = {i: await simple(i) async for i in Steps(2) if i > 1}
    c = [x for x in [await simple(j) for j in range(2)]]
    d = [y async for y in (i * 2 async for i in Steps(3))]
    return a, b, c, d


async def managed(raises, swallow):
    log = []
    try:
        async with Manager(log) as outer, Manager(log, swallow):
            log.append(outer is not None)
            if raises:
                raise KeyError("inside")
            return log
    except KeyError:
        log.append("escaped")
    return log


async def agen(n):
    try:
        for i in range(n):
            got = yield i
            if got:
                await Awaitable(got)
    except ValueError as e:
        yield ("caught", str(e))
    finally:
        await Awaitable("cleanup")


async def use_agen(kind):
    g = agen(3)
    out = [await anext(g)]
    if kind == "send":
        out.append(await g.asend("payload"))
        out.append(await g.asend(None))
        out.append(await anext(g, "default"))
    elif kind == "throw":
        out.append(await g.athrow(ValueError("thrown")))
    elif kind == "close":
        await g.aclose()
    elif kind == "iterate":
        out += [x async for x in g]
    return out


table(lambda x: run(simple(x)), (1,), ("a",), (None,))
table(lambda n: run(nested(n), "r"), (0,), (3,))
table(lambda n, bad: run(loops(n, bad)), (0, None), (3, None), (9, None), (4, 2))
table(lambda n: run(comprehensions(n)), (0,), (3,))
table(lambda r, s: run(managed(r, s)), (False, False), (True, False), (True, True))
table(lambda k: run(use_agen(k)), ("send",), ("throw",), ("close",), ("iterate",))


async def wrong(kind):
    if kind == 0:
        await 5
    if kind == 1:
        async for _ in [1]:
            pass
    if kind == 2:
        async with open:
            pass
    if kind == 3:
        return [x async for x in 5]
    if kind == 4:
        raise StopIteration(1)
    if kind == 5:
        raise StopAsyncIteration


table(lambda k: run(wrong(k)), *[(k,) for k in range(6)])


def thrown():
    c = nested(2)
    c.send(None)
    return attempt(c.throw, ValueError("outside")), attempt(c.send, None)


def closed():
    c = simple(1)
    c.send(None)
    c.close()
    return attempt(c.send, None)


table(thrown, ())
table(closed, ())


async def worker(name, queue, log):
    while True:
        item = await queue.get()
        if item is None:
            return name
        await asyncio.sleep(0)
        log.append((name, item))


async def main():
    queue, log = asyncio.Queue(), []
    tasks = [asyncio.create_task(worker(n, queue, log)) for n in "ab"]
    for i in range(30):
        await queue.put(i)
    for _ in tasks:
        await queue.put(None)
    names = await asyncio.gather(*tasks)
    try:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(10)
    except TimeoutError:
        log.append("timeout")
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(5))
            group.create_task(fail())
    except* ValueError as g:
        log.append(repr(g.exceptions))
    return names, log


async def fail():
    await asyncio.sleep(0)
    raise ValueError("task")


for _ in range(3):
    print(asyncio.run(main()))
OBJ = object()


def leak():
    async def inner(x):
        async with Manager([]):
            return await Awaitable(x), x

    async def outer():
        a = await inner(OBJ)
        b = [i async for i in agen(2)]
        try:
            await inner(OBJ)
            raise KeyError(OBJ)
        except KeyError as e:
            return a, b, e.args

    return run(outer(), OBJ)


refcheck(leak, OBJ)
