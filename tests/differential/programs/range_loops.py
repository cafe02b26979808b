# SPDX-License-Identifier: MIT
"""Loops over ranges: whoever can look at the iterator sees it as the interpreter left it."""

from support import attempt, refcheck, say, table


def add(*arguments):
    result = 0
    for i in range(*arguments):
        result += i
    return result


def nested(n, stop):
    result = []
    for i in range(n):
        for j in range(i, n, 2):
            if i * j == stop:
                break
            if j == 5:
                continue
            result.append((i, j))
        else:
            result.append(i)
    return result


def find(n, wanted):
    for i in range(n):
        for j in range(n):
            if i * j == wanted:
                return str(i) + str(j)
    return None


def shared(n):
    iterator = iter(range(n))
    result = []
    for i in iterator:
        result.append(i)
        if i % 3 == 0:
            result.append(next(iterator, "end"))
    return result, list(iterator), iterator.__length_hint__()


def consume(iterator, limit):
    result = []
    for i in iterator:
        result.append(i)
        if len(result) >= limit:
            break
    return result


def produce(n):
    for i in range(n):
        received = yield i
        for j in range(i):
            if received:
                yield received
            yield i * j


def raising(n, where):
    seen = []
    for i in range(n):
        try:
            for j in range(n):
                if j == where:
                    seen.append(1 // (where - j))
                seen.append(j)
        except ZeroDivisionError:
            seen.append("caught")
        finally:
            seen.append(i)
    return seen


def changing(values):
    """Items of a class that the code did not expect: leaves in the middle of both loops."""
    result = []
    for i in range(3):
        total = 0
        for j in range(len(values)):
            total += values[j] * (i + 1)
        result.append(total)
    return result


def modify(n):
    result = []
    for i in range(n):
        result.append(i)
        i += 100
        result.append(i)
    return result, i


def deleted(n):
    for i in range(n):
        if i == 4:
            del i
            break
    return i


def at_limits(start, count):
    result = []
    for i in range(start, start + count):
        result.append(i + 1)
        result.append(i - 1)
    return result


def countdown(n):
    values = list(range(n))
    result = []
    for i in range(n - 1, -1, -1):
        result.append(values[i])
    return result


def resumed():
    generator = produce(5)
    result = [next(generator), generator.send(None), generator.send("x"), *generator]
    return result


def call_in_loop(function, n):
    result = 0
    for i in range(n):
        for j in range(2):
            result += function(i + j)
    return result


for _ in range(6):
    table(add, (10,), (3, 10), (10, 3), (10, 3, -2), (0,), (-5,), (2**62, 2**62 + 5), (2**63, 2**63 + 3), rounds=2)
    say((nested(7, 6), find(6, 12), find(3, 50), shared(10)))
    say((consume(iter(range(9)), 4), consume(range(9), 20), resumed(), raising(4, 2), raising(3, 9)))
    say((changing([1, 2, 3]), modify(4), countdown(7)))
    say((at_limits(2**63 - 3, 2), at_limits(-(2**63), 2), at_limits(2**63 - 2, 3), at_limits(2**30 - 2, 4)))
    say(attempt(deleted, 9))
    say(call_in_loop(lambda x: x, 5))

table(add, (0, 10, 0), ("x",), (1.5,), (2**63 - 1, 2**63 + 3), (-(2**63) - 1, -(2**63) + 2), (0, 2**63, 2**62))
table(changing, ([1, 2.5, 3],), ([1, 2, "x"],), ([1, None],), ([2**62, 2**62],), ((1, 2),))
iterator = iter(range(3, 90, 7))
say((consume(iterator, 3), iterator.__reduce__()[1:], consume(iterator, 2), next(iterator), iterator.__length_hint__()))
pair = iter(range(20))
say([consume(pair, 3), [a + b for a, b in zip(pair, pair)]])
generators = [produce(4) for _ in range(4)]
say([next(g, None) for _ in range(6) for g in generators])
say(attempt(call_in_loop, lambda x: 1 // (3 - x), 5))
say(call_in_loop(lambda x: x * 0.5, 5))
marker = object()
refcheck(lambda: (shared(10), nested(6, 6), find(6, 12), raising(4, 2), resumed()), marker)
refcheck(lambda: call_in_loop(lambda x: 1 // (3 - x), 5), marker)
refcheck(lambda: changing([1, 2, marker]), marker)
