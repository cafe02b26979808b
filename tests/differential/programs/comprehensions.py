# SPDX-License-Identifier: MIT
from support import refcheck, table


def lists(n):
    return [x * x for x in range(n) if x % 3], [(x, y) for x in range(n) for y in range(x) if x != y + 1], [[y for y in range(x)] for x in range(n)]


def sets_dicts(items):
    return {len(str(x)) for x in items}, {x: i for i, x in enumerate(items)}, {k: v for k, v in zip(items, items[1:])}


def shadows(x):
    y = [x for x in range(x)]
    z = {x for _ in "ab"}
    return x, y, z


def walrus(items):
    return [y for x in items if (y := x * 2) > 2], y


def walrus_while(items):
    it = iter(items)
    out = []
    while (x := next(it, None)) is not None:
        out.append(x)
    return out, x


def error_inside(items):
    x = "outer"
    try:
        return [1 // x for x in items]
    except ZeroDivisionError:
        return x


def conditional(items):
    return [x if x > 0 else -x if x < 0 else "zero" for x in items], any(x > 2 for x in items), all(x < 3 for x in items)


def inner_functions(n):
    return [f() for f in [lambda x=x: x for x in range(n)]], [f() for f in [lambda: x for x in range(n)]]


def in_class():
    class C:
        n = 3
        items = [i for i in range(n)]
        try:
            bad = [i + n for i in range(2)]
        except NameError as e:
            bad = str(e)

    return C.items, C.bad


def nested_scopes(a):
    return [[a + b + c for c in range(2)] for b in range(2)]


def unpack(pairs):
    return [a + b for a, b in pairs], [first for first, *_ in pairs]


def mutate_during(items):
    items = list(items)
    return [items.append(x) or x for x in items if len(items) < 10]


def starred(n):
    return [*[x for x in range(n)], *(y for y in "ab")]


for function, rows in (
    (lists, [(0,), (6,), ("a",)]),
    (sets_dicts, [([1, 22, 3],), ("abca",), ([[]],)]),
    (shadows, [(3,), (0,)]),
    (walrus, [([1, 2, 3],), ([],), (["a"],)]),
    (walrus_while, [([1, 2],), ([],)]),
    (error_inside, [([1, 2],), ([1, 0],), ([],)]),
    (conditional, [([1, -2, 0],), ([],), ([1.5, "a"],)]),
    (inner_functions, [(3,)]),
    (in_class, [()]),
    (nested_scopes, [(1,), (0.5,), ("a",)]),
    (unpack, [([(1, 2), (3, 4)],), ([(1,)],), (["ab"],)]),
    (mutate_during, [([1, 2, 3],)]),
    (starred, [(2,)]),
):
    table(function, *rows)
squares = [i * i for i in range(50)]
print(sum(squares), [j for j in squares if j % 7 == 0])
OBJ = object()


def leak():
    x = OBJ
    a = [x for x in (OBJ, OBJ)]
    b = {x: OBJ for _ in range(2)}
    c = {y for y in [x]}
    try:
        [x.nothing for x in a]
    except AttributeError:
        pass
    return a, b, c, x, list(z for z in a)


refcheck(leak, OBJ)
