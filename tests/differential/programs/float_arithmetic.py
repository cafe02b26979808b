# SPDX-License-Identifier: MIT
from support import pairs, refcheck, table

inf = float("inf")
nan = float("nan")
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.1, 2.5, -7.25, 1e308, -1e308, 5e-324, inf, -inf, nan, 3, -2, 2**53 + 1, 2**70, True]


def add(a, b):
    return a + b


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def truediv(a, b):
    return a / b


def floordiv(a, b):
    return a // b


def mod(a, b):
    return a % b


def compare(a, b):
    return a < b, a <= b, a == b, a != b, a > b, a >= b


for function in add, sub, mul, truediv, floordiv, mod, compare:
    pairs(function, FLOATS)


def power(a, b):
    return a**b


table(power, (2.0, 0.5), (-8.0, 1 / 3), (0.0, -1.0), (0.0, 0.0), (nan, 0.0), (1e200, 2.0), (2, -1), (-1.0, 0.5), (inf, -1))


def negate(a):
    return -a, +a, not a, abs(a)


table(negate, *[(f,) for f in FLOATS])


def kernel(n, a, b):
    x = 1.0
    i = 0
    while i < n:
        x = x * a + b
        i += 1
    return x


table(kernel, (0, 1.5, 0.5), (1, 1.5, 0.5), (50, 0.99, 0.25), (50, 3, 2), (50, 3.0, 2), (1000, 2.0, 1.0), (50, "a", 1))


def becomes_int(n):
    x = 0.5
    for i in range(n):
        x = x + 1 if i % 2 else int(x)
    return x


def becomes_float(n):
    x = 0
    for i in range(n):
        if i == 20:
            x = x + 0.5
        x = x + i
    return x


table(becomes_int, (0,), (1,), (2,), (33,))
table(becomes_float, (5,), (20,), (21,), (50,))


def mixed_compare(f, i):
    return f < i, f == i, f > i, i <= f


table(mixed_compare, (2.0**53, 2**53 + 1), (2.0**63, 2**63), (2.0**63, 2**63 - 1), (1e300, 10**300), (nan, 1), (inf, 10**400))


def escape(cr, ci, limit):
    zr = zi = 0.0
    for n in range(limit):
        if zr * zr + zi * zi > 4.0:
            return n, zr, zi
        zr, zi = zr * zr - zi * zi + cr, 2 * zr * zi + ci
    return limit, zr, zi


table(escape, (0.3, 0.5, 100), (0.4, 0.4, 100), (-1.0, 0.0, 100), (2, 2, 100), (-0.75, 0.1, 100))


class Float(float):
    def __mul__(self, other):
        return "Float.__mul__"

    __rmul__ = __mul__


table(mul, (2.0, 3.0), (Float(2), 3.0), (2.0, Float(3)), (2, Float(3)), (2.0, 4.0), ([1], 2), (2.0, None))
SHARED = 1.25


def leak():
    x = SHARED
    for i in range(20):
        x = x * 1.5 + i
    y = x if x > 3 else SHARED
    return [x, y, -y]


refcheck(leak, SHARED)
