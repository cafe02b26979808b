# SPDX-License-Identifier: MIT
import functools

from support import attempt, refcheck, table


def plain(a, b):
    return a, b


def defaults(a, b=2, *args, c=3, d, **kw):
    return a, b, args, c, d, kw


def positional(a, /, b, *, c=None):
    return a, b, c


def call_all(f, args, kw):
    return f(*args, **kw)


table(call_all, (plain, (1, 2), {}), (plain, (1,), {"b": 2}), (plain, (1,), {}), (plain, (1, 2, 3), {}), (plain, (1, 2), {"b": 1}))
table(call_all, (defaults, (1,), {"d": 4}), (defaults, (1, 2, 3, 4), {"d": 4, "e": 5}), (defaults, (), {}), (defaults, (1,), {}))
table(call_all, (positional, (1, 2), {}), (positional, (1,), {"b": 2, "c": 3}), (positional, (), {"a": 1, "b": 2}))
table(call_all, (plain, 5, {}), (plain, (1, 2), 5), (plain, [1, 2], {}), (plain, "ab", {}), (plain, (1,), {1: 2}), (5, (), {}))


def keyword_calls(x):
    return plain(b=x, a=1), defaults(x, d=x, z=9), positional(x, b=x), plain(x, b=x)


table(keyword_calls, (1,), ("a",), (None,))


def wrong(kind):
    match kind:
        case 0:
            plain(1)
        case 1:
            plain(1, 2, 3)
        case 2:
            plain(1, c=2)
        case 3:
            plain(1, a=1)
        case 4:
            defaults(1)
        case 5:
            positional(a=1, b=2)
        case 6:
            len()
        case 7:
            len([], [])
        case 8:
            nothing = None
            nothing()
        case 9:
            "".join(1)
        case 10:
            [].append()
        case 11:
            isinstance(1)
        case 12:
            plain(*None)
        case 13:
            plain(**None)
        case 14:
            plain(1, **{"b": 1}, **{"b": 2})


table(wrong, *[(kind,) for kind in range(15)])


class Meta(type):
    def __call__(cls, *args, **kw):
        return "meta", super().__call__(*args, **kw).args


class Made(metaclass=Meta):
    def __new__(cls, *args):
        self = super().__new__(cls)
        self.args = args
        return self


class Callable:
    def __init__(self, n=0):
        self.n = n

    def __call__(self, *args, **kw):
        return self.n, args, kw

    def method(self, x=1):
        return self.n, x

    @classmethod
    def cm(cls, x=1):
        return cls.__name__, x

    @staticmethod
    def sm(x=1):
        return x


class BadInit:
    def __init__(self):
        return 5


def objects(x):
    c = Callable(x)
    return c(1, k=2), c.method(), c.method(5), c.cm(), Callable.cm(2), c.sm(3), Callable.method(c, x=4), Made(1, 2), Callable(n=3).n


table(objects, (1,), ("a",))
table(lambda: BadInit(), ())
table(lambda: Callable(1, 2, 3), ())
table(lambda: Callable().nothing(), ())


def bound(items):
    items = list(items)
    append = items.append
    for i in range(5):
        append(i)
    pop = items.pop
    return items, pop(), pop(0), functools.partial(plain, 1)(b=5)


table(bound, ([],))


def builtins_called(x):
    return len(x), max(x), min(x), sum(x), sorted(x, reverse=True), list(map(str, x)), isinstance(x, (list, tuple)), abs(x[0]), repr(x)


table(builtins_called, ([3, 1, 2],), ((5,),), ([],), (["a"],), (7,))


def mutable_default(x, seen=[]):
    seen.append(x)
    return list(seen)


print([mutable_default(i) for i in range(5)])


def change_defaults(f):
    results = []
    for i in range(6):
        results.append(f(1))
        if i == 3:
            f.__defaults__ = ("changed",)
    f.__defaults__ = ("b",)
    return results


def with_default(a, b="b"):
    return a, b


def change_code(f, g):
    old, results = f.__code__, []
    for i in range(6):
        results.append(f(1))
        if i == 3:
            f.__code__ = g.__code__
    f.__code__ = old
    return results


def other(a, b):
    return "other", a, b


print([change_defaults(with_default) for _ in range(3)])
print([change_code(with_default, other) for _ in range(3)])


def recursive(n):
    return 1 if n < 2 else n * recursive(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


table(recursive, (1,), (10,), (25,), (100,))
table(ackermann, (2, 3), (1, 10))
ARG, KW = object(), {"d": 1}


def leak():
    attempt(plain, ARG)
    attempt(plain, ARG, ARG, ARG)
    attempt(defaults, ARG, **KW)
    c = Callable(ARG)
    c.method(x=ARG)
    c(*[ARG, ARG], **KW, e=ARG)
    Made(ARG)
    return plain(ARG, b=KW), (lambda *a, **k: (a, k))(ARG, x=ARG)


refcheck(leak, ARG, KW, Callable, Made)
