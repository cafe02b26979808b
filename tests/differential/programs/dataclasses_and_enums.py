# SPDX-License-Identifier: MIT
import dataclasses
import enum
import typing

from support import refcheck, table


@dataclasses.dataclass(order=True)
class Item:
    price: float
    name: str = "thing"
    tags: list = dataclasses.field(default_factory=list, compare=False)

    def __post_init__(self):
        if self.price is None:
            raise ValueError("no price")

    @property
    def label(self):
        return f"{self.name}@{self.price}"


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: int = 2


class Shape(enum.Enum):
    SQUARE = 1, 2
    CIRCLE = 3, 4

    def __init__(self, a, b):
        self.a, self.b = a, b

    @property
    def area(self):
        return self.a * self.b


class Flag(enum.IntFlag):
    R = enum.auto()
    W = enum.auto()
    X = 8


class Pair(typing.NamedTuple):
    left: int
    right: str = "r"

    def both(self):
        return self.left, self.right


def items(prices):
    made = [Item(p, tags=["t"] * i) for i, p in enumerate(prices)]
    made.sort(reverse=True)
    return made, max(made), made[0] == Item(made[0].price), [i.label for i in made], dataclasses.asdict(made[-1])


def frozen(a):
    f = Frozen(a)
    g = dataclasses.replace(f, b=a)
    try:
        f.a = 5
    except dataclasses.FrozenInstanceError as e:
        return f, g, hash(f) == hash(Frozen(a)), str(e), f == g


def shapes(key):
    s = Shape[key]
    return s, s.name, s.value, s.area, Shape((1, 2)) is Shape.SQUARE, [x.name for x in Shape], s in Shape


def flags(n):
    f = Flag(0)
    for i, each in enumerate(Flag):
        if i < n:
            f |= each
    return f, int(f), Flag.R in f, f & ~Flag.R, f == 3, bool(f)


def pairs(a):
    p = Pair(a)
    left, right = p
    return p, left, right, p._replace(right=1), p.both(), p[0] is p.left, p == (a, "r")


table(items, ([1.5, 3, 2],), ([1],), ([None],), ([1, "a"],), ([],))
table(frozen, (1,), (2.5,), ([],))
table(shapes, ("SQUARE",), ("CIRCLE",), ("NONE",))
table(flags, (0,), (1,), (3,))
table(pairs, (1,), ("x",))
OBJ = object()


def leak():
    i = Item(OBJ, tags=[OBJ])
    j = dataclasses.replace(i, name=OBJ)
    p = Pair(OBJ, OBJ)
    a, b = p
    return i.price, j.name, a, b, Frozen(OBJ) == Frozen(OBJ)


refcheck(leak, OBJ, Item, Pair)
