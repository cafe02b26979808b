# SPDX-License-Identifier: MIT
from support import pairs, table

INTS = [0, 1, -1, 2, 7, -7, 255, 2**30 - 1, -(2**30), 2**31, 2**62, 2**63 - 1, -(2**63), 2**63, 10**30, True]


def add(a, b):
    return a + b


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def floordiv(a, b):
    return a // b


def mod(a, b):
    return a % b


def truediv(a, b):
    return a / b


def bits(a, b):
    return a & b, a | b, a ^ b, ~a, -a, +a


def divmod_law(a, b):
    q, r = divmod(a, b)
    return q * b + r == a and (r == 0 or (r > 0) == (b > 0))


for function in add, sub, mul, floordiv, mod, truediv, bits, divmod_law:
    pairs(function, INTS)


def shift(a, n):
    return a << n, a >> n


table(shift, *[(a, n) for a in (0, 1, -1, 3, -5, 2**62, -(2**63), 10**25) for n in (0, 1, 31, 62, 63, 64, 100, -1)])


def power(a, n):
    return a**n


table(power, *[(a, n) for a in (0, 1, -1, 2, -3, 10, 2**31) for n in (0, 1, 2, 3, 20, 62, 63, -1)])


def grow(n):
    total = 1
    for i in range(1, n):
        total *= i  # overflows on the way
        total -= 1
    return total


def inplace(a, b):
    c = a
    c += b
    c *= 3
    c -= b
    c //= 2
    c %= 1000003
    c |= 5
    c &= ~2
    c ^= 9
    c <<= 3
    c >>= 1
    return c


table(grow, (5,), (20,), (21,), (22,), (30,), (60,))
table(inplace, (1, 2), (2**62, 2**62), (-(2**63), -1), (10**20, 3), (True, False))


def sum_to_overflow(start, step):
    x = start
    crossed = []
    for _ in range(40):
        x += step
        if not -(2**63) <= x < 2**63:
            crossed.append(x)
        x -= 1
    return x, len(crossed)


table(sum_to_overflow, (2**63 - 100, 7), (-(2**63) + 100, -7), (0, 2**58), (0, 1))


class Int(int):
    def __add__(self, other):
        return ("Int.__add__", int(self), int(other))

    def __radd__(self, other):
        return ("Int.__radd__", int(other))

    def __bool__(self):
        return False


table(add, (1, 2), (Int(1), 2), (1, Int(2)), (Int(1), Int(2)), (3, 4), (1, None), ("a", 1), (1, "a"), (1, 2.5))


def truth(x):
    if x:
        return "true"
    return "false"


table(truth, (0,), (1,), (Int(1),), (2**70,), (False,), (True,), (0.0,), ("",), ("a",), ([],), ([0],), (None,), ({},))


def chain(x, low, high):
    return low <= x < high, low < x <= high, not low <= x, x == low != high


table(chain, *[(x, 0, 10) for x in (-1, 0, 5, 10, 11, 2**64, 0.5, True)], (1, "a", 2), ("b", "a", "c"))


def abs_sum(values):
    total = 0
    for v in values:
        total += abs(v) if v < 0 else v
    return total


table(abs_sum, ([1, -2, 3],), ([1, -2.5],), ([2**63, -(2**63)],), ([],), ([1, "a"],))
