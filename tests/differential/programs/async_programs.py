# SPDX-License-Identifier: MIT
"""A small event loop of its own: tasks, sleeping, channels, cancellation, written with plain coroutines."""

import heapq
import types

from support import refcheck


@types.coroutine
def trap(*request):
    return (yield request)


class Cancelled(BaseException):
    pass


class Channel:
    def __init__(self):
        self.items, self.waiting = [], []

    async def get(self):
        while not self.items:
            await trap("wait", self)
        return self.items.pop(0)

    def put(self, kernel, item):
        self.items.append(item)
        while self.waiting:
            kernel.ready.append((self.waiting.pop(0), None))

    def __aiter__(self):
        return self

    async def __anext__(self):
        item = await self.get()
        if item is None:
            raise StopAsyncIteration
        return item


class Kernel:
    def __init__(self):
        self.ready, self.sleeping, self.now, self.sequence, self.log = [], [], 0, 0, []

    def spawn(self, coroutine):
        self.ready.append((coroutine, None))
        return coroutine

    def step(self, task, value):
        try:
            match task.throw(value) if isinstance(value, BaseException) else task.send(value):
                case ("sleep", delay):
                    self.sequence += 1
                    heapq.heappush(self.sleeping, (self.now + delay, self.sequence, task))
                case ("wait", channel):
                    channel.waiting.append(task)
                case ("cancel", other):
                    self.ready.append((other, Cancelled()))
                    self.ready.append((task, True))
                case ("now",):
                    self.ready.append((task, self.now))
                case other:
                    self.ready.append((task, ValueError(f"bad trap {other}")))
        except StopIteration as stop:
            self.log.append(("done", task.__name__, stop.value))
        except Cancelled:
            self.log.append(("cancelled", task.__name__))
        except Exception as error:
            self.log.append(("failed", task.__name__, repr(error)))

    def run(self):
        while self.ready or self.sleeping:
            if not self.ready:
                self.now, _, task = heapq.heappop(self.sleeping)
                self.ready.append((task, None))
            self.step(*self.ready.pop(0))
        return self.log


async def producer(kernel, channel, n):
    for i in range(n):
        await trap("sleep", i % 3)
        channel.put(kernel, i)
    channel.put(kernel, None)
    return await trap("now")


async def consumer(channel):
    total = 0
    async for item in channel:
        total += item * item
    else:
        total += 1000
    return total, [x async for x in evens(6)]


async def evens(n):
    for i in range(n):
        if i % 2 == 0:
            yield i
            await trap("sleep", 1)


async def sleeper(log):
    try:
        await trap("sleep", 10**6)
    finally:
        log.append("cleanup")
        await trap("sleep", 1)


async def faulty(n):
    await trap("sleep", 2)
    try:
        await trap("nonsense", n)
    except ValueError as e:
        return [1 // (n - n) if n == 3 else str(e)]


async def canceller(other):
    await trap("sleep", 5)
    return await trap("cancel", other)


def program(n):
    kernel, channel = Kernel(), Channel()
    kernel.spawn(producer(kernel, channel, n))
    kernel.spawn(consumer(channel))
    victim = kernel.spawn(sleeper(kernel.log))
    kernel.spawn(canceller(victim))
    kernel.spawn(faulty(n))
    return kernel.run()


for n in (0, 3, 20, 20, 20, 3):
    print(n, program(n))


def leak():
    return program(4)


refcheck(leak, Channel, Kernel)
