# SPDX-License-Identifier: MIT
"""Attribute accesses that see several classes, and classes and instances that change between and during accesses."""

import collections
import gc
import sys
import types

from support import attempt, table
from support import show as show_text


def show(value):
    show_text(str(value))


def get(o):
    return o.x


def call(o):
    return o.x()


def put(o, value):
    o.x = value
    return "stored"


class Inline:
    def __init__(self, x):
        self.x = x


class Second(Inline):
    pass


class LateKey:
    def __init__(self, x):
        self.a = 1
        self.b = 2
        self.x = x


class Slotted:
    __slots__ = ("w", "x")

    def __init__(self, x):
        self.x = x


class SlottedChild(Slotted):
    __slots__ = ("y",)


class SlottedWithDict(Slotted):
    pass


class Property:
    def __init__(self, x):
        self.hidden = x

    @property
    def x(self):
        return self.hidden

    @x.setter
    def x(self, value):
        self.hidden = ("set", value)


class ReadOnly:
    x = property(lambda self: "read only")


class NoGetter:
    x = property(None, lambda self, value: None)


class ClassAttribute:
    x = "of the class"


class Method:
    def x(self):
        return "method", type(self).__name__


class Static:
    @staticmethod
    def x():
        return "static"


class OfClass:
    @classmethod
    def x(cls):
        return "class method", cls.__name__


class GetAttr:
    def __getattr__(self, name):
        return f"made {name}"


class GetAttrRaises:
    @property
    def x(self):
        raise AttributeError("inner")

    def __getattr__(self, name):
        return f"instead of {name}"


class GetAttribute:
    def __getattribute__(self, name):
        return f"all {name}"


class SetAttr:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, ("by __setattr__", value))


class Data:
    def __init__(self, value):
        self.value = value

    def __get__(self, instance, owner):
        return "data", self.value, owner.__name__

    def __set__(self, instance, value):
        self.value = value


class NonData:
    def __get__(self, instance, owner):
        return "non-data", instance is None, owner.__name__


class HasData:
    x = Data(3)


class HasNonData:
    x = NonData()


class ListChild(list):
    x = "list's"


class IntChild(int):
    pass


Named = collections.namedtuple("Named", "w x")


def owners():
    values = [cls(5) for cls in (Inline, Second, LateKey, Slotted, SlottedChild, SlottedWithDict, Property)]
    values += [cls() for cls in (ReadOnly, NoGetter, ClassAttribute, Method, Static, OfClass, GetAttr, GetAttrRaises,
                                 GetAttribute, SetAttr, HasData, HasNonData, ListChild, IntChild)]
    module = types.ModuleType("made_up")
    module.x = "the module's"
    values += [module, Named(1, 2), ClassAttribute, Method, OfClass, HasData, HasNonData, Inline, 7, "text", None]
    return values


def all_kinds():
    for function in (get, call):
        for round in range(3):
            for o in owners():
                text = attempt(function, o)
                if round == 2:
                    show(f"{function.__name__} {type(o).__name__}: {text}")
    for round in range(3):
        for o in owners():
            if o is ClassAttribute or o is Method or o is OfClass or o is HasData or o is HasNonData or o is Inline:
                continue
            text = attempt(put, o, round), attempt(get, o)
            if round == 2:
                show(f"put {type(o).__name__}: {text}")


def two_at_a_time():
    for first in owners():
        for second in owners():
            for o in (first, second, first, second):
                attempt(get, o)
                attempt(call, o)
    show("done")


# ---- changes between accesses ------------------------------------------------------------------------------------


