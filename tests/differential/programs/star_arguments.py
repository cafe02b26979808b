# SPDX-License-Identifier: MIT
from support import refcheck, table


def show(*args, **kw):
    return args, kw


def forward(*args, **kw):
    return show(*args, **kw)


def extend(first, *rest, key=None, **others):
    return show(first, *rest, key, **others, added=len(rest))


def merge(a, b):
    return show(*a, *b), show(**a, **b) if isinstance(a, dict) else None


def order(log):
    def arg(x):
        log.append(x)
        return x

    return show(*[arg(1)], arg(2), *(arg(3),), k=arg(4), **{"m": arg(5)}, n=arg(6)), log


class Mapping:
    def keys(self):
        return ["a", "b"]

    def __getitem__(self, key):
        if key == "b":
            raise LookupError(key)
        return key * 2


class Keys:
    def keys(self):
        return iter(["x", "y"])

    def __getitem__(self, key):
        return key


def generator_argument(n):
    return show(*(i * i for i in range(n)), **{str(i): i for i in range(n)})


def raising_argument():
    def g():
        yield 1
        raise ZeroDivisionError("in argument")

    return show(*g())


def keyword_only(*, a, b=2):
    return a, b


def mutate(*args, **kw):
    kw["new"] = 1
    args += (9,)
    return args, kw


def chain(n, *args, **kw):
    if n == 0:
        return args, kw
    return chain(n - 1, n, *args, **kw, **{f"k{n}": n})


KW = {"z": 1}
table(lambda *a: forward(*a), (), (1,), (1, 2, 3))
table(lambda a, k: forward(*a, **k), ((), {}), ((1,), {"a": 2}), ([1, 2], {"b": None}), ("ab", Keys()), ((), Mapping()), (None, {}), ((), [("a", 1)]), ((), {1: 2}))
table(lambda a, k: extend(*a, **k), ((1,), {}), ((1, 2), {"key": 3, "x": 4}), ((), {}), ((1,), {"added": 5}), ((1,), {"first": 2}))
table(merge, ([1], (2,)), ({"a": 1}, {"b": 2}), ({"a": 1}, {"a": 2}), ([], 5))
table(lambda: order([]), ())
table(generator_argument, (0,), (4,))
table(raising_argument, ())
table(lambda k: keyword_only(**k), ({"a": 1},), ({"b": 1},), ({"a": 1, "c": 2},), ({},))
table(lambda: (mutate(1, **KW), KW), ())
table(chain, (0,), (3,), (10, "x"))
table(lambda f, *a: f(*a), (print,), (max, 1, 2), (max,), (int, "12", 8), (divmod, 7, 2), (str.join, ",", "ab"), (5,), (dict,), (lambda: 1, 2))
OBJ = object()


def leak():
    forward(OBJ, OBJ, a=OBJ)
    extend(OBJ, *[OBJ] * 3, **{"q": OBJ})
    try:
        show(*[OBJ], **{"a": OBJ}, **{"a": OBJ})
    except TypeError:
        pass
    try:
        show(OBJ, *5)
    except TypeError:
        pass
    return chain(5, OBJ, o=OBJ)


refcheck(leak, OBJ, KW)
