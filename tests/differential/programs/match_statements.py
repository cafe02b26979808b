# SPDX-License-Identifier: MIT
from dataclasses import dataclass
from enum import Enum

from support import refcheck, table


@dataclass
class Point:
    x: object
    y: object = 0


class Color(Enum):
    RED = 1
    BLUE = 2


class BadArgs:
    __match_args__ = "nope"


class Seq(list):
    pass


class Map(dict):
    def __missing__(self, key):
        return "missing"


def classify(x):
    match x:
        case None:
            return "none"
        case True | False:
            return "bool"
        case 0 | 1:
            return "small"
        case int(n) if n < 0:
            return "negative", n
        case int():
            return "int"
        case float(f):
            return "float", f
        case str() as s if len(s) > 3:
            return "long", s
        case "a" | "b" as letter:
            return "letter", letter
        case str(s):
            return "str", s
        case bytes() | bytearray():
            return "bytes"
        case Color.RED:
            return "red"
        case Color():
            return "color"
        case []:
            return "empty"
        case [x]:
            return "one", x
        case [1, 2, *rest]:
            return "12", rest
        case [first, *_, last]:
            return "ends", first, last
        case {"type": "point", "at": (a, b)}:
            return "point", a, b
        case {"key": v, **rest}:
            return "key", v, rest
        case {}:
            return "mapping"
        case Point(x=0, y=0):
            return "origin"
        case Point(x, Point(y=z)):
            return "nested", x, z
        case Point(x, y) if x == y:
            return "diagonal", x
        case Point(y=y):
            return "point y", y
        case _:
            return "other"


VALUES = [
    None, True, 0, 1, 5, -3, 2.5, "a", "b", "c", "long text", b"x", Color.RED, Color.BLUE, [], [1], (1, 2), [1, 2, 3, 4], (3, 4, 5),
    {}, {"type": "point", "at": (1, 2)}, {"type": "point", "at": 5}, {"key": 1, "other": 2}, Point(0), Point(1, Point(2, 3)),
    Point(4, 4), Point(4, 5), {1, 2}, object, Seq([1, 2]), Map(a=1), range(3), 1j, "日本語語",
]  # fmt: skip
table(classify, *[(v,) for v in VALUES])


def bad(x, kind):
    match x:
        case BadArgs(1) if kind == 0:
            return "never"
        case Point(1, 2, 3) if kind == 1:
            return "never"
        case {"a": _, "b": _}:
            return "two keys"
    return "end"


table(bad, (BadArgs(), 0), (Point(1), 1), ({"a": 1, "b": 2, "c": 3}, 2), ({"a": 1}, 2), (Map(), 2))


def bindings_after(x):
    match x:
        case [a, 1]:
            pass
        case [a, b]:
            pass
    try:
        return a, b
    except NameError as e:
        return str(e)


table(bindings_after, ([1, 1],), ([1, 2],), ([],), ("ab",))


def interpreter(program):
    stack = []
    for instruction in program:
        match instruction:
            case ("push", value):
                stack.append(value)
            case ("add",):
                stack.append(stack.pop() + stack.pop())
            case ("jump", int(n)) if n > 100:
                break
            case ("dup", *_):
                stack.append(stack[-1])
            case [op, *args]:
                raise ValueError(f"bad {op} {args}")
    else:
        return "complete", stack
    return stack


table(
    interpreter,
    ([("push", 1), ("dup",), ("add",)],),
    ([("push", 1), ("jump", 101), ("push", 2)],),
    ([("oops", 1, 2)],),
    ([("add",)],),
    ([("push", "a"), ("push", 1), ("add",)],),
)
OBJ = object()


def leak():
    out = []
    for value in ([OBJ, OBJ], (OBJ, 1, OBJ), {"key": OBJ, "z": OBJ}, Point(OBJ, OBJ), Point(OBJ, Point(OBJ, OBJ)), OBJ):
        out.append(classify(value))
    return out


refcheck(leak, OBJ, Point)
