# SPDX-License-Identifier: MIT
from support import pairs, refcheck, table


class Loud:
    def __init__(self, value):
        self.value = value

    def __lt__(self, other):
        return f"lt {self.value}"

    def __eq__(self, other):
        return NotImplemented

    def __contains__(self, item):
        return item == self.value

    def __repr__(self):
        return f"Loud({self.value!r})"

    __hash__ = None


class Unbool:
    def __eq__(self, other):
        return self

    def __bool__(self):
        raise ArithmeticError("no truth")

    def __repr__(self):
        return "Unbool()"


VALUES = [1, 2.0, "a", "b", b"a", (1, 2), [1], None, True, {1}, frozenset({1, 2}), Loud(1), 1j]


def lt(a, b):
    return a < b


def eq(a, b):
    return a == b, a != b


def ge(a, b):
    return a >= b


for function in lt, eq, ge:
    pairs(function, VALUES)


def same(a, b):
    return a is b, a is not b


def within(a, b):
    return a in b, a not in b


table(same, (1, 1), (None, None), ("x", "x"), ([], []), (True, 1))
table(
    within, (1, [1]), (2, (1,)), ("a", "cat"), ("", ""), (1, "cat"), (1, {1: 2}), ([], {}), (1, Loud(1)), (1, 5), (3, range(9))
)


def branch(a, b):
    if a == b:
        return "equal"
    elif a < b:
        return "less"
    return "more"


table(branch, (1, 1), (1, 2), (3, 2), (1.0, 1), ("a", "b"), (Unbool(), 1), ([], 0), (float("nan"), 0.0), (b"a", "a"))


def chained(a, b, c):
    return a < b < c


calls = []


def middle(value):
    calls.append(value)
    return value


def once(a, b, c):
    return middle(a) < middle(b) < middle(c)


table(chained, (1, 2, 3), (1, 2, 2), (3, 2, 1), (Loud(1), 2, 3), (1, "a", 2), (Unbool(), 1, 2))
table(once, (1, 2, 3), (3, 2, 1))
print(calls)


def logic(a, b):
    return a and b, a or b, not (a and b), a if b else b


pairs(logic, [0, 1, "", "x", None, [], Unbool(), 2.5])


def none_tests(x):
    result = []
    if x is None:
        result.append("none")
    if x is not None:
        result.append("some")
    while x is not None:
        result.append(x)
        x = None
    return result


table(none_tests, (None,), (1,), ("",))
KEY = Loud(9)


def leak():
    return [KEY < 1, KEY == 1, KEY is None, 9 in KEY, KEY in [KEY], KEY not in (1, KEY)]


refcheck(leak, KEY)
