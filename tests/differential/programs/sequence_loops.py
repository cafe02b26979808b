# SPDX-License-Identifier: MIT
"""Iterating over and unpacking lists and tuples, and operators on numbers of different classes."""

from support import Noisy, attempt, refcheck, say, table


def bodies(pairs, dt):
    for (a, (x, y, z)), m in pairs:
        a[0] -= x * m
        a[1] += y * m * dt
        z = z ** 2
        a[2] = (a[2] * a[2] + z) ** -0.5
    return pairs


def growing(values):
    result = []
    for value in values:
        result.append(value)
        if value < 4:
            values.append(value + 1)
    return result


def shrinking(values):
    result = []
    for value in values:
        result.append(value)
        values.pop()
    return result


def cleared(values):
    result = []
    for value in values:
        values.clear()
        result.append(value)
    return result


def total(values):
    result = 0.0
    for value in values:
        result += value
    return result


def two(values):
    result = []
    for a, b in values:
        result.append(b)
        result.append(a)
    return result


def lists(values):
    result = 0
    for a, [b, c] in values:
        result += a * b - c
    return result


class Pair(tuple):
    def __iter__(self):
        return iter(("p", "q"))


def dying():
    """The exhausted iterator has the last reference of its list."""
    count = 0.0
    for value in [Noisy("x"), Noisy("y"), Noisy("z")]:
        count += 1.0
        log.append(count)
    log.append("end")
    return count


def hash_it(values):
    h = 5
    for value in values:
        h = ((h << 5) ^ (h >> 2) ^ value) & 0xFFFFFF
        h = h * 31 // 7 % 65521 | value & 3
    return h


def table_look_up(values, n):
    result = []
    for i in range(n):
        result.append((values[i] ^ values[-i - 1]) & 255)
        result.append(values[i] // values[i - 1])
        result.append(values[i] % values[i - 1])
    return result


def mean(values):
    total = 0.0
    for i in range(len(values)):
        total += values[i] * 0.5
    return total / len(values), 1 / (len(values) + 1), total / 2, 2 / total


def mixed(x, i):
    y = x * 0.5
    n = i + 1
    return (y + n, y - n, n - y, y * n, n * y, y / n, n / y, n / i, y < n, n < y, y == n, n != y, n >= y, y <= n, y ** 2,
            y ** n, 2 ** y)


def powers(x):
    y = x * 1.0
    return y ** 2, y ** -1.5, y ** 0.5, 2.0 ** y


def bits(a, b):
    return a + 0 & b, a + 0 | b, a + 0 ^ b, (a + 0) // b, (a + 0) % b


log = Noisy.log
for _ in range(6):
    say(bodies([(([1.5, 2.5, 3.5], (0.5, -1.5, 2.0)), 3.0)] * 2, 0.01))
    say((growing([1, 2, 3]), shrinking([1, 2, 3, 4, 5]), cleared([1, 2, 3]), total([1.5, 2.5]), total((1.5, 2.5))))
    say((two([(1, 2), (3, "x")]), lists([(1, [2, 3]), (4, [5, 6])]), hash_it([1, 5, 99]), dying(), log))
    log.clear()
    say((mean([1.5, 2.5, 3.0]), table_look_up([9, 8, 7, 3], 4)))
    table(mixed, (1.5, 2), (3.0, 5), (-2.5, 1), rounds=1)
    table(powers, (1.5,), (2.0,), rounds=1)
    table(bits, (12, 10), (-7, 3), rounds=1)

inf, nan = float("inf"), float("nan")
table(mixed, (0.0, 2), (-0.0, -1), (inf, 3), (nan, 3), (1e308, 2**53), (1.5, 2**53), (1.5, 2**53 + 1), (1.5, 2**70))
table(mixed, (2, 3), (1.5, 2.5), (True, False), (1.5, -1), (1.5, 0), (1.5, True), ("x", 1), (1j, 2))
table(powers, (-2.0,), (-8.0,), (0.0,), (-0.0,), (inf,), (-inf,), (nan,), (1e200,), (1e-200,), (-1e200,), (3,), (1j,))
table(bits, (1, 0), (2**62, 2**62), (1, 2**80), (True, True), (1, 1.5), (1, "x"), (-(2**63), -1), (5, {1}), (2**63, 3))
table(mean, ([1, 2],), ([1.5, None],), ([],), ((1.5, 2),), ([1.5, 2**80],))
table(table_look_up, ([True, False, True], 2), ([{1, 2}, {2, 3}], 1), ([1.5, 2.5], 2), ([0, 0], 1), ([2**70, 2**65], 2))
table(hash_it, ([1, True, 2**70],), ([1, "x"],), ([1.5],), ((1, 2),))
table(total, ([1, 2],), ([1.5, True],), ([1.5, "x"],), ([1.5, 1j],), ("ab",), ({1.5: 2},), (iter([1.5]),), ([],))
table(two, ([(1, 2, 3)],), ([(1,)],), ([[1, 2]],), (["ab"],), ([5],), ([Pair((1, 2))],), ([{1: 2, 3: 4}],))
table(lists, ([(1, (2, 3))],), ([(1, [2])],), ([(1, [2, 3, 4])],), ([(1, [0.5, 2])],), ([(1, "ab")],))
say(attempt(bodies, [(([1.5, 2.5, 3.5], (0.5, "x", 2.0)), 3.0)], 1.0))
marker, noisy = object(), Noisy("end")
refcheck(lambda: (two([(marker, noisy), (1, marker)]), lists([(marker, [1, 2])])), marker, noisy)
refcheck(lambda: (total([1.5, marker]), growing([1, 2, 3]), cleared([marker, noisy])), marker, noisy)
refcheck(lambda: bodies([(([1.5, marker, 3.5], (0.5, -1.5, 2.0)), 3.0)], 0.01), marker)
