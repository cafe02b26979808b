# SPDX-License-Identifier: MIT
"""Binary operators of Python classes: methods, reflected ones, in-place forms, NotImplemented, subclasses, classes that
change, and what is said where nothing fits."""

import operator
import sys

from support import refcheck, table

calls = []


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        if not isinstance(other, Vector):
            return NotImplemented
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor):
        if isinstance(factor, Vector):
            return self.x * factor.x + self.y * factor.y
        return Vector(self.x * factor, self.y * factor)

    def __rmul__(self, factor):
        calls.append("rmul")
        return self * factor

    def __truediv__(self, divisor):
        return Vector(self.x / divisor, self.y / divisor)

    def __floordiv__(self, other):
        return NotImplemented

    def __mod__(self, other):
        return "%", other

    def __lshift__(self, other):
        return sys.getrefcount(self), sys.getrefcount(other)

    def __rshift__(self, other):
        frame = sys._getframe()
        return frame.f_back.f_code.co_name, frame.f_back.f_lineno - frame.f_back.f_code.co_firstlineno

    def __repr__(self):
        return f"Vector({self.x}, {self.y})"


class Growing(Vector):
    def __iadd__(self, other):
        calls.append("iadd")
        self.x += other.x
        return self

    def __radd__(self, other):
        calls.append("radd")
        return "radd"


class Quiet(Vector):
    pass


class Number(float):
    def __add__(self, other):
        return NotImplemented

    def __mul__(self, other):
        calls.append("number mul")
        return NotImplemented


class Sequence(list):
    def __add__(self, other):
        calls.append("sequence add")
        return NotImplemented

    def __mul__(self, other):
        return NotImplemented


class Descriptor:
    def __init__(self, name):
        self.name = name

    def __get__(self, instance, owner):
        calls.append(self.name)
        return lambda other: (self.name, other)


class Described:
    __add__ = Descriptor("add")
    __sub__ = staticmethod(lambda other: ("static", other))
    __mul__ = classmethod(lambda cls, other: (cls.__name__, other))
    __truediv__ = operator.itemgetter


class Changing:
    def __add__(self, other):
        self.__class__ = Changed
        return NotImplemented

    def __sub__(self, other):
        Changing.__sub__ = lambda a, b: "changed"
        return "first"


class Changed:
    def __radd__(self, other):
        return "changed radd"


class OnlyReflected:
    def __radd__(self, other):
        return "only reflected", type(other).__name__


class Deep:
    def __add__(self, other):
        return self + other


class Left:
    """Refuses, and tells who was asked."""

    def __add__(self, other):
        calls.append("left add")
        return NotImplemented

    def __sub__(self, other):
        other.__class__ = Changed
        return NotImplemented

    def __mul__(self, other):
        calls.append("left mul")
        return NotImplemented

    __mod__ = __and__ = __add__


class Right:
    def __radd__(self, other):
        calls.append("right radd")
        return "right radd", type(other).__name__

    def __rsub__(self, other):
        return "right rsub"

    def __rmul__(self, other):
        calls.append("right rmul")
        return NotImplemented

    __rmod__ = staticmethod(lambda other: ("static rmod", type(other).__name__))

    @property
    def __rand__(self):
        raise AttributeError("no rand after all")


class DerivedLeft(Left):
    def __radd__(self, other):
        calls.append("derived radd")
        return NotImplemented


class Repeated(list):
    def __rmul__(self, other):
        return "repeated", type(other).__name__


def add(a, b):
    return a + b


def add_in_place(a, b):
    c = a
    c += b
    return c, c is a


def others(a, b):
    out = []
    for operate in (sub, mul, div, floordiv, mod, band):
        try:
            out.append(operate(a, b))
        except TypeError as error:
            out.append(str(error))
    taken = list(calls)
    calls.clear()
    return out, taken


def sub(a, b):
    return a - b


def mul(a, b):
    return a * b


def div(a, b):
    return a / b


