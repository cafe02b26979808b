# SPDX-License-Identifier: MIT
"""Whether a number is still the object that it was: `x is y` for variables that loops keep in registers."""

import sys

from support import ROUNDS, Noisy, attempt, say

BIG = [float(i) for i in range(6)]


def best(values, start):
    best = start
    for v in values:
        if v * 2.0 > best:
            best = v * 2.0
    return best is start, best


def count_down(n):
    start = n
    while n > 0:
        n -= 1000
    return n is start, n


def decay(x, k):
    start = x
    for i in range(k):
        x = x * 0.5
    return x is start, x


def moved(a, b, k):
    first, second = a, b
    for i in range(k):
        a, b = b, a + b
    return a is first, a is second, b is second


def previous(x, k):
    start, before = x, None
    for i in range(k):
        before = x
        x = x * 0.5
    return before is start, x is start, before is x


def joined(x, c):
    y = x
    if c:
        y = x * 2.0
    return y is x, y * 1.0


def expression(x, c):
    z = x * 2.0 if c else x
    return z is x, z * 1.0


def seldom(x, items):
    start = x
    for v in items:
        if v > 3:
            x = x * v
    return x is start, x


def kept(x, items):
    start, out = x, []
    for v in items:
        if v > 3:
            x = x + v
        out.append(x)
    return [o is start for o in out], out[-1] is x


def seldom_kept(x, items):
    out = []
    for v in items:
        x = x + v
        if v > 3:
            out.append(x)
    return [o is x for o in out], x


def fails_in_loop(x, items):
    """The exception shows the variable in its frame."""
    start, total = x, x
    try:
        for v in items:
            total += 1.5
            x = x * v
    except TypeError:
        return x is start, total is start, x
    return x is start, total is start, x


def calls_in_loop(x, items, log):
    start = x
    for v in items:
        if v > 3:
            log.append(Noisy(v) is not None)
        if v > 4:
            x = x * v
    return x is start, len(log)


def frame_in_loop(x, items):
    start, seen = x, []
    for v in items:
        if v == 2:
            seen.append(sys._getframe().f_locals["x"] is start)
        x = x * v if v > 3 else x
    return seen, x is start


def nested(x, y, n):
    first, second = x, y
    for i in range(n):
        for j in range(i):
            x = x + y
        y = y * 0.5
    return x is first, y is second, y is first


def new_before(a, k):
    x = a * 2.0
    start = x
    y = z = a + 1.0
    for i in range(k):
        x = x * 0.5
        y = y + x
    return x is start, y is z


def with_and_without(x, n):
    """Two loops, one behind the other."""
    start = x
    for i in range(n - 2):
        x = x * 1.5
    middle = x
    for i in range(n - 4):
        x = x + 1.5
    return x is start, middle is start, x is middle


def suspended(x, items):
    start = x
    for v in items:
        yield x is start
        yield x
        if v > 3:
            x = x * v
    yield x is start


def generated(x, items):
    out = list(suspended(x, items))
    return [item is x for item in out], out


def deleted(x, items):
    start = x
    for v in items:
        if v > 4:
            del x
            x = v * 2.5
    return x is start, x


def counted(x, n):
    """The object that a register has taken the place of goes in time."""
    before = sys.getrefcount(x)
    y = x
    for i in range(n):
        y = y * 0.5
    return sys.getrefcount(x) - before, y is x


def handed_on(a, b, items):
    """What another variable had."""
    first, second = a, b
    for v in items:
        if v > 3:
            a = b
        if v > 4:
            b = b * v
    return a is first, a is second, b is second


def negative(n):
    n = -n
    start = m = n
    while m < 0:
        m += 500
    return m is start, n is start, m


def rows():
    yield best, (BIG, 1e9), (BIG, 1.0), ([], 2.5)
    yield count_down, (-5000,), (5000,), (0,)
    yield decay, (2.5, 0), (2.5, 1), (2.5, 9), (10**9, 0)
    yield moved, (1.5, 2.5, 0), (1.5, 2.5, 1), (1.5, 2.5, 2), (1000, 2000, 0), (1000, 2000, 1), (1000, 2000, 8)
    yield previous, (1.5, 0), (1.5, 1), (1.5, 2), (1.5, 9)
    yield joined, (1.5, 0), (1.5, 1), (1000, 0)
    yield expression, (1.5, 0), (1.5, 1), (1000, 0)
    for function in seldom, kept, seldom_kept:
        yield function, (1.5, BIG), (1.5, BIG[:4]), (1.5, []), (1000, range(6)), (1000, range(3)), (1.5, BIG + BIG[:3])
    yield fails_in_loop, (1.5, BIG), (1.5, ["text"]), (1.5, [2.0, "text"]), (1.5, [])
    yield calls_in_loop, (1.5, BIG, []), (1.5, BIG[:5], []), (1.5, [], [])
    yield frame_in_loop, (1.5, BIG), (1.5, BIG[:4]), (1.5, BIG + BIG)
    yield nested, (1.5, 2.5, 0), (1.5, 2.5, 1), (1.5, 2.5, 5)
    yield with_and_without, (1.5, 1), (1.5, 3), (1.5, 9)
    yield new_before, (1.5, 0), (1.5, 1), (1.5, 5)
    yield generated, (1.5, BIG), (1.5, BIG[:3]), (1000, range(6))
    yield deleted, (1.5, BIG), (1.5, BIG[:4]), (1.5, [])
    yield counted, (float("1.25"), 0), (float("1.25"), 1), (float("1.25"), 9)
    yield handed_on, (1.5, 2.5, BIG), (1.5, 2.5, BIG[:5]), (1.5, 2.5, BIG[:4]), (1.5, 2.5, [4.0, 5.0, 4.0])
    yield negative, (5000,), (300,), (-300,)


def main():
    for function, *arguments in rows():
        first = None
        for _ in range(ROUNDS * 10):
            answers = [attempt(function, *row) for row in arguments]
            if first is None:
                say((function.__name__, answers))
            elif first != answers:
                say((function.__name__, "changed", answers))
            first = answers


main()
