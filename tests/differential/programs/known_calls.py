# SPDX-License-Identifier: MIT
"""Calls of C functions that native code knows: numbers at their edges, identity, errors, and what is no such call."""

import builtins
import math
import sys
from math import copysign, fabs, floor, sqrt, trunc

from support import attempt, refcheck, say, show, table

INF, NAN = float("inf"), float("nan")
BIG = 2**63


class Number:
    """Not a number to C code: everything runs Python code."""

    def __init__(self, value):
        self.value = value

    def __abs__(self):
        return "abs", self.value

    def __round__(self, digits=None):
        return "round", self.value, digits

    def __float__(self):
        return float(self.value)

    def __int__(self):
        return int(self.value)

    def __index__(self):
        return int(self.value)

    def __floor__(self):
        return "floor", self.value

    def __ceil__(self):
        return "ceil", self.value

    def __trunc__(self):
        return "trunc", self.value

    def __divmod__(self, other):
        return "divmod", other

    def __lt__(self, other):
        log.append("lt")
        return True

    def __gt__(self, other):
        log.append("gt")
        return True

    def __len__(self):
        log.append("len")
        return 3

    def __repr__(self):
        return f"Number({self.value})"


class Int(int):
    def __abs__(self):
        return "Int.abs"

    def __round__(self):
        return "Int.round"

    def __lt__(self, other):
        log.append("Int.lt")
        return int(self) < int(other)


class Float(float):
    def __abs__(self):
        return "Float.abs"

    def __gt__(self, other):
        log.append("Float.gt")
        return True


log = []
INTS = [0, 1, -1, 7, -7, 2**30, -(2**30), 2**53, 2**53 + 1, BIG - 1, -BIG, BIG, -BIG - 1, 10**30]
FLOATS = [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 1e18, -1e18, 9.3e18, 1e300, 5e-324, INF, -INF, NAN]
OTHERS = [True, False, None, "1", b"1", [1], Int(-3), Float(-3.5), Number(2), 1j]
ALL = INTS + FLOATS + OTHERS


def absolute(x):
    return abs(x)


def rounded(x):
    return round(x)


def rounded_to(x, digits):
    return round(x, digits)


def whole(x):
    return int(x)


def floating(x):
    return float(x)


def floored(x):
    return math.floor(x), floor(x)


def ceiling(x):
    return math.ceil(x)


def truncated(x):
    return math.trunc(x), trunc(x)


def root(x):
    return math.sqrt(x), sqrt(x)


def waves(x):
    return math.sin(x), math.cos(x), math.tan(x), math.atan(x)


def arcs(x):
    return math.asin(x), math.acos(x)


def logs(x):
    return math.log(x), math.log2(x), math.log10(x)


def grown(x):
    return math.exp(x)


def size(x):
    return math.fabs(x), fabs(x)


def based(x):
    return math.log(x, 2)


for f in (absolute, rounded, whole, floating, floored, ceiling, truncated, root, waves, arcs, logs, grown, size, based):
    table(f, *[(x,) for x in ALL])
table(rounded_to, (1.25, 1), (1.35, 1), (15, -1), (25, -1), (1.5, None), (1.5, "x"), (NAN, 2))


def smaller(a, b):
    return min(a, b)


def larger(a, b):
    return max(a, b)


def extremes(a, b, c):
    return min(a, b, c), max(a, b, c), min((a, b, c)), max([a, b, c], key=repr), min([], default=c)


def powers(a, b):
    return math.pow(a, b), math.atan2(a, b), copysign(a, b)


def remainders(a, b):
    return math.fmod(a, b)


def divided(a, b):
    q, r = divmod(a, b)
    return q, r, divmod(b, a)


PAIRS = [(1, 2), (2, 1), (1.5, 2.5), (2.5, 1.5), (0.0, -0.0), (-0.0, 0.0), (NAN, 1.0), (1.0, NAN), (1, 1.0), (1.0, 1),
         (2**53 + 1, float(2**53)), (BIG, 1), (-BIG, -1), (5, 0), (0, 5), (-7, 2), (7, -2), (1.0, 0.0), (True, 1),
         (1, True), ("a", "b"), (1, "a"), (None, None), (Int(3), 4), (4, Int(3)), (Float(1.0), 2.0),
         (Number(1), Number(2)), (10.0, 400.0), (-8.0, 0.5), (INF, INF), (0.0, -1.0)]