def floordiv(a, b):
    return a // b


def mod(a, b):
    a %= b
    return a


def band(a, b):
    a &= b
    return a


def counts(a, b):
    return a << b


def where(a, b):
    first = 1
    return (first,
            a >> b)


def changes():
    a, b = Changing(), Changing()
    out = [sub(a, b), sub(a, b)]
    del Changing.__sub__
    try:
        sub(a, b)
    except TypeError as error:
        out.append(str(error))
    Changing.__sub__ = original
    for x, y in ((Changing(), Changing()), (Changing(), 1.5)):
        try:
            out.append(add(x, y))
        except TypeError as error:
            out.append((str(error), type(x).__name__))
    return out


original = Changing.__sub__


def reflected(a, b):
    return add(a, b), calls[-2:]


def deep():
    try:
        Deep() + Deep()
    except RecursionError as error:
        return str(error)


def long_loop(n):
    position, velocity = Vector(0.0, 1.0), Vector(0.5, 0.25)
    for i in range(n):
        position = position + velocity * 0.5
        velocity -= position / 10
    return position, velocity


def raised(a, b):
    try:
        return a - b
    except AttributeError as error:
        entry, lines = error.__traceback__, []
        while entry is not None:
            lines.append((entry.tb_frame.f_code.co_name, entry.tb_lineno - entry.tb_frame.f_code.co_firstlineno))
            entry = entry.tb_next
        return lines


v, w = Vector(1, 2), Vector(0.5, -1)
table(add, (v, w), (v, 1), (1, v), (v, 1.5), (Quiet(1, 1), Quiet(2, 2)), (Quiet(1, 1), v), (v, Quiet(1, 1)),
      (Number(1), Number(2)), (Number(1), 2.0), (Number(1), 2), (Sequence([1]), Sequence([2])), (Sequence([1]), [2]),
      (Sequence([1]), 1), (Described(), Described()), (Described(), 5), (OnlyReflected(), OnlyReflected()),
      (OnlyReflected(), 1), (1, OnlyReflected()))
table(add_in_place, (v, w), (Growing(1, 2), Growing(3, 4)), (Growing(1, 2), v), (v, Growing(1, 2)), (v, 1))
table(others, (v, w), (v, 2), (v, 2.5), (2, v), (Number(3), Number(2)), (Number(3), 2.0), (Sequence([1]), 2),
      (Described(), Described()), (Described(), 3), (Quiet(3, 4), Quiet(1, 2)))
table(lambda: counts(Vector(1, 2), Vector(3, 4)), ())
table(lambda: counts(Vector(1, 2), float("2.5")), ())  # not v: exceptions that wait for the collector may refer to it
table(add, (Left(), Right()), (Left(), DerivedLeft()), (DerivedLeft(), Left()), (Left(), OnlyReflected()), (Left(), []),
      (Left(), "text"), (Left(), None), (v, Right()), (v, Left()), (Left(), v), (Number(2), v), (Left(), Sequence([1])))
table(add_in_place, (Left(), Right()), (Left(), DerivedLeft()), (Growing(1, 2), Right()))
table(others, (Left(), Right()), (Left(), DerivedLeft()), (Left(), OnlyReflected()), (Left(), [1]), (Left(), Repeated([1])))
print(calls)
calls.clear()
table(where, (v, w), (v, 3))
table(reflected, (v, Growing(1, 2)), (Quiet(1, 2), Growing(1, 2)))
table(changes, ())
table(deep, ())
table(long_loop, (3,), (50,))
table(raised, (v, 1), (v, 1.5), (v, w))
print(calls[:10])
refcheck(lambda: others(v, w), v, w)
LEFT, RIGHT = Left(), Right()
refcheck(lambda: add(LEFT, RIGHT), LEFT, RIGHT)
refcheck(lambda: add(LEFT, 1), LEFT)
calls.clear()
refcheck(lambda: long_loop(5))
refcheck(lambda: raised(v, 1), v)