def changes():
    def read(o):
        return o.x

    def method(o):
        return o.m()

    def write(o, value):
        o.x = value

    class First:
        pass

    class C(First):
        x = "class"

        def m(self):
            return "m of C"

    o = C()
    log = []
    for _ in range(4):
        log.append((read(o), method(o)))
    o.x = "instance"
    o.m = lambda: "instance's m"
    for _ in range(4):
        log.append((read(o), method(o)))
    del o.x, o.m
    log.append((read(o), method(o)))
    C.x = property(lambda self: "a property now")
    log.append((read(o), attempt(write, o, 1)))
    C.x = Data("later")
    log.append((read(o), attempt(write, o, "through it"), read(o)))
    del C.x
    log.append((attempt(read, o), attempt(write, o, "plain"), read(o)))
    C.m = lambda self: "replaced"
    log.append(method(o))

    class D(C):
        def m(self):
            return "m of D"

    o.__class__ = D
    log.append((read(o), method(o)))
    o.__dict__ = {"x": "another dict"}
    log.append((read(o), method(o)))
    write(o, "into it")
    log.append((read(o), o.__dict__))
    o.__dict__["m"] = lambda: "through the dict"
    log.append((read(o), method(o)))
    o.__dict__.clear()
    log.append((attempt(read, o), method(o)))
    write(o, 1)
    vars(o)["y"] = 2
    write(o, 3)
    log.append((read(o), list(vars(o).items())))
    D.__getattr__ = lambda self, name: "found by " + name
    del o.x
    log.append(read(o))
    D.__getattribute__ = lambda self, name: "caught " + name
    log.append((read(o), attempt(method, o)))
    del D.__getattribute__, D.__getattr__
    log.append((attempt(read, o), method(o)))
    C.__bases__ = (type("Other", (First,), {"x": "new base"}),)
    log.append(read(o))
    for line in log:
        show(line)


def descriptor_class_changes():
    class Plain:
        pass

    class C:
        x = Plain()

    def read(o):
        return o.x

    def write(o):
        o.x = "written"

    o = C()
    o.__dict__["x"] = "instance"
    log = [read(o) for _ in range(4)]
    Plain.__get__ = lambda self, instance, owner: "now it is"
    log += [read(o) for _ in range(2)]
    Plain.__set__ = lambda self, instance, value: log.append("set")
    log += [read(o) for _ in range(2)]
    for _ in range(3):
        write(o)
    del Plain.__set__
    log.append(read(o))
    write(o)
    log.append(read(o))
    show(log)


def during():
    class A:
        @property
        def x(self):
            self.__class__ = B
            return "A's"

        def __init__(self):
            self.n = 1

    class B:
        x = "B's"

    def read(o):
        return o.x, o.x

    show([read(A()) for _ in range(4)])

    class Vanishing:
        @property
        def x(self):
            if "x" in Vanishing.__dict__ and self.last:
                del Vanishing.x
                gc.collect()
            return "still here"

    def last(value):
        o = Vanishing()
        o.last = value
        return attempt(read, o)

    show([last(False), last(False), last(False), last(True)])

    class Reader:
        def __get__(self, instance, owner):
            type(instance).x = "replaced"
            gc.collect()
            return "from the descriptor"

        def __set__(self, instance, value):
            type(instance).x = None

    class Holder:
        x = Reader()

    log = []
    for _ in range(4):
        Holder.x = Reader()
        log.append(read(Holder()))
    show(log)


def order_of_release():
    log = []

    class Noisy:
        def __init__(self, owner, name):
            self.owner, self.name = owner, name

        def __del__(self):
            log.append((self.name, getattr(self.owner, "x", "none"), getattr(self.owner, "y", "none")))

    class C:
        pass

    class S:
        __slots__ = ("x", "y")

    def write(o, value):
        o.x = value

    for cls in (C, S, C, S, C):
        o = cls()
        for i in range(3):
            write(o, Noisy(o, i))
            if cls is C and i == 1:
                o.__dict__
        write(o, "end")
        if cls is C:
            vars(o)["z"] = 1
        write(o, Noisy(o, "dict"))
        write(o, None)
    show(log)


