# SPDX-License-Identifier: MIT
"""Times small loops interpreted and compiled, in one process: the loop runs before the JIT is enabled, and after.

    scripts/python bench/loops.py
"""

from __future__ import annotations

import time

import martlet


def floats(n, a, b):
    x = 1.0
    i = 0
    while i < n:
        x = x * a + b
        i += 1
    return x


def ints(n, a, b):
    x = 1
    i = 0
    while i < n:
        x = x * a + b
        i += 1
    return x


def range_sum(n):
    total = 0
    for i in range(n):
        total += i
    return total


def calls(n):
    def add_one(a):
        return a + 1

    x = 0
    for _ in range(n):
        x = add_one(x)
    return x


class Counter:
    def __init__(self):
        self.value = 0

    def bump(self, by):
        self.value += by


def methods(n):
    counter = Counter()
    for _ in range(n):
        counter.bump(2)
    return counter.value


def generated(n):
    def numbers(k):
        i = 0
        while i < k:
            yield i
            i += 1

    total = 0
    for number in numbers(n):
        total += number
    return total


LOOPS = (
    (floats, (5_000_000, 0.999, 1.0)),
    (ints, (5_000_000, 1, 3)),
    (range_sum, (5_000_000,)),
    (calls, (2_000_000,)),
    (methods, (2_000_000,)),
    (generated, (2_000_000,)),
)


def timed(function, arguments):
    best = None
    for _ in range(5):
        start = time.perf_counter()
        result = function(*arguments)
        seconds = time.perf_counter() - start
        best = seconds if best is None else min(best, seconds)
    return best, result


def main() -> None:
    before = [timed(*loop) for loop in LOOPS]
    martlet.enable(sync=True)
    print(f"{'loop':12} {'interpreter ns':>15} {'JIT ns':>8} {'ratio':>6}")
    for (function, arguments), (plain, expected) in zip(LOOPS, before):
        native, result = timed(function, arguments)
        assert result == expected, (function.__name__, result, expected)
        n = arguments[0]
        print(f"{function.__name__:12} {plain / n * 1e9:15.1f} {native / n * 1e9:8.1f} {plain / native:6.1f}")


if __name__ == "__main__":
    main()
