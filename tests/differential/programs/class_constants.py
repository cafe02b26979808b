# SPDX-License-Identifier: MIT
"""Attributes of classes that have a metaclass, and comparison by identity, in functions small enough to be inlined."""

import enum
import sys

from support import attempt, refcheck, say, show, table


class Kind(enum.Enum):
    BIG = 1
    SMALL = 2
    ALIAS = 1


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Meta(type):
    pass


class Config(metaclass=Meta):
    limit = 5
    names = ["a"]
    plain = object()

    def method(x):
        return x

    @property
    def of_instances(self):
        return "property"

    @staticmethod
    def static(x):
        return "static", x


class Thing:
    def __init__(self, kind):
        self.kind = kind

    def is_big(self):
        return self.kind == Kind.BIG

    def is_not_small(self):
        return self.kind != Kind.SMALL

    def is_same(self):
        return self.kind is Kind.ALIAS

    def level(self):
        return Level.HIGH

    def limit(self):
        return Config.limit

    def names(self):
        return Config.names

    def called(self):
        return Config.method(self.kind)

    def static(self):
        return Config.static(self.kind)

    def described(self):
        return Config.of_instances

    def is_none(self):
        return self.kind == None, self.kind != None  # noqa: E711

    def before(self):
        return self.kind < Kind.SMALL


METHODS = ["is_big", "is_not_small", "is_same", "level", "limit", "names", "called", "static", "is_none", "before"]


def count(things):
    n = 0
    for t in things:
        if t.is_big():
            n += 1
        if t.is_not_small():
            n += 10
        if t.is_same():
            n += 100
    return n


def collect(things):
    return [(t.level(), t.limit(), t.names(), t.called(), t.static(), type(t.described()).__name__) for t in things]


def nones(things):
    return [t.is_none() for t in things]


def ordered(things):
    return [t.before() for t in things]


class Odd:
    """Equal to everything, and says so."""

    def __eq__(self, other):
        log.append("eq")
        return "yes"

    def __ne__(self, other):
        log.append("ne")
        return []

    __hash__ = None


log = []
plain = [Thing(Kind.BIG), Thing(Kind.SMALL), Thing(Kind.ALIAS)]
mixed = [*plain, Thing(None), Thing(1), Thing("BIG"), Thing(Level.LOW), Thing(Kind), Thing(b"x"), Thing(1.5),
         Thing(Thing), Thing(object()), Thing((1,))]
odd = [*mixed, Thing(Odd())]

for _ in range(40):
    first = count(plain), [str(x) for x in collect(plain)], nones(plain)
say(first)
for things in (mixed, odd, plain):
    for _ in range(20):
        text = attempt(count, things), attempt(nones, things)
    show(str(text))
    show(str(len(log)))
table(ordered, (plain,), (mixed,))


def rounds(n=30):
    result = set()
    for _ in range(n):
        result.add(attempt(lambda: (count(plain), str(collect(plain)))))
    return sorted(result)


# The class's attributes change, and the metaclass's.
Config.limit = 6
say(rounds())
Config.limit = property(lambda self: "of instances")
say([text.count("property object") for text in rounds()])
Config.limit = 7
say(rounds())
Meta.limit = property(lambda cls: ("of meta", cls.__name__))
say(rounds())
Meta.limit = 3
say(rounds())
del Meta.limit
Config.names = ("b",)
say(rounds())
del Config.limit
say(rounds())
Meta.limit = "only the metaclass has it"
say(rounds())


class Other(Meta):
    @property
    def limit(cls):
        return "other metaclass"


Config.__class__ = Other
say(rounds())
Config.__class__ = Meta
say(rounds())


class Answer:
    """Its instances become descriptors while they are in use."""


class Holder(metaclass=Meta):
    answer = Answer()


class User:
    def answer(self):
        return Holder.answer


def answers(users):
    return {type(u.answer()).__name__ for u in users}


users = [User() for _ in range(5)]
for _ in range(40):
    found = answers(users)
say(found)
Answer.__get__ = lambda self, instance, owner: f"from {owner.__name__}"
for _ in range(40):
    found = answers(users)
say(found)


class Colour(enum.Enum):
    RED = 1
    GREEN = 2

    def is_red(self):
        return self == Colour.RED


def reds(colours):
    return [c.is_red() for c in colours]


colours = list(Colour) * 2
for _ in range(40):
    found = reds(colours)
say(found)
Colour.__eq__ = lambda self, other: log.append("Colour.__eq__") or "equal"
Colour.__hash__ = object.__hash__
log.clear()
for _ in range(40):
    found = reds(colours)
say((found, len(log)))
Colour.__get__ = lambda self, instance, owner: "got"
log.clear()
for _ in range(40):
    found = reds(colours)
say((found, len(log)))


class Counted(metaclass=Meta):
    value = [1]


class Reader:
    def value(self):
        return Counted.value

    def same(self, other):
        return other == Counted


def reads(readers):
    for r in readers:
        r.value()
        r.same(r)
        r.same(Counted)
    return sys.getrefcount(Counted.value)


readers = [Reader() for _ in range(5)]
for _ in range(40):
    found = reads(readers)
say(found)
Counted.value = [2]
for _ in range(40):
    found = reads(readers)
say((found, Reader().value()))
refcheck(lambda: reads(readers), Counted.value, Counted, readers[0])
