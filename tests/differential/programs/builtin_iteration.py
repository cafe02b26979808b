# SPDX-License-Identifier: MIT
import functools
import itertools
import operator

from support import refcheck, table


def pipelines(n):
    evens = filter(lambda x: x % 2 == 0, itertools.count())
    squares = map(lambda x: x * x, evens)
    first = list(itertools.islice(squares, n))
    groups = {k: list(g) for k, g in itertools.groupby(first, key=lambda x: x % 3)}
    chained = list(itertools.chain.from_iterable([x, -x] for x in first))
    acc = list(itertools.accumulate(first, lambda a, b: a * 2 + b))
    return first, groups, chained, acc, list(itertools.takewhile(lambda x: x < 10, first)), functools.reduce(operator.add, first, 0)


def sorting(items):
    by_key = sorted(items, key=lambda p: (p[1], -p[0]))
    by_cmp = sorted(items, key=functools.cmp_to_key(lambda a, b: (a[0] > b[0]) - (a[0] < b[0])))
    best = max(items, key=lambda p: p[1], default=None)
    copied = list(items)
    copied.sort(key=operator.itemgetter(1), reverse=True)
    return by_key, by_cmp, best, copied


def bad_key(items):
    return sorted(items, key=lambda x: 1 / x)


def mutating_key():
    items = [3, 1, 2]

    def key(x):
        items.append(x)
        return x

    items.sort(key=key)
    return items


def enumerate_zip(a, b):
    out = []
    for i, (x, y) in enumerate(itertools.zip_longest(a, b)):
        out.append((i, x, y))
    for x, y in zip(a, b, strict=True):
        out.append((x, y))
    return out


def products(n):
    return [(a, b) for a, b in itertools.product(range(n), repeat=2) if a < b], list(itertools.combinations("abc", 2)), sum(1 for _ in itertools.permutations(range(n)))


def recursive_lambda(n):
    fact = lambda k: 1 if k < 2 else k * fact(k - 1)
    return fact(n), (lambda f: f(f, n))(lambda f, k: k and k + f(f, k - 1))


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.singledispatch
def kind(x):
    return "object"


@kind.register
def _(x: int):
    return "int"


@kind.register(list)
def _(x):
    return "list", [kind(y) for y in x]


def sentinel():
    values = iter([3, 2, 1, 0, 5])
    return list(iter(lambda: next(values), 0)), next(values)


def stop_in_map():
    def f(x):
        if x == 2:
            raise StopIteration
        return x

    return list(map(f, [1, 2, 3]))


def string_join(n):
    return ",".join(str(i) if i % 2 else repr(float(i)) for i in range(n)), "".join(map(chr, range(97, 97 + n)))


table(pipelines, (0,), (5,))
table(sorting, ([(1, 2), (3, 1), (2, 2)],), ([],), ([(1, "a"), (2, 3)],))
table(bad_key, ([3, 2, 1],), ([1, 0],))
table(mutating_key, ())
table(enumerate_zip, ("ab", [1, 2]), ("abc", [1]), ([], []))
table(products, (0,), (3,))
table(recursive_lambda, (1,), (20,), (25,))
table(fib, (30,), (90,))
table(kind, (1,), ("a",), ([1, "a", [2]],), (True,))
table(sentinel, ())
table(stop_in_map, ())
table(string_join, (0,), (9,))
OBJ = object()


def leak():
    a = list(map(lambda x: (x, OBJ), [OBJ]))
    b = sorted([OBJ, OBJ], key=lambda o: 0)
    c = functools.partial(lambda *p: p, OBJ)(OBJ)
    return a, b, c, max([OBJ], key=id), list(filter(None, [OBJ, None]))


refcheck(leak, OBJ)
