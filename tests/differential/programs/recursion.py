# SPDX-License-Identifier: MIT
import sys

from support import refcheck, table


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def hanoi(n, a="a", b="b", c="c"):
    return 0 if n == 0 else hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a)


def flatten(x):
    if isinstance(x, list):
        return [z for y in x for z in flatten(y)]
    return [x]


def queens(n, row=0, columns=(), result=0):
    if row == n:
        return result + 1
    for c in range(n):
        if all(c != d and abs(c - d) != row - r for r, d in enumerate(columns)):
            result = queens(n, row + 1, (*columns, c), result)
    return result


def too_deep(n):
    return 1 + too_deep(n + 1)


def how_deep():
    count = 0

    def go():
        nonlocal count
        count += 1
        go()

    try:
        go()
    except RecursionError as e:
        return count, str(e)


class Deep:
    def __init__(self, child):
        self.child = child

    def __repr__(self):
        return f"<{self.child!r}>"

    def __eq__(self, other):
        return self.child == other.child

    def __getattr__(self, name):
        return getattr(self.child, name)

    def __call__(self, n):
        return n if not n else self(n - 1)


def nested(n):
    x = 5
    for _ in range(n):
        x = Deep(x)
    return x


def generator_depth(n):
    if n:
        yield from generator_depth(n - 1)
    yield n


def with_limit(limit):
    old = sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        return too_deep(0)
    except RecursionError as e:
        return str(e)
    finally:
        sys.setrecursionlimit(old)


def memo(n, cache={}):
    if n not in cache:
        cache[n] = n if n < 2 else memo(n - 1) + memo(n - 2)
    return cache[n]


def parse(tokens):
    def expression(i):
        value, i = term(i)
        while i < len(tokens) and tokens[i] in "+-":
            right, j = term(i + 1)
            value, i = (value + right if tokens[i] == "+" else value - right), j
        return value, i

    def term(i):
        value, i = factor(i)
        while i < len(tokens) and tokens[i] in "*/":
            right, j = factor(i + 1)
            value, i = (value * right if tokens[i] == "*" else value / right), j
        return value, i

    def factor(i):
        if tokens[i] == "(":
            value, i = expression(i + 1)
            if tokens[i] != ")":
                raise SyntaxError(tokens[i])
            return value, i + 1
        return int(tokens[i]), i + 1

    return expression(0)[0]


table(even, (0,), (7,), (100,))
table(hanoi, (0,), (6,))
table(flatten, ([1, [2, [3, []], 4], [[5]]],), (1,))
table(queens, (1,), (5,), (6,))
table(too_deep, (0,))
print([how_deep() for _ in range(4)])
table(lambda n: repr(nested(n)), (0,), (20,))
table(lambda n: nested(n) == nested(n), (5,), (100,))
table(lambda n: nested(n).bit_length(), (0,), (50,))
table(lambda: repr(nested(5000))[:5], ())
table(lambda n: Deep(1)(n), (0,), (50,), (10**6,))
table(lambda n: sum(generator_depth(n)), (0,), (50,))
table(with_limit, (200,), (700,))
table(memo, (50,), (120,))
table(parse, ("1+2*3",), ("(1+2)*3-4/2",), ("(1",), ("1+",), ("8/0",), ("((((7))))*2",))
OBJ = object()


def leak():
    def down(n, *args):
        if n == 0:
            raise KeyError(args)
        return down(n - 1, OBJ, *args)

    try:
        down(10)
    except KeyError as e:
        return e.args


refcheck(leak, OBJ)
