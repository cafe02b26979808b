# SPDX-License-Identifier: MIT
"""Slices loaded and stored without a slice object, and what must not be taken for those."""

import array
import gc
import sys

from support import attempt, refcheck, say, table


class Index:
    """Says how many references there are of it, and runs code in the middle of a slice."""

    def __init__(self, value, action=None):
        self.value, self.action = value, action

    def __index__(self):
        if self.action is not None:
            self.action()
        if self.value is None:
            raise ValueError("no index")
        return self.value

    def __repr__(self):
        return f"Index({self.value})"


class List(list):
    def __getitem__(self, key):
        return "List", key

    def __setitem__(self, key, value):
        say(("set", key, value))


class PlainList(list):
    pass


class Text(str):
    pass


class Pair(tuple):
    pass


class Loud:
    def __init__(self, name, log):
        self.name, self.log = name, log

    def __repr__(self):
        return self.name

    def __del__(self):
        self.log.append((self.name, list(map(str, self.log[0]))))


def load(c, i, j):
    return c[i:j]


def load_step(c, i, j, k):
    return c[i:j:k]


def head(c, k):
    return c[: k + 1]


def tail(c, k):
    return c[k:]


def whole(c):
    return c[:]


def reverse_head(c, k):
    return c[k::-1]


def reversed_copy(c):
    return c[::-1]


def every_other(c):
    return c[1::2]


def store(c, i, j, value):
    c[i:j] = value
    return c


def store_item(c, i, j, k, value):
    c[i:j:k] = value
    return c


def flip(c, k):
    c[: k + 1] = c[k::-1]
    return c


SEQUENCES = [
    [], [1], [1, "two", 3.0, None, 5], (), (1,), (1, 2, 3, 4, 5), "", "a", "abcde", "aé€\U0001f600z", b"", b"a", b"abcde",
    bytearray(b"abcde"), range(5), PlainList([1, 2, 3]), List([1, 2]), Text("abcde"), Pair((1, 2, 3)), array.array("b", b"abcde"),
    5, None, {1: 2},
]
BOUNDS = [None, 0, 1, 3, -1, -3, 5, 6, -6, 2**30, -(2**30), 2**63 - 1, -(2**63), 2**70, -(2**70), True, 1.5, "a", Index(2), Index(None)]
table(load, *[(c, i, j) for c in SEQUENCES for i in BOUNDS for j in (None, 0, 2, -1, 2**70, Index(3), "b")], rounds=3)
table(load, *[([1, 2, 3, 4], i, j) for i in BOUNDS for j in BOUNDS])
STEPS = [None, 1, 2, -1, -2, 7, -7, 0, 2**70, -(2**70), -(2**63), False, 1.5, Index(-1), Index(None)]
table(load_step, *[(c, i, j, k) for c in SEQUENCES for i in (None, 0, 3, -2) for j in (None, 1, -9) for k in STEPS], rounds=3)
for function in (head, tail, reverse_head):
    table(function, *[(c, k) for c in SEQUENCES for k in (0, 1, 2, -1, 5, 10, -10, 2**64)])
for function in (whole, reversed_copy, every_other):
    table(function, *[(c,) for c in SEQUENCES])


def same(c):
    return whole(c) is c, c[0:] is c, c[: len(c)] is c, c[0 : len(c) : 1] is c, c[1:1]


table(same, *[(c,) for c in SEQUENCES[:13]])


def stored(make, i, j, value):
    return attempt(store, make(), i, j, value() if callable(value) else value)


VALUES = [list, tuple, lambda: [7], lambda: [7, 8], lambda: (7, 8), lambda: "xy", lambda: iter((7, 8, 9)), lambda: {7}, 5, None, lambda: PlainList([7, 8])]
table(stored, *[(make, i, j, value) for make in (lambda: [1, 2, 3, 4], list, lambda: bytearray(b"abcd"), lambda: List([1]), lambda: PlainList([1, 2]), tuple)
                for i in (None, 0, 1, -2, 9, 2**70) for j in (None, 0, 2, 3, -1, -9, Index(2)) for value in VALUES], rounds=2)
table(lambda i, j, k, value: attempt(store_item, [1, 2, 3, 4, 5], i, j, k, value),
      *[(i, j, k, value) for i in (None, 1) for j in (None, -1) for k in (1, 2, -1, 0, None) for value in ([7, 8], (7, 8, 9), [1, 2, 3, 4, 5])])
table(lambda n, k: flip(list(range(n)), k), *[(n, k) for n in (0, 1, 2, 5, 20) for k in (-2, 0, 1, 3, 4, 19, 50)])


def onto_itself():
    a = [1, 2, 3]
    a[:] = a
    a[1:] = a
    a[::-1] = a
    a[1:2] = a[:]
    a[:1] = a[1:]
    return a


