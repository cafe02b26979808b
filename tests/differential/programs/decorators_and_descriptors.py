# SPDX-License-Identifier: MIT
import functools

from support import refcheck, table


def trace(f):
    @functools.wraps(f)
    def inner(*args, **kw):
        calls.append(f.__name__)
        try:
            return f(*args, **kw)
        except ValueError as e:
            return f"trapped {e}"
        finally:
            calls.append("/" + f.__name__)

    return inner


def parametrized(times, default=None):
    def wrap(f):
        def inner(x=default):
            for _ in range(times):
                x = f(x)
            return x

        return inner

    return wrap


calls = []


@trace
def add(a, b=1):
    if a is None:
        raise ValueError("none")
    return a + b


@parametrized(3, default=2)
def double(x):
    return x * 2


class Memo:
    def __init__(self, f):
        self.f, self.cache = f, {}
        functools.update_wrapper(self, f)

    def __call__(self, *args):
        try:
            return self.cache[args]
        except KeyError:
            self.cache[args] = result = self.f(*args)
            return result

    def __get__(self, instance, owner):
        return self if instance is None else functools.partial(self, instance)


@Memo
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


class Lazy:
    def __init__(self, f):
        self.f = f

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.f(instance)
        calls.append(f"computed {self.name}")
        return value


class Typed:
    def __init__(self, kind):
        self.kind = kind

    def __set_name__(self, owner, name):
        self.name = "_" + name

    def __get__(self, instance, owner):
        if instance is None:
            return self.kind.__name__
        return getattr(instance, self.name, None)

    def __set__(self, instance, value):
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name}: {value!r}")
        setattr(instance, self.name, value)

    def __delete__(self, instance):
        delattr(instance, self.name)


class Box:
    width = Typed(int)
    title = Typed(str)

    def __init__(self, width, title):
        self.width, self.title = width, title

    @Lazy
    def area(self):
        return self.width**2

    @Memo
    def scaled(self, k):
        return self.width * k

    @functools.cached_property
    def cached(self):
        calls.append("cached")
        return self.title * 2

    @functools.partialmethod
    def partial(self, a=5):
        return self.width + a

    @classmethod
    @trace
    def make(cls, n):
        return cls(n, str(n))

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return self.width


def use_box(w, t):
    b = Box(w, t)
    out = [b.area, b.area, b.scaled(2), b.scaled(2), b.cached, b.cached, b.make(3).title, Box.width]
    b.width = w + 1
    out += [b.width, b.area]
    del b.width
    return out, b.width


def taken():
    out = list(calls)
    calls.clear()
    return out


table(lambda *a: (add(*a), taken()), (1,), (1, 2), (None,), ("a", "b"))
table(lambda *a: double(*a), (), (1,), ("ab",), ([],))
table(fib, (20,), (60,))
table(lambda w, t: (use_box(w, t), taken()), (2, "x"), (5, "yy"))
table(use_box, ("a", "b"), (1, 2))
print(add.__name__, fib.__name__, Box.make.__name__)
OBJ = object()


def leak():
    @trace
    def f(x, *, y=OBJ):
        return [x, y]

    f(OBJ)
    b = Box(1, "t")
    b.area, b.cached
    taken()
    return f(OBJ, y=b)


refcheck(leak, OBJ, Box)