for f in (smaller, larger, powers, remainders, divided):
    table(f, *PAIRS)
table(extremes, (1, 2, 3), (3, 1, 2), (2.0, 1.0, 3.0), (NAN, 1.0, 2.0), (1.0, NAN, 2.0), (1, 2.0, 3), (1, 1.0, True))
say(log[:40])


def loop_of_ints(n):
    total, low, high = 0, 10**9, -1
    for i in range(n):
        d = abs(i - 50)
        low = min(low, d)
        high = max(d, high, 3)
        q, r = divmod(d, 7)
        total += q + r + round(d) + int(d)
    return total, low, high


def loop_of_floats(n):
    x, total, low, high = 0.25, 0.0, INF, -INF
    whole = 0
    for _ in range(n):
        x = x * 1.25 - 3.0
        low = min(x, low)
        high = max(x, high)
        total += math.sqrt(abs(x)) + math.sin(x) + fabs(x) + math.atan2(x, 2.0)
        whole += int(x) + round(x) + math.floor(x) + math.ceil(x)
    return total, low, high, whole


def drifting(values):
    """The same sites for ints, floats, large ints and other things."""
    result = []
    for value in values:
        result.append((attempt(abs, value), abs(value), round(value), int(value), min(value, 1), max(1.0, value)))
    return result


for _ in range(4):
    say(loop_of_ints(200))
    say(loop_of_floats(30))
    say(drifting([1, -2, 3] * 20 + [1.5, -2.5] * 20 + [2**70, -(2**70)] * 20 + [True, Int(5), Float(1.5)] * 20))


def identity(a, b):
    """min() and max() give back an argument, and so do int(), float() and round()."""
    low, high = min(a, b), max(a, b)
    return low is a, low is b, high is a, high is b


def kept(n, f):
    return int(n) is n, round(n) is n, float(f) is f, math.floor(n) is n, abs(n) is n, abs(f) is f


for _ in range(4):
    for a, b in [(1000001, 1000002), (1000002, 1000001), (1000001, int("1000001")), (1.5, 2.5), (2.5, 1.5), (0.0, -0.0),
                 (1.5, float("1.5"))]:
        say(identity(a, b))
    say(kept(int("1000001"), float("1.5")))


def texts(c, s, n):
    result = []
    result.append(attempt(ord, c))
    return [ord(c), chr(n), len(s), ord(s[1]), s[-1], chr(ord(c) + 1)]


table(texts, ("a", "xyz", 65), ("é", "xéz", 233), ("€", "x€z", 8364), ("😀", "x😀z", 0x1F600), (b"a", "xy", 65),
      (bytearray(b"a"), "xy", 65), ("ab", "xy", 65), ("", "xy", 65), ("a", "xy", -1), ("a", "xy", 0x110000),
      ("a", "xy", 2**70), ("a", "xy", True), ("a", "xy", "x"), ("a", "x", 65), (5, "xy", 65), ("a", "xy", 1.0))


class Sized(list):
    def __len__(self):
        log.append("sized")
        return 42


class BadLength:
    def __len__(self):
        return -1


def lengths(values):
    return [len(v) for v in values]


def one_length(value):
    total = 0
    for _ in range(3):
        total += len(value)
    return total


CONTAINERS = [[], [1], (1, 2), "abc", "é€", b"ab", bytearray(b"abc"), {1: 2}, {1, 2}, frozenset("ab"), range(5), Sized(),
              Number(1), {}.keys(), memoryview(b"ab")]
for _ in range(4):
    say(lengths(CONTAINERS))
table(one_length, *[(c,) for c in CONTAINERS], (5,), (None,), (BadLength(),), (int,))


class Meta(type):
    def __instancecheck__(cls, other):
        log.append("check")
        return True


class Checked(metaclass=Meta):
    pass


class Base:
    pass


class Derived(Base):
    pass


class Liar:
    @property
    def __class__(self):
        return Base


class Dynamic:
    def __getattribute__(self, name):
        log.append(name)
        return Base if name == "__class__" else object.__getattribute__(self, name)