def insertion_order():
    class C:
        pass

    def fill(o, *names):
        for name in names:
            if name == "a":
                o.a = 1
            elif name == "b":
                o.b = 2
            elif name == "c":
                o.c = 3
            elif name == "-b":
                del o.b
            else:
                o.__dict__
        return list(o.__dict__), list(vars(o).values())

    for names in ("abc", "cba", "bac", ("a", "b", "-b", "c", "b"), ("c", "dict", "a", "b"), ("dict", "b", "-b", "b", "a"),
                  ("b", "dict", "-b", "a", "b")):
        table(lambda: fill(C(), *names))


def many_attributes():
    class C:
        pass

    def fill(o):
        for i in range(40):
            setattr(o, f"k{i}", i)
        o.last = "last"
        o.k3 = "three"
        return o.k3, o.last, o.k39

    def other(o):
        o.last = "first"
        return o.last

    table(lambda: (fill(C()), other(C())))


def counting():
    class C:
        count = 0

    def tick(o):
        C.count += 1
        return o.count

    o = C()
    for _ in range(1200):  # more than a class has versions
        last = tick(o)
    show(last)
    o.count = "own"
    show(tick(o))
    show(C.count)


# ---- super -------------------------------------------------------------------------------------------------------


class Base:
    value = "base value"

    def __init__(self, *args):
        self.args = args

    def __new__(cls, *args):
        return super().__new__(cls)

    def m(self):
        return ["Base.m"]

    @classmethod
    def c(cls):
        return ["Base.c", cls.__name__]

    @staticmethod
    def s():
        return ["Base.s"]

    @property
    def p(self):
        return ["Base.p", self.args]


class Left(Base):
    def m(self):
        return ["Left.m"] + super().m()

    @classmethod
    def c(cls):
        return ["Left.c"] + super().c()


class Right(Base):
    def __init__(self, *args):
        super().__init__("right", *args)

    def m(self):
        return ["Right.m"] + super().m()

    @classmethod
    def c(cls):
        return ["Right.c"] + super().c()

    def all(self):
        return super().value, super().s(), super().p, super().c(), super().__class__.__name__


class Bottom(Left, Right):
    def __init__(self, *args):
        super().__init__("bottom", *args)

    def m(self):
        return ["Bottom.m"] + super().m()

    @classmethod
    def c(cls):
        return ["Bottom.c"] + super().c()

    def missing(self):
        return super().nothing


class Meta(type):
    def __call__(cls, *args):
        return ["Meta.__call__"] + [super().__call__(*args)]

    def mro(cls):
        return super().mro()

    def describe(cls):
        return super().__repr__()[:6]


class OfMeta(metaclass=Meta):
    def describe(self):
        return "instance"


class Dynamic(Base):
    def __getattribute__(self, name):
        return super().__getattribute__(name)

    def m(self):
        return ["Dynamic.m"] + super().m()


class Proxy:
    """Its __class__ is Bottom's."""

    __class__ = Left


def supers():
    def everything(cls):
        o = cls(1)
        return o.m(), cls.c(), o.c(), o.args

    for _ in range(4):
        result = [everything(cls) for cls in (Base, Left, Right, Bottom, Dynamic)]
    show(result)
    table(Right.all, (Right(),), (Bottom(),), (5,))
    table(Bottom.missing, (Bottom(),), (Left(),))
    table(Left.m, (Proxy(),), (Left(),), (Bottom(),), (3,))
    table(lambda: (OfMeta()[0], OfMeta.describe(), type(OfMeta()[1]).__name__))
    before = Base.m
    o = Bottom()
    log = [o.m()]
    Base.m = lambda self: ["another"]
    log.append(o.m())
    Right.m2 = Right.m
    del Right.m
    log.append(o.m())
    Right.m = Right.m2
    Base.m = before
    log.append(o.m())
    Bottom.__bases__ = (Right, Left)
    log.append(attempt(o.m))
    show(log)
    # Shadowed by an instance attribute: super does not see it.
    o.m = lambda: "own"
    show(Bottom.m(o))


