# SPDX-License-Identifier: MIT
from support import refcheck, table


class Point:
    dimensions = 2

    def __init__(self, x, y=0):
        self.x = x
        self.y = y

    def __add__(self, other):
        if not isinstance(other, Point):
            return NotImplemented
        return type(self)(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return isinstance(other, Point) and (self.x, self.y) == (other.x, other.y)

    def __repr__(self):
        return f"{type(self).__name__}({self.x!r}, {self.y!r})"

    @property
    def norm(self):
        return abs(self.x) + abs(self.y)

    @norm.setter
    def norm(self, value):
        self.x = value
        self.y = 0

    @norm.deleter
    def norm(self):
        del self.x, self.y

    @classmethod
    def origin(cls):
        return cls(0, 0)

    @staticmethod
    def helper(a):
        return a, a


class Point3(Point):
    dimensions = 3

    def __init__(self, x, y=0, z=0):
        super().__init__(x, y)
        self.z = z

    @property
    def norm(self):
        return super().norm + abs(self.z)

    def __repr__(self):
        return super().__repr__()[:-1] + f", {self.z!r})"


class Slotted:
    __slots__ = ("a", "b", "__dict__")

    def __init__(self, a):
        self.a = a


class Tight:
    __slots__ = ("a",)


def use(p):
    q = p + p
    q.x += 1
    q.extra = q.x * 2
    return q, q.norm, p.dimensions, q == p, p.helper(1), p.origin(), vars(q)


table(use, (Point(1, 2),), (Point3(1, 2, 3),), (Point(1.5, -2),), (Point("a", "b"),), (5,), (Point(2**62, 2**62),))


def use_property(p, v):
    p.norm = v
    first = p.norm
    del p.norm
    return first, hasattr(p, "x")


table(lambda v: use_property(Point(1), v), (5,), (-2.5,), ("s",))
table(lambda v: use_property(Point3(1), v), (5,))


def slots(o):
    o.a = 1
    o.a += 1
    out = [o.a]
    del o.a
    try:
        out.append(o.a)
    except AttributeError as e:
        out.append(str(e))
    try:
        del o.a
    except AttributeError as e:
        out.append(str(e))
    o.c = 5
    return out, o.c


table(lambda: slots(Slotted(1)), ())
table(lambda: slots(Tight()), ())
table(lambda: slots(Point(1)), ())


class Dynamic:
    def __getattr__(self, name):
        if name.startswith("no"):
            raise AttributeError(f"really {name}")
        return f"dynamic {name}"

    def __setattr__(self, name, value):
        object.__setattr__(self, name, ("set", value))

    def __delattr__(self, name):
        object.__delattr__(self, name)
        log.append(name)


class Always:
    def __getattribute__(self, name):
        if name == "method":
            return lambda *a: ("always", a)
        return object.__getattribute__(self, name)


class Descriptor:
    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, instance, owner):
        return "get", self.name, instance is None, owner.__name__

    def __set__(self, instance, value):
        log.append((self.name, value))


class NonData:
    def __get__(self, instance, owner):
        return "nondata"


class Described:
    d = Descriptor()
    n = NonData()


log = []


def described(o):
    first = o.d, o.n
    o.d = 5
    o.n = "instance"
    return first, o.d, o.n, Described.d


def dynamic(o):
    o.a = 1
    got = o.a, o.b
    del o.a
    return got, o.a, o.none


table(lambda: described(Described()), ())
table(lambda: dynamic(Dynamic()), ())
table(lambda: (Always().method(1), Always().other), ())
print(log)


def mutate_class():
    class A:
        def f(self):
            return "A.f"

        x = 1

    class B(A):
        pass

    o, out = B(), []
    for i in range(12):
        out.append((o.f(), o.x))
        if i == 3:
            B.f = lambda self: "B.f"
        if i == 5:
            A.x = 2
        if i == 6:
            o.f = lambda: "own"
        if i == 7:
            o.x = "own x"
        if i == 8:
            del o.f, B.f
        if i == 9:
            o.__class__ = type("C", (A,), {"f": lambda self: "C.f"})
        if i == 10:
            A.x = property(lambda self: "property")
    return out


for _ in range(3):
    print(mutate_class())


class Meta(type):
    def __new__(mcls, name, bases, namespace, **kw):
        namespace["kw"] = kw
        return super().__new__(mcls, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kw):
        super().__init__(name, bases, namespace)

    @classmethod
    def __prepare__(mcls, name, bases, **kw):
        return {"prepared": name}

    def __getattr__(cls, name):
        return f"meta {name}"

    def __len__(cls):
        return 42

    def __instancecheck__(cls, x):
        return x == "magic"


