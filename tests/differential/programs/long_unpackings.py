# SPDX-License-Identifier: MIT
"""Unpackings of many items to locals: what the locals held before goes meanwhile, and may do anything."""

import sys

from support import table


class Noisy:
    """Says what it sees of the frame that drops it."""

    act = None

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<{self.name}>"

    def __del__(self):
        frame = sys._getframe(1)
        names = {k: repr(v) for k, v in frame.f_locals.items() if k in "abcdefgh"}
        print("  end of", self.name, frame.f_lineno - frame.f_code.co_firstlineno, names)
        if Noisy.act is not None:
            Noisy.act(self, frame)


def five(x):
    a, b, c, d, e = x
    return e, d, c, b, a


def over(x, y):
    a, b, c, d, e = x
    a, b, c, d, e = y
    return a, b, c, d, e


def backward(x, y):
    a = b = c = d = e = 0
    e, d, c, b, a = x
    c, a, e, b, d = y
    return a, b, c, d, e


def twice_the_same(x):
    a, b, a, c, b = x
    return a, b, c


def many(x):
    a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p = x
    return p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a


def too_many(x):
    a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q = x
    return q, p, a


def captured(x):
    a, b, c, d, e, f = x

    def inner():
        return c, d

    return inner(), a, b, e, f


def itself(x):
    x, a, b, c, d = x
    return x, a, b, c, d


def itself_last(x):
    a, b, c, d, x = x
    return x, a, b, c, d


def numbers(rows):
    total, n = 0.5, 0
    for row in rows:
        n += 1
        a, b, c, d, e = row
        total += a * b - c + d * e + n
        a = total
    return total, n, a, b


def caught(x):
    a = b = c = d = e = None
    try:
        a, b, c, d, e = x
    except (TypeError, ValueError) as error:
        return repr(error), a, e
    return a, e


def generated(rows):
    for row in rows:
        a, b, c, d, e = row
        yield e, d
        yield a, b, c


class Broken:
    def __iter__(self):
        yield 1
        yield 2
        raise KeyError("broken")


ROWS = ((1, 2, 3, 4, 5), [1, 2, 3, 4, 5], "abcde", (1, 2, 3, 4), [1] * 6, {5: 1, 4: 2, 3: 3, 2: 4, 1: 5}, range(5), 7, Broken())
table(five, *((row,) for row in ROWS))
table(lambda: five(iter("abcde")), ())
table(over, *((row, other) for row in ROWS[:3] for other in ROWS))
table(backward, *((row, other) for row in ROWS[:2] for other in ROWS[:5]))
table(twice_the_same, ((1, 2, 3, 4, 5),), ([1, 2, 3, 4, 5],), ((1,),))
table(many, (tuple(range(16)),), (list(range(16)),), (range(16),), ("a" * 15,))
table(too_many, (tuple(range(17)),), (list(range(17)),), (range(16),))
table(captured, ((1, 2, 3, 4, 5, 6),), ([[], 2, 3, 4, 5, 6],))
table(itself, ((1, 2, 3, 4, 5),), ([1, 2, 3, 4, 5],))
table(itself_last, ((1, 2, 3, 4, 5),), ([1, 2, 3, 4, 5],))
table(numbers, ([(1, 2, 3, 4, 5), [1.5, 2, 3.5, 4, 5]] * 3,), ([(2**70, 2.0, 1, 1, 1)],), ([(True, 1, 1, 1, 1)] * 2,))
table(caught, *((row,) for row in ROWS))
table(lambda rows: list(generated(rows)), (ROWS[:3],), (ROWS[:5],))


def watched(x, y):
    a, b, c, d, e = x
    x.clear()
    a, b, c, d, e = y
    (a,
     b, c,
     d, e) = "vwxyz"  # fmt: skip
    return a, b, c, d, e


def noisy(prefix):
    return [Noisy(prefix + str(i)) for i in range(5)]


def empties(self, frame):
    SHARED.clear()


def writes(self, frame):
    # Native code keeps what is written over until it has left the frame: nothing that says when it goes.
    for name in "abe":
        if isinstance(frame.f_locals.get(name), str):
            frame.f_locals[name] = "written by " + self.name


def rebinds(self, frame):
    global constant
    constant = self.name


def raises(self, frame):
    raise RuntimeError("nobody sees this")


constant = "first"


def uses_constant(x, y):
    a, b, c, d, e = x
    x.clear()
    before = constant
    a, b, c, d, e = y
    return before, constant, a, e


sys.unraisablehook = lambda args: print("  unraisable", args.exc_value)
SHARED = []
for act in (None, empties, writes, rebinds, raises):
    for _ in range(6):
        print(act and act.__name__)
        SHARED[:] = "ABCDE"
        Noisy.act = act
        print(watched(noisy("x"), SHARED))
        SHARED[:] = "ABCDE"
        constant = "first"
        print(uses_constant(noisy("u"), SHARED))
        Noisy.act = None


def loop(rows):
    for row in rows:
        a, b, c, d, e = row
    return a, e


def loop_with_numbers(rows):
    n, x = 0, 1.5
    for row in rows:
        n += 1
        x *= 2
        a, b, c, d, e = row
    return a, e, n, x


for _ in range(6):
    print(loop([noisy("r"), tuple(noisy("s")), noisy("t")]))
    print(loop_with_numbers([noisy("r"), tuple(noisy("s")), noisy("t")]))


def counts(x, y):
    first = [sys.getrefcount(item) for item in x], sys.getrefcount(x), sys.getrefcount(y)
    a, b, c, d, e = x
    second = [sys.getrefcount(item) for item in x], sys.getrefcount(x), sys.getrefcount(y)
    a, b, c, d, e = y
    third = [sys.getrefcount(item) for item in x], sys.getrefcount(x), sys.getrefcount(y)
    a, b, c, d, e = y
    a, b, c, d, e = e, d, c, b, a
    return first, second, third, [sys.getrefcount(item) for item in y], a is y[4]


class Plain:
    pass


for _ in range(6):
    print(counts([Plain() for _ in range(5)], tuple(Plain() for _ in range(5))))
