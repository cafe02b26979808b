# SPDX-License-Identifier: MIT
"""Foreign code sees the reference counts that it sees under the interpreter."""

import operator
from sys import getrefcount


class Counter:
    def __add__(self, other):
        return getrefcount(self), getrefcount(other)

    __iadd__ = __lt__ = __getitem__ = __eq__ = __add__

    def __hash__(self):
        seen.append(getrefcount(self))
        return 5

    def __setitem__(self, key, value):
        seen.append((getrefcount(self), getrefcount(key), getrefcount(value)))

    def __delitem__(self, key):
        seen.append((getrefcount(self), getrefcount(key)))

    def __getattr__(self, name):
        return getrefcount(self)

    def __setattr__(self, name, value):
        seen.append((getrefcount(self), getrefcount(value)))

    def __neg__(self):
        return getrefcount(self)

    def __bool__(self):
        seen.append(getrefcount(self))
        return True

    def __len__(self):
        return getrefcount(self)

    def __iter__(self):
        seen.append(getrefcount(self))
        return iter((1, 2))

    def __format__(self, spec):
        return str(getrefcount(self))

    def __call__(self, *args, **keywords):
        return getrefcount(self), list(map(getrefcount, args)), list(map(getrefcount, keywords.values()))

    def method(self, *args):
        return getrefcount(self), list(map(getrefcount, args))

    def __enter__(self):
        return getrefcount(self)

    def __exit__(self, *error):
        seen.append(getrefcount(self))


seen = []


def plain(x, y=None):
    return getrefcount(x), getrefcount(y)


def operators(x, y):
    result = [x + y, x < y, x == y, x[y], -x, x.foo, len(x), f"{x} {x:>3}", x[1:2]]
    x[y] = y
    x[1:2] = y
    x.bar = y
    del x[y]
    if x:
        result.append(1)
    a, b = x
    for item in x:
        result.append(item)
    z = x
    z += y
    result.append(z)
    return result


def calls(x, y):
    bound = x.method
    result = [getrefcount(x), operator.add(x, y), plain(x, y), plain(x, y=y), x(y, x, k=y), x(*(y,), **{"k": y}), bound(y),
              getrefcount(object()), [getrefcount(x)], tuple(map(getrefcount, [x, y])), max(x, y, key=getrefcount) is x]
    with x as entered:
        result.append(entered)
    pairs = {x: y}
    pairs[y] = x
    return result, len({x, y})


def generator(x):
    yield getrefcount(x)
    sent = yield
    yield getrefcount(sent)


def generators(x):
    made = generator(x)
    return next(made), next(made), made.send(x), getrefcount(made)


def loop(x):
    return [(getrefcount(x), x + x) for _ in range(3)]


# A tuple lends the arguments: temporaries passed to a compiled Python function have one reference more.
pair = Counter(), Counter()
for function, args in ((operators, pair), (calls, pair), (generators, pair[:1]), (loop, pair[1:])):
    print(function(*args), seen)
    seen.clear()
