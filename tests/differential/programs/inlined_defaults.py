# SPDX-License-Identifier: MIT
"""Calls that leave parameters to their defaults, of functions small enough to be inlined."""

import sys

from support import attempt, refcheck, say, show, table


def scaled(x, factor=2, shift=1):
    return x * factor + shift


def pick(x, default=None):
    if x is None:
        return default
    return x


def held(x, keep=[]):
    return keep


def unbound(x, y, z=3):
    return x + y + z


class Point:
    def __init__(self, x=0, y=0, tag="none"):
        self.x = x
        self.y = y
        self.tag = tag

    def moved(self, by=1, factor=10):
        return self.x + by * factor

    def set(self, x=None, y=7):
        if x is not None:
            self.x = x
        self.y = y
        return self

    def __call__(self, z=5):
        return self.x + z


def scale_all(values):
    return [scaled(v) + scaled(v, 3) + scaled(v, 3, 4) for v in values]


def pick_all(values):
    return [(pick(v), pick(v, "given")) for v in values]


def keep_all(values):
    return [held(v) for v in values]


def make_all(values):
    result = []
    for v in values:
        result.append((Point(), Point(v), Point(v, v), Point(v, v, "tag")))
    return [(p.x, p.y, p.tag) for row in result for p in row]


def move_all(points):
    return [(p.moved(), p.moved(2), p.moved(2, 3), p.set().y, p.set(4).x, p.set(5, 6).y) for p in points]


def too_few(n):
    return [unbound(n)]


def enough(n):
    return [unbound(n, 1), unbound(n, 1, 2)]


numbers, points = list(range(5)), [Point(i) for i in range(4)]


def everything():
    text = [attempt(scale_all, numbers), attempt(scale_all, [1.5, "ab", 2**70]), attempt(pick_all, [None, 1, None]),
            attempt(lambda: len({id(k) for k in keep_all(numbers)})), attempt(make_all, numbers),
            attempt(move_all, points), attempt(too_few, 1), attempt(enough, 1), attempt(keep_all, [1, 2])]
    return "\n".join(text)


def rounds(n=25):
    first = everything()
    for _ in range(n):
        again = everything()
        if again != first:
            show(f"changed: {first}\nto {again}")
            first = again
    show(first)


rounds()
scaled.__defaults__ = (5,)
rounds()
scaled.__defaults__ = (7, 8, 9)
rounds()
scaled.__defaults__ = None
rounds()
scaled.__defaults__ = (2, 1)
Point.__init__.__defaults__ = ("x", "y", "z")
Point.moved.__defaults__ = (100, 1000)
rounds()
Point.__init__.__defaults__ = ("only the last",)
rounds()


class Ends:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(self.name)


log = []
Point.__init__.__defaults__ = (0, 0, "none")
pick.__defaults__ = (Ends("first"),)


def names(n):
    return [pick(None).name for _ in range(n)]


for _ in range(30):
    found = names(3)
say((found, log))
pick.__defaults__ = (Ends("second"),)
say((names(3), log))
for _ in range(30):
    found = names(3)
say((found, log))


class Swaps:
    """Replaces the defaults of what is called with it."""

    def __mul__(self, factor):
        scaled.__defaults__ = (3, 100)
        return factor * 10


for value in (Swaps(), 1, Swaps(), 2):
    say(attempt(lambda: [scaled(v) for v in (1, value, 1)]))
    scaled.__defaults__ = (2, 1)


def shared(n):
    """The default is one object, which grows."""
    for i in range(n):
        held(i).append(i)
    return len(held(0))


table(lambda: shared(3) > 0, ())
default = held.__defaults__[0]
before = sys.getrefcount(default)
for _ in range(50):
    keep_all(numbers)
say((sys.getrefcount(default) - before, held(1) is default))


def by_closure():
    def inner(x, y=4):
        return x + y

    return [inner(i) for i in range(5)], [inner(i, 1) for i in range(5)]


table(by_closure, ())


def differs(functions):
    """One code object, other defaults."""
    return [f(1) for f in functions]


def make(default):
    def f(x, y=default):
        return x, y

    return f


for _ in range(30):
    found = differs([make(i) for i in range(4)])
say(found)
refcheck(lambda: (scale_all(numbers), make_all(numbers), keep_all(numbers), move_all(points)), default, points[0],
         scaled, Point)
