# SPDX-License-Identifier: MIT
from support import refcheck, table


class Endless:
    def __init__(self, stop):
        self.stop = stop

    def __repr__(self):
        return f"Endless({self.stop})"

    def __iter__(self):
        for i in range(self.stop):
            print("  step", i)
            yield i
        raise KeyError("end")


def two(x):
    a, b = x
    return a, b


def three(x):
    a, b, c = x
    return c, b, a


def starred(x):
    first, *rest, last = x
    return first, rest, last


def nested(x):
    (a, b), [c, *d] = x
    return a, b, c, d


def swap(a, b, c):
    a, b = b, a
    a, b, c = c, a, b
    return a, b, c


def displays(x, y):
    return [*x, 1, *y], (*x, *y), {*x, *y}


def mapping(x, y):
    return {"a": 1, **x, "b": 2, **y}


table(two, ((1, 2),), ([1, 2],), ("ab",), ((1,),), ((1, 2, 3),), (5,), (None,), ({1: 2, 3: 4},), (range(2),))
table(two, (Endless(1),), (Endless(2),), (Endless(3),), rounds=1)
table(three, ((1, 2, 3),), ([1, 2, 3],), ("abc",), ([1, 2, 3, 4],))
table(lambda: two(x for x in "ab"), ())
table(lambda: three(iter([1, 2])), ())
table(starred, ((1, 2),), ([1, 2, 3, 4],), ("a",), ("",), (7,), (range(5),))
table(nested, (((1, 2), [3]),), (((1, 2), (3, 4, 5)),), (((1,), [3]),), ((1, [3]),))
table(swap, (1, 2, 3), ("a", None, []))
table(displays, ([1], (2, 3)), ("ab", "bc"), ([], []), ([1], 5), (None, []), ([[]], []))
table(mapping, ({}, {}), ({"a": 5}, {"c": 6}), ({1: 2}, {}), ({}, 5), ([], {}), ({"b": 1}, {"b": 3}))


def loop_unpack(items):
    total = []
    for i, (a, *b) in enumerate(items):
        total.append((i, a, b))
    return total


table(loop_unpack, ([(1, 2), "abc", [4]],), ([(1,), ()],), ([5],))


def targets():
    class Box:
        pass

    box, values = Box(), [0, 0, 0]
    box.a, values[1], *values[2:], box.b = 1, 2, 3, 4, 5
    for box.c in "xyz":
        pass
    for values[0] in range(4):
        pass
    return vars(box), values


table(targets, ())
A, B = object(), [object()]


def leak():
    x, y = A, B
    y, x = x, y
    p, *q = (A, B, A, B)
    (r, s), t = (q[0], q[1]), [*q, A]
    try:
        u, v, w = (A, B)
    except ValueError:
        pass
    return {**{"k": A}}, t


refcheck(leak, A, B)
