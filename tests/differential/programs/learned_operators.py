# SPDX-License-Identifier: MIT
"""Operators that the interpreter does not specialize: native code learns their operands, which then change."""

from support import attempt, say, table


def mixed(a, b):
    return a & b, a | b, a ^ b, a << (b & 7), a >> (b & 7), a // b, a % b, ~a, -a


def division(a, b):
    return a / b


def power(a, b):
    return a**b


def in_place(a, b):
    x = a
    x &= b
    x |= a
    x ^= 3
    x <<= 2
    x >>= 1
    x //= 2
    x %= 1000
    return x


def negative(a):
    return -a, - -a


def inverted(a):
    return ~a


class Field:
    def __init__(self, value):
        self.value, self.bits = value, 20

    def take(self, n):
        result = (self.value >> (self.bits - n)) & ((1 << n) - 1)
        self.bits -= n
        self.value &= ~(((1 << n) - 1) << self.bits)
        return result, self.value


class Own:
    def __and__(self, other):
        return "and", other

    __or__ = __xor__ = __lshift__ = __rshift__ = __floordiv__ = __mod__ = __truediv__ = __pow__ = __and__

    def __rand__(self, other):
        return "rand", other

    __ror__ = __rxor__ = __rlshift__ = __rrshift__ = __rfloordiv__ = __rmod__ = __rtruediv__ = __rpow__ = __rand__

    def __invert__(self):
        return "invert"

    __neg__ = __invert__

    def __repr__(self):
        return "Own"


class Int(int):
    def __and__(self, other):
        return "Int.and"

    def __neg__(self):
        return "Int.neg"


VALUES = [0, 1, -1, 3, -7, 12345678901, -(2**40), 2**62, -(2**63), 2**63, 2**100, -(2**100), True, 0.0, -0.0, 2.5, -1e300,
          float("inf"), float("nan"), 3j, "%s", "ab", [1], (1, 2), {1, 2}, None, Own(), Int(5)]


def warm(function, rows):
    return [attempt(function, *rows[i % len(rows)]) for i in range(400)][-len(rows):]


INTS = [(5, 3), (-9, 4), (123456789012, 77), (0, 1)]
FLOATS = [(1.5, 2.0), (-3.25, 0.5), (1e10, 3.0)]
for function in (mixed, division, power, in_place):
    for rows in (INTS, FLOATS):
        say((function.__name__, warm(function, rows)))
    others = (1, 0, -2, 2.0, Own(), "x", True, *(() if function is power else (2**70,)))
    table(function, *[(a, b) for a in VALUES for b in others], rounds=3)
for function in (negative, inverted):
    say((function.__name__, warm(function, [(5,), (-8,), (0,)])))
    table(function, *[(a,) for a in VALUES], rounds=50)
    say((function.__name__, warm(function, [(1.5,), (-0.0,)])))
say([Field(0xABCDE + i).take(5) for i in range(300)][-3:])
say([Field(2**90 + i).take(5) for i in range(60)][-1])
say(attempt(lambda: Field("x").take(1)))
say(attempt(lambda: Field(7).take(30)))


def trace(function, *arguments):
    try:
        function(*arguments)
    except Exception as error:
        line = error.__traceback__.tb_next
        return type(error).__name__, str(error), list(line.tb_frame.f_code.co_positions())[line.tb_lasti // 2]


for _ in range(60):
    results = [trace(mixed, 1, 0), trace(division, 1, 0), trace(in_place, "a", 1), trace(negative, "a"), trace(inverted, 1.5), trace(power, 0, -1)]
say(results)