def checks(x, t):
    return isinstance(x, t), isinstance(x, (int, t)), not isinstance(x, str)


for t in (int, str, Base, Derived, Checked, (int, str), (int, (str, Base)), (), object, type, 5, (int, 5), (5, int)):
    table(checks, *[(x, t) for x in (1, True, "s", Base(), Derived(), Liar(), Dynamic(), int, None)])
say(log[40:80])


def rebound(n):
    """A module's function is replaced in the middle of a loop, and put back."""
    result = []
    for i in range(n):
        if i == n // 3:
            math.sqrt = lambda x: "replaced"
        if i == 2 * n // 3:
            math.sqrt = original
        result.append(math.sqrt(4.0))
    return result


def shadowed(n):
    result = []
    for i in range(n):
        if i == n // 2:
            builtins.abs = lambda x: "replaced"
        result.append(abs(-i))
    builtins.abs = original_abs
    return result


original, original_abs = math.sqrt, abs
for _ in range(4):
    say(rebound(30))
    say(shadowed(30))


class Module(type(sys)):
    @property
    def sqrt(self):
        return lambda x: "a property's"


def module_class(n):
    result = []
    for i in range(n):
        if i == n // 2:
            try:
                math.__class__ = Module
            except TypeError as error:
                result.append(str(error))
        result.append(math.sqrt(9.0))
    try:
        math.__class__ = type(sys)
    except TypeError:
        pass
    return result


for _ in range(3):
    say(module_class(20))


def raises_in_the_middle(values):
    done = []
    try:
        for v in values:
            done.append(math.sqrt(v))
    except (ValueError, TypeError, OverflowError) as error:
        return done, str(error)
    return done


table(raises_in_the_middle, ([4.0, 9.0, -1.0, 16.0],), ([4.0, "x"],), ([4.0, 10**400],), ([1, 2, 3],))


def texts_of(t, n):
    return [t.upper(), t.strip(), t.split(), t.split(","), t.replace("a", "b"), t.find("b"), t.startswith("a"),
            t.startswith(("x", "a")), t.endswith("c"), ",".join([t, t]), ",".join((t,)), t.encode(), t.count("a"),
            t.isdigit(), t.partition("b"), t.rjust(8), "{}:{!r}".format(t, n), str(n), bool(n), int(str(n)),
            t.lower() is t, t.strip() is t]


table(texts_of, ("abc", 5), (" a,b c ", 0), ("é€", -1), ("", 10**20), ("123", 7))


class Text(str):
    def upper(self):
        return "Text.upper"

    def __str__(self):
        log.append("Text.str")
        return "Text.str"


class Spec:
    def __format__(self, spec):
        return f"<{spec}>"

    def __str__(self):
        return "Spec.str"

    def __repr__(self):
        return "Spec.repr"


def unusual(t, x):
    return [t.upper(), t.lower(), t.join(["1", t]), str(x), f"{t}{x}", "{:>3} {}".format(x, t)]


table(unusual, ("abc", 1), (Text("abc"), 1), ("abc", Spec()), (Text("x"), Text("y")), ("a", 1.5), ("a", True))


def errors(t, x):
    return t.split(x), t.join(x), t.replace(x, x)


table(errors, ("abc", "b"), ("abc", 5), ("abc", ""), ("abc", None), ("abc", ["a", 1]), ("abc", ["a", Text("q")]))


def joined(parts):
    return "-".join(parts)


table(joined, (["a", "b"],), (("a",),), ({"a": 1},), ("abc",), ((c for c in "ab"),), ([],), ([1],), ({"k"},))


def ranges(n):
    total = 0
    for i in range(n):
        for j in range(i, n, 2):
            total += j
        for k in list(range(2)):
            total += k
    return total, list(range(3)), tuple([1, 2]), list((1, 2)), list("ab"), list({1: 2})


table(ranges, (5,), (12,), (0,))
table(ranges, ("x",), (1.5,), (Int(3),), (Number(3),))

N, F = int("1000001"), float("1.25")
show(f"references {refcheck(smaller, *[]) if False else [refcheck(lambda f=f: f(N, F), N, F) for f in (smaller, larger)]}")
say([refcheck(lambda: absolute(N), N), refcheck(lambda: whole(F), F), refcheck(lambda: texts_of("abc", N), N)])
