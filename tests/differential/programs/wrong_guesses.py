# SPDX-License-Identifier: MIT
"""Builtins and containers that native code takes for quiet ones, with operands that run code: a guess that is wrong."""

import sys

from support import Key, attempt, given, refcheck, show, table

log = Key.log


class Sized:
    def __init__(self, size):
        self.size = size

    def __len__(self):
        log.append("len")
        return given(self.size)

    def __repr__(self):
        return f"Sized({self.size!r})"


class Longer(list):
    def __len__(self):
        return super().__len__() + 1


class Looking:
    """Looks at its caller, and writes to it."""

    def __len__(self):
        frame = sys._getframe(1)
        log.append((frame.f_lineno - frame.f_code.co_firstlineno, frame.f_locals.get("total")))
        frame.f_locals["total"] = 100.5
        return 2

    def __iter__(self):
        frame = sys._getframe(1)
        log.append((frame.f_lineno - frame.f_code.co_firstlineno, frame.f_locals.get("total")))
        frame.f_locals["total"] = 50.5
        return iter([1, 2])

    def __repr__(self):
        return "Looking()"


class Iterable:
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        log.append("iter")
        return iter(given(self.items))

    def __repr__(self):
        return f"Iterable({self.items!r})"


class Default(dict):
    def __missing__(self, key):
        log.append(("missing", key))
        return 7


def sized(x):
    return len(x) + 1


def sized_often(xs, n):
    total = 0.5
    for i in range(n):
        for x in xs:
            total += len(x) * i
    return total


def looked_at(x, n):
    total = 0.5
    for i in range(n):
        total += len(x)
    for y in x:
        total += y
    return total


def summed(xs):
    total = 0
    for x in xs:
        total += x
    return total


def nested(xss):
    total = 0
    for xs in xss:
        for x in xs:
            total += x
    return total


def found(x, xs):
    return x in xs, x not in xs


def counted(xs, keys):
    count = 0
    for key in keys:
        if key in xs:
            count += 1
    return count


def item(d, key):
    return d[key]


def items(d, keys):
    total = 0.5
    for key in keys:
        total += d[key]
    return total


def stored(d, keys):
    for i, key in enumerate(keys):
        d[key] = i
    return sorted(d.items(), key=repr)


def character(text, i):
    return text[i]


def popped(x, *index):
    return x.pop(*index), x


def caught(d, keys):
    missing = []
    for key in keys:
        try:
            d[key]
        except KeyError as error:
            missing.append(error.args)
    return missing


def logged(function, *rows):
    """A row that fits the guess comes first, many times."""
    for row in rows:
        for _ in range(12):
            attempt(function, *rows[0])
        log.clear()
        for _ in range(3):
            text = attempt(function, *row)
        show(f"{function.__name__}{row!r} = {text} {log}")
        log.clear()


logged(sized, ([1],), ("ab",), (Sized(3),), (Longer([1]),), (Sized(ValueError("no")),), (Sized(-1),), (Sized(2**70),),
       (Sized("x"),), (range(4),), (range(2**70),), (5,), ({}.keys(),), (type("D", (dict,), {})(a=1),))
logged(sized_often, ([[1], "ab"], 3), ([Sized(2), [1]], 3), ([[1], Sized(2), Sized(ValueError("no"))], 3))
logged(looked_at, ([1, 2], 3), (Looking(), 3), (Looking(), 1))
logged(summed, ([1, 2],), (Iterable([3, 4]),), (Iterable((3, 4)),), (Iterable(ValueError("no")),), (5,), (None,),
       (Longer([5, 6]),), (Iterable(5),), ({1: 2},), (range(4),), (x for x in ()))
logged(nested, ([[1], [2, 3]],), ([Iterable([1]), [2]],), ([[1], Iterable(ValueError("no"))],), ([[1], 5],))
KEYS = "a", b"a", 1, 1.0, True, (1, "a"), (1, b"a"), Key("a"), Key(1), Key(b"a"), (1, Key("a")), frozenset("a"), b"", ""
for make in (dict.fromkeys, set, list, tuple, frozenset):
    for kept in (["a", 1], [b"a", b"b"], [Key("a")], [b"", ""]):
        logged(found, ("a", make(kept)), *[(key, make(kept)) for key in KEYS])
logged(found, ("a", {"a"}), ([], {"a"}), ({}, {"a": 1}), (Key("a", ValueError("eq")), {"a"}))
logged(counted, ({"a", "b"}, ["a", "x"]), ({"a"}, [Key("a"), "a", b"a"]), ({Key("a")}, ["a", Key("a", ValueError("eq"))]))
logged(item, ({"a": 1, b"a": 2, (1, b"a"): 3}, "a"), *[({"a": 1, b"a": 2, (1, b"a"): 3}, key) for key in KEYS])
logged(item, ({"a": 1}, "a"), (Default(a=1), "b"), ({"a": 1}, []), ({"a": 1}, Key("a", ValueError("eq"))), ([5], 0), (5, 5))
logged(items, ({"a": 1, "b": 2}, ["a", "b"]), ({b"a": 1}, [b"a", b"a"]), ({"a": 1}, ["a", Key("a"), "c"]))
logged(stored, ({}, ["a", "b"]), ({}, [b"a", "a", b"a"]), ({}, [Key("a"), "a", Key("a")]), ({}, ["a", []]),
       (Default(), ["a"]), ({"a": 1}, [Key("a", ValueError("eq"))]), (5, [5]))
logged(character, ("abc", 1), ("abc", 3), ("", 0), ("abc", -4), ("é€", 2), ([1], 0), ("abc", True), ("abc", 2**70))
logged(caught, ({"a": 1}, ["a"]), ({"a": 1}, ["b", b"a", Key("b"), ("x",)]))
table(popped, ([1, 2, 3],), ([],), ([1], 5), ([1, 2], -3), ([1, 2], 0), ({"a": 1}, "a"), ({}, "a"))
key, value = Key("k"), object()
refcheck(lambda: (attempt(item, {key: value}, key), attempt(item, {"a": value}, key), stored({"a": value}, [key])), key, value)
refcheck(lambda: (sized(Sized(2)), summed(Iterable([1])), found(key, {key})), key)
