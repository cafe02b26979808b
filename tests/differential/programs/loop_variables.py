# SPDX-License-Identifier: MIT
"""What a loop's variable was before the loop: nothing, another kind of object, something that is released loudly."""

import sys

from support import attempt, say, table


class Loud:
    def __init__(self, log, frame=False):
        self.log, self.frame = log, frame

    def __del__(self):
        names = sys._getframe(1).f_locals if self.frame else {}
        self.log.append(("gone", len(self.log), names.get("i"), names.get("total")))


def nested(n, m):
    total = 0
    for i in range(n):
        for j in range(m):
            total += i * j
    return total, i, j


def triangle(n):
    out = []
    for i in range(n):
        for j in range(i):
            out.append(j)
    return out, i, j


def twice(n, m):
    for i in range(n):
        pass
    first = i
    for i in range(m):
        pass
    return first, i


def before(value, n):
    i = value
    for i in range(n):
        pass
    return i


def kept(value, n):
    i = keep = value
    total = 0
    for i in range(n):
        total += i
    return i, keep, i is keep, total


def deleted(n, m):
    for k in range(3):
        for i in range(n):
            pass
        if m > 1:
            del i
    return i


def deaths(n, frame):
    log = []
    i = Loud(log, frame)
    total = 5
    for i in range(n):
        total += i
        if i == 1:
            log.append("one")
    return log, i, total


def large(n):
    out = []
    for i in range(10**12, 10**12 + n):
        for j in range(2**62, 2**62 + 3):
            pass
        out.append((i, j))
    return out


def failing(n, at):
    for k in range(2):
        for i in range(n):
            if i == at:
                raise ValueError(sorted(sys._getframe().f_locals.items()))
    return i


def handled(n):
    seen = []
    for k in range(3):
        try:
            for i in range(n):
                [][i - 1]
        except IndexError:
            seen.append((k, i))
        except UnboundLocalError:
            seen.append("unbound")
    return seen


def counted_down(n):
    out = []
    while n > 0:
        item = n
        n -= 1
        out.append(item)
        total = 0
        m = n
        while m > 0:
            last = m
            m -= 2
            total += last
        out.append(total)
    return out, attempt(lambda: item)


def locals_inside(n):
    out = []
    for k in range(2):
        for i in range(n):
            out.append(sorted(locals().items(), key=repr)[:2] if i == 0 else i)
    return len(out), repr(out)[:300]


def generator(n, m):
    for k in range(n):
        for i in range(m):
            yield k, i
        yield "end", attempt(lambda: i)


def shared(n):
    """One object has two names before the loop."""
    a = b = n * 1000
    for a in range(n):
        for b in range(a):
            pass
    return a, b


def references(n):
    text = "".join(["some ", "text"])
    for _ in range(n):
        i = text
        count = sys.getrefcount(text)
        for i in range(3):
            pass
        assert sys.getrefcount(text) == count - 1, (sys.getrefcount(text), count)
    return i


SIZES = [(0, 0), (0, 3), (3, 0), (1, 1), (4, 5), (30, 30)]
for function in (nested, twice, deleted):
    table(function, *SIZES)
for function in (triangle, large, handled, counted_down, locals_inside, shared, references):
    table(function, (0,), (1,), (2,), (40,))
VALUES = [None, 0, 7, 2**70, 1.5, True, "text", b"bytes", [1], (), {}, int, 3j]
for function in (before, kept):
    table(function, *[(value, n) for value in VALUES for n in (0, 1, 5)], rounds=60)
table(deaths, *[(n, frame) for n in (0, 1, 5) for frame in (False, True)], rounds=60)
table(failing, *[(n, at) for n in (0, 1, 5) for at in (0, 3, 9)])
table(lambda n, m: list(generator(n, m)), *SIZES)


def hot():
    total = 0
    for _ in range(300):
        total += nested(5, 4)[0] + len(triangle(6)[0]) + twice(2, 3)[1] + shared(4)[1]
        total += len(str(before("x", 0))) + before([], 2)
        attempt(nested, 0, 3)
        attempt(deleted, 2, 2)
    return total


say(hot())