def shared_value():
    a, b = [1, 2, 3, 4], ["x", "y"]
    a[:2] = a[2:] = b
    a[:2] = kept = a[1::-1]
    kept.append(5)
    b.append("z")
    return a, b, kept


def nested():
    a = [[1], [2], [3]]
    a[0:2] = a[1::-1]
    a[0][:] = a[1][:] = a[2]
    return a, a[0] is a[2]


for function in (onto_itself, shared_value, nested):
    table(function)


def index_changes_list():
    a = [1, 2, 3, 4]
    before = a[1 : Index(3, lambda: a.append(9))]
    a[: Index(2, lambda: a.clear())] = "ab"
    b = [1, 2, 3]
    return a, before, b[:: Index(-1, b.clear)]


def value_changes_list():
    a = [1, 2, 3, 4]

    def items():
        yield 7
        a.clear()
        yield 8

    a[1:3] = items()
    return a


table(index_changes_list)
table(value_changes_list)


def deaths(make, rounds=4):
    for _ in range(rounds):
        log = [[]]
        a = make(log)
        log[0] = a
        a[0:2] = [10, 20]
        a[0:2] = a[1::-1]
        log.append("stored")
        a[1:] = (30,)
        log[0] = []
        del a
        gc.collect()
    return log


def twice(log):
    thing = Loud("same", log)
    return [thing, thing, Loud("last", log)]


table(deaths, (lambda log: [Loud("a", log), Loud("b", log), Loud("c", log)],), (twice,))


class DyingClears:
    def __init__(self, target):
        self.target = target

    def __del__(self):
        self.target.clear()


def clears_while_stored():
    a = []
    a.extend([DyingClears(a), 2, 3])
    a[0:2] = [5, 6]
    return a


table(clears_while_stored)


class Counted:
    """An index, and what it sees of its own references."""

    def __index__(self):
        return sys.getrefcount(self)


def counts():
    a, i = list(range(30)), Counted()
    return a[Counted() :][:1], a[: Counted()][-1:], a[i:][:1], a[Counted() :: 5], a[i :: Counted()]


table(counts)


class Container:
    def __getitem__(self, key):
        return sys.getrefcount(self), sys.getrefcount(key), sys.getrefcount(key.start), key

    def __setitem__(self, key, value):
        say(("stored", sys.getrefcount(self), sys.getrefcount(key), sys.getrefcount(key.start), sys.getrefcount(value), key))


def observed():
    c, i, value = Container(), 12345 + int("1"), [1, 2]
    c[i:2] = value
    c[i:2] = [int("77777"), 2]
    return c[i:2], c[i:2:3], c[i::None], Container()[i * 2 : i * 3], Container()[i * 2 : i * 3 : 4]


table(observed)


def positions(function):
    try:
        function()
    except Exception as error:
        line = error.__traceback__.tb_next
        return list(line.tb_frame.f_code.co_positions())[line.tb_lasti // 2], line.tb_lasti, str(error)


def bad_index():
    a = [1]
    return len(a[1 : "x" : 2])


def bad_step():
    a = (1, 2)
    return [a[0:1], a[::0]]


def bad_container():
    a = 5
    return a[1:2:3]


def bad_store():
    a = [1]
    a[1:2] = 5


def bad_value():
    a = [1]
    a[1.5:2] = 5


table(lambda: [positions(f) for f in (bad_index, bad_step, bad_container, bad_store, bad_value)])


def caught():
    out = []
    for step in (1, 0, "x", -1):
        try:
            out.append([1, 2, 3][2:0:step])
        except (TypeError, ValueError) as error:
            out.append(str(error))
    return out


table(caught)


class Thing:
    pass


KEPT, PARTS = [Thing(), Thing(), Thing()], (Thing(), Thing())


def counted_loads():
    return KEPT[:2], KEPT[::-1], KEPT[:], PARTS[1:], PARTS[::-1], (1, 2, 3)[1:], "abc"[1:], b"abc"[1:]


def counted_stores():
    a = KEPT[:]
    a[:2] = PARTS
    a[1:] = KEPT[1::-1]
    a[:] = [int("4000"), 2, 3]
    a[::2] = KEPT[:2]
    return a


def counted_failures():
    for function in (lambda: KEPT[:2:0], lambda: KEPT["x" : int("5000") : Index(None)], lambda: store(KEPT, 0, 1, 5), lambda: Container()[KEPT[0] : PARTS[0]]):
        attempt(function)


refcheck(counted_loads, *KEPT, *PARTS)
refcheck(counted_stores, *KEPT, *PARTS)
refcheck(counted_failures, *KEPT, *PARTS)
say(sys.getsizeof([1, 2, 3, 4, 5][1:4]) == sys.getsizeof([1, 2, 3][:]))