def make(name, value):
    class Local(metaclass=Meta, flag=value):
        attribute = name

        def get(self):
            return __class__.attribute, self.missing if hasattr(self, "missing") else "no"

    return Local.kw, Local.prepared, Local.nothing, len(Local), Local().get(), isinstance("magic", Local), isinstance(Local(), Local)


table(make, ("a", 1), ("b", None))


class Base:
    def __init_subclass__(cls, /, tag=None, **kw):
        super().__init_subclass__(**kw)
        cls.tag = tag

    def __class_getitem__(cls, item):
        return cls.__name__, item

    def f(self):
        return ["Base"]


class Left(Base, tag="l"):
    def f(self):
        return ["Left"] + super().f()


class Right(Base, tag="r"):
    def f(self):
        return ["Right", *super().f()]


class Both(Left, Right):
    def f(self):
        return ["Both", *super(Both, self).f()]

    @classmethod
    def c(cls):
        return super().__init_subclass__ is not None


table(lambda cls: (cls().f(), cls.tag, cls[1, 2]), (Left,), (Right,), (Both,))
table(lambda: Both.c(), ())


class Operators:
    def __init__(self, v):
        self.v = v

    def __getitem__(self, k):
        return "get", k

    def __setitem__(self, k, v):
        self.v = k, v

    def __delitem__(self, k):
        self.v = "deleted", k

    def __len__(self):
        return self.v

    def __iter__(self):
        return iter((self.v, self.v))

    def __contains__(self, x):
        return x == self.v

    def __neg__(self):
        return "neg"

    def __invert__(self):
        return "invert"

    def __iadd__(self, other):
        self.v = other
        return self

    def __rsub__(self, other):
        return "rsub", other

    def __matmul__(self, other):
        return "matmul", other

    def __hash__(self):
        return 7

    def __index__(self):
        return 1

    def __reversed__(self):
        return "reversed"


def operators(v):
    o = Operators(v)
    out = [o[1], o[1:2], o[::3], o[1, ...], -o, ~o, 5 - o, o @ 3, v in o, list(o), [10, 20][o], hash(o), reversed(o)]
    o[3] = 4
    out.append(o.v)
    del o[5]
    out.append(o.v)
    o += 9
    out.append(o.v)
    return out, len(o), bool(o)


def truth_of(v):
    return "yes" if Operators(v) else "no"


table(operators, (1,), (0,))
table(truth_of, (1,), (0,), (-1,), ("a",))
class Made:
    def __init__(self, value, more=0):
        self.value = value, more


class MadeToo(Made):
    pass


def second_init(self, value, more=1):
    self.value = "second", value, more


def made(classes, change):
    """One call site, whose class changes or is another one now and then."""
    found = []
    for i in range(12):
        if i == 6:
            change()
        for which in classes:
            try:
                found.append(getattr(which(i), "value", None))
            except TypeError as error:
                found.append(str(error))
    return found


def restore():
    Made.__init__ = first_init
    for name in ("__new__", "__abstractmethods__"):
        if name in vars(Made):
            delattr(Made, name)


def change_new():
    Made.__new__ = lambda cls, value: object.__new__(cls)


def change_abstract():
    Made.__abstractmethods__ = frozenset({"nothing"})


def returns_something(self, value):
    self.value = value
    return value


first_init = Made.__init__
for change in (
    lambda: setattr(Made, "__init__", second_init),
    lambda: setattr(MadeToo, "__init__", second_init),
    lambda: delattr(MadeToo, "__init__"),
    lambda: setattr(Made, "__init__", returns_something),
    lambda: delattr(Made, "__init__"),
    lambda: setattr(Made.__init__, "__code__", second_init.__code__),
    lambda: setattr(first_init, "__defaults__", (7,)),
    change_abstract,
    change_new,
):
    print(made((Made, MadeToo), change), made((MadeToo,), lambda: None), made((Made, Made), restore))
    restore()
OBJ = object()


def leak():
    p = Point(OBJ, OBJ)
    p.z = OBJ
    p.x = p.y
    del p.z
    s = Slotted(OBJ)
    s.a, s.b = OBJ, s.a
    make("n", OBJ)
    d = Dynamic()
    d.q = OBJ
    Both().f()
    return p.x, s.a, s.b, d.q


refcheck(leak, OBJ, Point, Slotted, Point.__init__)