# ---- modules, classes, globals -----------------------------------------------------------------------------------


def modules():
    module = types.ModuleType("m")

    def read():
        return module.thing

    def write(value):
        module.thing = value

    log = [attempt(read) for _ in range(3)]
    for i in range(3):
        write(i)
        log.append(read())
    del module.thing
    log.append(attempt(read))
    module.__getattr__ = lambda name: "lazy " + name
    log.append(read())
    write("back")
    log.append(read())
    for i in range(100):
        setattr(module, f"n{i}", i)
    log.append(read())
    module.__dict__.pop("thing")
    log.append(read())

    class Sub(types.ModuleType):
        @property
        def thing(self):
            return "property of a module's class"

    module.__class__ = Sub
    log.append((read(), attempt(write, 1)))
    show(log)


def classes():
    class Meta(type):
        pass

    class A(metaclass=Meta):
        x = "A.x"

    class B(metaclass=Meta):
        x = "B.x"

    class C(A):
        pass

    def read(cls):
        return cls.x

    log = []
    for _ in range(4):
        log += [read(A), read(B), read(C)]
    C.x = "C.x"
    log += [read(C), read(A)]
    Meta.y = "ignored"
    Meta.x = property(lambda cls: "the metaclass's")
    log += [attempt(lambda: A.x), attempt(lambda: C.x)]
    del Meta.x
    Meta.__getattribute__ = lambda cls, name: "caught"
    log += [attempt(lambda: A.x)]
    show(log)


LATER = "global"


def read_len():
    return len


def read_later():
    return LATER


def globals_change():
    import builtins

    log = []
    for _ in range(4):
        log.append((read_len() is builtins.len, read_later()))
    scope = globals()
    scope["".join(["l", "en"])] = "hidden"
    log.append(read_len())
    del scope["len"]
    log.append(read_len() is builtins.len)
    for i in range(50):
        scope[f"filler{i}"] = i
    log.append((read_len() is builtins.len, read_later()))
    del scope["LATER"]
    log.append(attempt(read_later))
    builtins.LATER = "builtin"
    log.append((read_later(), read_later()))
    scope["LATER"] = "global again"
    log.append((read_later(), read_later()))
    del builtins.LATER
    log.append(read_later())
    for names in ({}, {"LATER": 1}, {"LATER": 2, "__builtins__": {"len": 3}}, {"__builtins__": {"LATER": 4, "len": 5}}):
        copy = types.FunctionType(read_later.__code__, names)
        copy2 = types.FunctionType(read_len.__code__, names)
        log.append([(attempt(copy), attempt(copy2)) for _ in range(2)])
    show(log)


def reference_counts():
    class Watched:
        def __init__(self):
            self.x = self.y = None

        @property
        def p(self):
            return sys.getrefcount(self)

        def m(self):
            return sys.getrefcount(self)

    class Counter:
        def __get__(self, instance, owner):
            return sys.getrefcount(instance)

        def __set__(self, instance, value):
            self.seen = sys.getrefcount(value)

    Watched.d = Counter()
    value = object()

    def use(pair):  # the interpreter keeps the arguments of a native function on its stack
        o, value = pair
        o.d = value
        o.x = value
        o.y = value
        o.x, o.y
        o.x = o.y = None
        o.m
        o.m, o.p
        return sys.getrefcount(o), sys.getrefcount(value)

    o = Watched()
    pair = o, value
    before = sys.getrefcount(Watched.m), sys.getrefcount(Watched.p), sys.getrefcount(Watched)
    results = {use(pair) for _ in range(20)}
    show(results)
    show(before == (sys.getrefcount(Watched.m), sys.getrefcount(Watched.p), sys.getrefcount(Watched)))


for test in (all_kinds, two_at_a_time, changes, descriptor_class_changes, during, order_of_release, insertion_order,
             many_attributes, counting, supers, modules, classes, globals_change, reference_counts):
    print("##", test.__name__)
    test()
    test()
