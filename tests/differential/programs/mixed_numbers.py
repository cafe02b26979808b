# SPDX-License-Identifier: MIT
"""Operators on an int and a float, which the interpreter has no quickened form for: learned, and then broken."""

from support import attempt, say

ROUNDS = 6
MANY = 300


class OwnInt(int):
    def __mul__(self, other):
        return "OwnInt.__mul__"

    def __lt__(self, other):
        return "OwnInt.__lt__"


class OwnFloat(float):
    def __rmul__(self, other):
        return "OwnFloat.__rmul__"

    def __add__(self, other):
        return "OwnFloat.__add__"

    def __gt__(self, other):
        return "OwnFloat.__gt__"


INTS = [0, 1, -1, 7, True, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63, -(2**63), 2**64, 10**30, 10**400]
FLOATS = [0.0, -0.0, 0.5, -1.5, 3.0, 2.0**53, 9007199254740993.0, 1e308, 5e-324]
FLOATS += [float("inf"), float("-inf"), float("nan")]
OTHERS = [OwnInt(3), OwnFloat(2.5), 1j, "text", None, [1]]


def half(items):
    return [item * 0.5 for item in items]


def doubled(items):
    return [item * 2 for item in items]


def summed(items):
    total = 0.0
    for item in items:
        total += item * 0.5
    return total


def shifted(items):
    return [item + 1 for item in items]


def difference(items, other):
    return [other - item for item in items]


def quotients(items, other):
    return [item / other for item in items]


def powers(items, other):
    return [item**other for item in items]


def rests(items, other):
    return [(item % other, item // other) for item in items]


def below(items, limit):
    return [item < limit for item in items]


def equal(items, other):
    return [(item == other, other != item, item >= other, other > item) for item in items]


def in_place(value, items):
    for item in items:
        value *= item
        value -= item
    return value


def counted(items):
    return sum(1 for item in items if item > 0.5)


def warm():
    """What the rest of the program will break."""
    ints, floats = list(range(MANY)), [i / 4 for i in range(MANY)]
    for _ in range(ROUNDS):
        half(ints), doubled(floats), summed(ints), shifted(floats)
        difference(ints, 2.5), quotients(ints, 0.25), powers(range(2, 9), 0.5), rests(ints, 2.5)
        below(ints, 10.5), equal(floats, 7), in_place(1.5, [1, 2, -1] * 9), counted(ints)


def use(values):
    say(attempt(half, values))
    say(attempt(doubled, values))
    say(attempt(summed, values))
    say(attempt(shifted, values))
    say(attempt(counted, values))
    say(attempt(in_place, 1.5, values))
    say(attempt(in_place, 3, values))
    for other in (2.5, 3, -0.0, 0, 2**53 + 1, 1e308):
        say((other, attempt(difference, values, other), attempt(quotients, values, other)))
        say((other, attempt(below, values, other), attempt(equal, values, other), attempt(rests, values, other)))
    for exponent in (0.5, 2, -1, 3.0):
        say((exponent, attempt(powers, values[:6], exponent)))


for _ in range(2):
    warm()
    for value in INTS + FLOATS + OTHERS:
        use([value])
    use([1, 2, 3])
    use([1.5, 2.5])
    use([1, 2.5, True, 3])
warm()
for _ in range(ROUNDS):
    say(half([1, 2]))
    say(half([1.0, 2]))
    say(half([OwnInt(1), OwnFloat(2)]))
