# SPDX-License-Identifier: MIT
"""Operators on bools, ints and floats in each combination, `%`, `//` and divmod() of floats, and who is right about
zeros, infinities and errors."""

import math
import operator

from support import attempt, say, table

OPERATORS = "+ - * / // % ** & | ^ << >> < <= == != > >=".split()
SOURCE = """
def loop_{name}(pairs):
    out = []
    for a, b in pairs:
        out.append(a {sign} b)
    return out

def one_{name}(a, b):
    return a {sign} b
"""
NAMES = {}
for number, sign in enumerate(OPERATORS):
    exec(SOURCE.format(name=number, sign=sign), NAMES)


def text(value):
    return f"{type(value).__name__} {value!r}"


def answers(function, *arguments):
    try:
        result = function(*arguments)
        return [text(item) for item in result] if isinstance(result, list | tuple) else text(result)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


INF, NAN = math.inf, math.nan
BOOLS, INTS, FLOATS = [True, False], [0, 1, 3, -7, 2**40], [0.0, -0.0, 1.0, 2.5, -7.25, 1e300, INF, -INF, NAN]
PAIRS = {
    "bool bool": [(a, b) for a in BOOLS for b in BOOLS],
    "bool int": [(a, b) for a in BOOLS for b in INTS],
    "int bool": [(a, b) for a in INTS for b in BOOLS],
    "bool float": [(a, b) for a in BOOLS for b in FLOATS],
    "float bool": [(a, b) for a in FLOATS for b in BOOLS],
    "float float": [(a, b) for a in FLOATS for b in FLOATS],
    "int float": [(a, b) for a in INTS for b in FLOATS],
    "float int": [(a, b) for a in FLOATS for b in INTS],
}


def often(pairs):
    """As many as it takes to learn from them."""
    return pairs * (1 + 120 // len(pairs))


def operators():
    for number, sign in enumerate(OPERATORS):
        for kinds, pairs in PAIRS.items():
            good = [pair for pair in pairs if not answers(NAMES[f"one_{number}"], *pair).startswith(("Zero", "Type", "Over"))]
            print(sign, kinds, answers(NAMES[f"loop_{number}"], good * 2)[: len(good)])
            print(sign, kinds, [answers(NAMES[f"one_{number}"], *pair) for pair in pairs])


def each_in_turn(sign):
    """A fresh function for each pair of kinds, so that one kind only is met."""
    for kinds, pairs in PAIRS.items():
        names = {}
        exec(SOURCE.format(name="x", sign=sign), names)
        loop, one = names["loop_x"], names["one_x"]
        good = [pair for pair in pairs if not answers(one, *pair).startswith(("Zero", "Type", "Over"))]
        names = {}
        exec(SOURCE.format(name="x", sign=sign), names)
        loop, one = names["loop_x"], names["one_x"]
        for _ in range(2):
            found = answers(loop, often(good)) if good else []
        print(sign, kinds, "alone", found[: len(good)], len(found))
        print([answers(one, *pair) for pair in pairs for _ in range(2)])
        # Then something else.
        print(answers(loop, [*good, (7, 2), (2.5, 1.5), (True, 2), ("a", 1)]), answers(loop, [(2**70, True)]))


def divisions(pairs):
    out = []
    for a, b in pairs:
        out.append(divmod(a, b))
    return out


def remainders(n, step):
    x, total, whole = 0.25, 0.0, 0.0
    for i in range(n):
        x += step
        total += x % 1.0
        whole += x // 0.75
        if (x % -2.5) < -1.0:
            whole -= 1
    return total, whole, x


def counted(values, limit):
    count = weight = 0
    for v in values:
        count += v > limit
        weight += (v < limit) * 2.5 + (v == limit) * 3 - (v != limit)
        flags = (v > limit) | (v < limit)
        flags &= v != 4
        count += flags ^ True
    return count, weight, flags


def accumulated(flags):
    total, product = False, True
    for flag in flags:
        total += flag
        product *= flag
    return total, product


operators()
for sign in OPERATORS:
    each_in_turn(sign)
for a in FLOATS + INTS:
    for b in FLOATS + INTS:
        print(answers(divisions, [(a, b)] * 3))
for pairs in PAIRS.values():
    good = [pair for pair in pairs if pair[1]]
    for _ in range(3):
        found = answers(lambda: [item for pair in divisions(often(good)) for item in pair])
    print(found[: 2 * len(good)])
table(remainders, (0, 0.5), (1, 0.5), (300, 0.7), (300, -0.7), (300, 1e308), (5, NAN), rounds=20)
table(counted, ([1, 2, 3, 4, 5], 3), ([1.0, 2.5, 3.0, NAN], 3), ([9], 1), rounds=60)
table(accumulated, ([True, False, True],), ([True] * 70,), ([],), rounds=40)
say(attempt(operator.mod, 5.0, 0.0))
