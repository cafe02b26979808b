# SPDX-License-Identifier: MIT
"""Loops that are entered natively before the interpreter knows their operands; classes with __getitem__."""

import sys


def late(n, items, step, limit):
    for i in range(n):
        pass
    total = step
    k = limit
    while k:
        total = total + step
        total = total * step - items[-1]
        items[-1] = k
        if total > limit:
            total = step
        k = k - 1
    return total, items


class Pair:
    def __init__(self):
        self.items = {}

    def __getitem__(self, key):
        return self.items.get(key, 0), sys.getrefcount(key) - sys.getrefcount(key)

    def __setitem__(self, key, value):
        if value == 77:
            raise ValueError(key)
        self.items[key] = value


class Child(Pair):
    pass


def use(box, n):
    seen = []
    for i in range(n):
        x, y = i % 3, i % 5
        box[x, y] = i
        seen.append(box[x, y][0] + box[y, x][0])
    return sum(seen)


def main():
    for n in (3000, 10):
        for step, limit in ((1, 90), (0.5, 90), (1, 90.0), (2, 200), (True, 90), (2**40, 2**7), (1j, 0)):
            for items in ([1, 2, 3], [1.0, 0.5], (0, 2), [], [True]):
                try:
                    print(n, late(n, items, step, limit))
                except Exception as error:
                    print(n, type(error).__name__, error, error.__traceback__.tb_next.tb_lineno)
    for box in (Pair(), Child()):
        try:
            print(use(box, 70), use(box, 2000))
        except ValueError as error:
            trace = error.__traceback__
            while trace:
                print(trace.tb_frame.f_code.co_name, trace.tb_lineno, trace.tb_lasti)
                trace = trace.tb_next
    Pair.__getitem__ = lambda self, key: (1, 2)
    print(use(Child(), 70))
    del Pair.__setitem__
    try:
        print(use(Child(), 70))
    except TypeError as error:
        print(error)


main()
