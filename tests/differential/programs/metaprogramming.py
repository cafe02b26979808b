# SPDX-License-Identifier: MIT
import abc
import collections.abc
import contextvars
import functools
import operator
import types
import typing

from support import refcheck, table


class Registry(type):
    classes = {}

    def __new__(mcls, name, bases, body, register=True):
        cls = super().__new__(mcls, name, bases, body)
        if register:
            mcls.classes[name] = [k for k in body if not k.startswith("__")]
        return cls

    def __init__(cls, name, bases, body, register=True):
        super().__init__(name, bases, body)

    def __iter__(cls):
        return iter(Registry.classes[cls.__name__])

    def __add__(cls, other):
        return type(cls)(cls.__name__ + other.__name__, (cls, other), {}, register=False)

    def __setattr__(cls, name, value):
        super().__setattr__(name, ("through meta", value) if name.startswith("x") else value)


class A(metaclass=Registry):
    a = 1

    def f(self):
        return "A"


class B(metaclass=Registry):
    b = 2

    def f(self):
        return "B"


def meta():
    C = A + B
    A.x1 = 5
    A.y1 = 6
    out = list(A), C.__name__, C().f(), [k.__name__ for k in C.__mro__], A.x1, A.y1
    del A.x1, A.y1
    return out


class Shape(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self): ...

    @classmethod
    def __subclasshook__(cls, other):
        return True if hasattr(other, "quack") else NotImplemented


class Duck:
    def quack(self):
        return "quack"


class Square(Shape):
    def __init__(self, s):
        self.s = s

    @property
    def area(self):
        return self.s**2


def abstract(kind):
    return isinstance(Duck(), Shape), issubclass(int, Shape), kind(3).area


def made(n):
    body = {"n": n, "get": lambda self: self.n, "__slots__": ("v",)}
    cls = type("Made", (), body)
    o = cls()
    o.v = n
    other = types.new_class("Other", (cls,), {}, lambda ns: ns.update(extra=n))
    return o.get(), o.v, other.extra, other().get(), other.__bases__[0] is cls


def setattr_loop(n):
    class Bag:
        pass

    bag = Bag()
    for i in range(n):
        setattr(bag, f"k{i}", i)
    total = sum(getattr(bag, f"k{i}") for i in range(n))
    for i in range(0, n, 2):
        delattr(bag, f"k{i}")
    return total, sorted(vars(bag)), getattr(bag, "k0", "gone"), hasattr(bag, "k1")


def generic[T: (int, str)](x: T, *rest: T) -> list[T]:
    type Alias[K] = dict[K, T]
    return [x, *rest], generic.__type_params__[0].__name__, str(Alias[int])


class Stack[T]:
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> typing.Self:
        self.items.append(item)
        return self


def annotations(n):
    def f(a: n, b: "text" = 1) -> int:
        c: list[int] = [n]
        d: "undefined"
        return c

    return f.__annotations__, f(1), f.__defaults__


def replaced(n):
    def g(x):
        return x + n

    h = types.FunctionType(g.__code__, globals(), "h", None, g.__closure__)
    code = g.__code__.replace(co_name="renamed", co_consts=g.__code__.co_consts)
    k = types.FunctionType(code, {}, closure=(types.CellType(n * 2),))
    return g(1), h(1), k(1), h.__name__, k.__code__.co_name, types.MethodType(g, 5)()


def contexts(n):
    variable = contextvars.ContextVar("v", default=0)

    def inside():
        variable.set(variable.get() + n)
        return variable.get()

    context = contextvars.copy_context()
    return context.run(inside), context.run(inside), variable.get()


class Proxy:
    def __init__(self, target):
        object.__setattr__(self, "target", target)

    def __getattribute__(self, name):
        target = object.__getattribute__(self, "target")
        value = getattr(target, name)
        return (lambda *a: ("proxied", value(*a))) if callable(value) else value

    def __setattr__(self, name, value):
        setattr(object.__getattribute__(self, "target"), name, value)


def proxied(value):
    p = Proxy(Square(value))
    p.s = p.s + 1
    return p.s, p.area, Proxy([1, 2]).index(2)


class Sequence(collections.abc.Sequence):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return i * 10


def mixed_in(n):
    s = Sequence(n)
    return list(s), 10 in s, s.count(0), list(reversed(s)), s.index(10) if n > 1 else None, bool(s)


@functools.total_ordering
class Version:
    def __init__(self, text):
        self.parts = tuple(map(int, text.split(".")))

    def __eq__(self, other):
        return self.parts == other.parts

    def __lt__(self, other):
        return self.parts < other.parts


def versions(a, b):
    x, y = Version(a), Version(b)
    return x < y, x <= y, x > y, x >= y, x == y, max(x, y).parts, operator.lt(x, y)


table(meta, ())
table(abstract, (Square,), (Shape,))
table(made, (1,), ("s",), (None,))
table(setattr_loop, (0,), (7,))
table(generic, (1, 2), ("a",))
table(lambda: Stack[int]().push(1).push(2).items, ())
table(annotations, (1,), (int,))
table(replaced, (1,), (2.5,))
table(contexts, (1,), (5,))
table(proxied, (2,), (1.5,))
table(mixed_in, (0,), (1,), (4,))
table(versions, ("1.2", "1.10"), ("2.0", "2.0"), ("1.x", "1"))
OBJ = object()


def leak():
    cls = type("T", (Duck,), {"v": OBJ})
    o = cls()
    o.w = OBJ
    p = Proxy(o)
    p.z = OBJ
    s = Stack()
    s.push(OBJ).push(o)
    return o.v, p.w, o.z, functools.reduce(lambda a, b: b, [OBJ, OBJ])


refcheck(leak, OBJ, Duck)
