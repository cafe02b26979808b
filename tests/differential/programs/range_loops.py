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


class Index:
    def __init__(self, number, log):
        self.number, self.log = number, log

    def __index__(self):
        self.log.append(self.number)
        return self.number


class Number(int):
    pass


def triangle(n, step, left_at):
    """Loops that are left in the middle, with one iterator or two on the operand stack."""
    total = 0
    for i in range(0, n, step):
        for j in range(i, n):
            total += i * j
            if total == left_at:
                return i, j, total
            if j == n - 1 and left_at == "text":
                total = str(total)
        if type(total) is str:
            total = len(total)
    return total


def fails_inside(n, values):
    seen = []
    try:
        for i in range(n):
            for j in range(n, i, -1):
                seen.append(values[i + j])
    except (IndexError, TypeError) as error:
        return type(error).__name__, i, j, len(seen)
    return seen


def chosen(values, n):
    total = 0
    for i in range(n) if n % 2 else values:
        total += i
    return total


def rebound(n):
    global range
    total = 0
    for i in range(n):
        if i == 3:
            range = lambda *a: (10, 20)
        for j in range(2):
            total += j
    del range
    return total


def squares(n):
    return [i * i for i in range(n)], {i: -i for i in range(1, n, 3)}, {i % 3 for i in range(n, 0, -1)}


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
for _ in range(8):
    say((triangle(9, 2, None), triangle(9, 1, 3), triangle(9, 1, "text"), triangle(0, 1, 0), triangle(3, 5, 1)))
    say((fails_inside(3, [1] * 6), fails_inside(3, [1, 2.5, "x"]), chosen([5, 6.5], 4), chosen([], 7), squares(8)))
say(rebound(6))
log = []
say((add(Index(4, log)), add(Index(1, log), Number(5)), add(True, 4), add(2, Index(9, log), Number(3)), log))
say((attempt(triangle, 4, 0, 0), attempt(triangle, 4, 1.0, 0), attempt(triangle, None, 1, 0), triangle(Number(4), 1, 0)))
say([add(2**63 - 4, 2**63 - 1, step) for step in (1, 2, 3)] + [add(-(2**63), -(2**63) + 5, step) for step in (1, 4)])
say([add(2**63 - 1, 2**63 - 4, -step) for step in (1, 2, 5)] + [add(-(2**63) + 3, -(2**63), -step) for step in (1, 4)])
refcheck(lambda: (triangle(9, 2, 3), fails_inside(3, [marker] * 4), squares(5)), marker)
