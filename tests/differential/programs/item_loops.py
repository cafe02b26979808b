# SPDX-License-Identifier: MIT
"""Items of lists and tuples in loops: their classes change, they hold destructors, indices leave the container."""

from sys import getrefcount

from support import attempt, refcheck, say, table


def total(values):
    result = 0.0
    for i in range(len(values)):
        result += values[i] * 2.0
    return result


def scale(values, factor):
    for i in range(len(values)):
        values[i] = values[i] * factor
    return values


def stencil(grid):
    for i in range(1, len(grid) - 1):
        row, above, below = grid[i], grid[i - 1], grid[i + 1]
        for j in range(1, len(row) - 1):
            row[j] = 0.25 * (above[j] + below[j] + row[j - 1] + row[j + 1]) - row[j]
    return grid


def reverse(values):
    low, high = 0, len(values) - 1
    while low < high:
        values[low], values[high] = values[high], values[low]
        low += 1
        high -= 1
    return values


def backward(values, indices):
    result = []
    for index in indices:
        result.append(values[index])
    return result


def pick(values, start, count):
    result = 0
    i = start
    for _ in range(count):
        result += values[i]
        i -= 1
    return result


def matrix(m, n):
    result = 0.0
    for i in range(n):
        for j in range(n):
            result += m[i][j] * m[j][i]
    return result


class Noisy:
    def __init__(self, name, values=None):
        self.name, self.values = name, values

    def __del__(self):
        log.append((self.name, None if self.values is None else [getattr(v, "name", v) for v in self.values]))


class Listlike(list):
    def __getitem__(self, index):
        return list.__getitem__(self, index) + 1

    def __setitem__(self, index, value):
        log.append((index, value))
        list.__setitem__(self, index, value)


class Clearing:
    """A destructor that empties the list that it is taken out of."""

    def __init__(self, values):
        self.values = values

    def __del__(self):
        self.values.clear()


def overwrite(values, new):
    position = -1.0
    for i in range(len(values)):
        position += 1.0
        values[i] = new
    return position


def same_object(values):
    hits = 0
    for i in range(len(values)):
        value = values[i]
        product = value * 2.0
        values[i] = product
        hits += values[i] is product
        values[i] = value
        hits += values[i] is value
    return hits


def keeps(values):
    first = values[0]
    for i in range(len(values)):
        values[i] = values[i] + 1.0
    return first, values[0]


def counts(values):
    result = []
    for i in range(len(values)):
        values[i] = values[i] + 0.5
        result.append(getrefcount(values[i]))
    return result


def chained(values):
    a = b = None
    for i in range(len(values) - 1):
        a = values[i] = b = values[i + 1] = values[i] * 0.5
    return a is b, values


def temporary(n):
    result = 0.0
    for i in range(n):
        result += [1.5, 2.5, i * 1.0][i % 3] * (0.5, 0.25)[i & 1]
    return result


def until_end(values):
    result, i = 0, 0
    try:
        while True:
            result += values[i]
            i += 1
    except IndexError as error:
        return result, i, str(error)


def store_until_end(values):
    i = 0
    try:
        while True:
            values[i] = i
            i += 1
    except IndexError as error:
        return values, i, str(error)


def mixed(values):
    result = 0
    for i in range(len(values)):
        x = values[i]
        if isinstance(x, str):
            result += len(x)
        elif isinstance(x, float):
            result += x * 2.0
        else:
            result += x * 2
    return result


log = []
floats = [0.5, -0.0, float("inf"), float("nan"), 1e308]
for _ in range(6):
    table(total, (floats,), ([],), ([1.5] * 20,))
    say(scale([1.5, 2.5, 3.5], 2.0))
    say(stencil([[float(i * j) for j in range(6)] for i in range(6)]))
    say(reverse([1, 2, 3, 4, 5]))
    say(matrix([[1.0, 2.0], [3.0, 4.0]], 2))
    say((overwrite([1.5, None, "x", 2**70, True], 3), overwrite([1] * 5, 2.5)))
    say((same_object([1.5, 2.5, 1e300]), keeps([1.5, 2.5]), counts([1.5, 2.5, 3.5])))
    say((chained([1.5, 2.5, 3.5, 4.5]), temporary(13)))
    say((until_end([1, 2, 3]), until_end((1, 2, 3)), store_until_end([0.5] * 4), pick([1, 2, 3], 2, 5)))
    say(backward([1, 2, 3], [0, 1, 2, -1, -3, True]))
    say(backward((1, 2, 3), [0, 1, 2, -1, -3]))

table(total, ([1, 2, 3],), ([1.5, 2],), ([1.5, None],), ([1.5, "x"],), ((1.5, 2.5),), (Listlike([1.5, 2.5]),), ({0: 1.5},))
table(total, ([1.5, 2**70],), ([1.5, 1j],), ([True, 1.5],), (range(5),), ("ab",))
table(backward, ([1], [0, 1]), ([1], [-2]), ([1], [2**70]), ([1], ["x"]), ([1], [0.5]), ((1,), [1]), ((1,), [-(2**63)]))
table(mixed, ([1, "abc", 1.5, True, 2**80],), ([1.5, "x", 2],))
table(pick, ([1, 2, 3], 2, 6), ([1, 2, 3], 2, 7), ((1.5, 2), 1, 3), ([2**62, 2**62, 2**62], 2, 3))
say(scale(Listlike([1.5, 2.5]), 2.0))
say(scale([1, 2.5, 2**70, 1j, "ab"], 2))
say(attempt(scale, (1.5, 2.5), 2.0))
say(attempt(overwrite, "abc", 1))
say(overwrite({0: 5, 1: 6}, 1))

for _ in range(5):
    values = [1.5, Noisy("a"), 2.5, Noisy("b"), Noisy("c")]
    values[1].values = values[3].values = values
    say((overwrite(values, 7), values, log))
    log.clear()
    values = [1.5, 2.5]
    values += [Clearing(values), 3.5, 4.5]
    say((attempt(overwrite, values, 0.5), values))
    say((attempt(overwrite, Listlike([1.5, 2.5]), 0.5), log))
    log.clear()

shared = [1.5 + len(log), Noisy("shared")]
refcheck(lambda: (scale([1.5, 2.5, 3.5], 2.0), reverse([shared[0], 1.5, shared[1]])), *shared)
refcheck(lambda: matrix([[1.0, 2.0], [3.0, "x"]], 2), *shared)
refcheck(lambda: overwrite([shared[1], shared[0], 5], shared[1]), *shared)
refcheck(lambda: backward(shared, [0, 1, -1, 0, 5]), *shared)
