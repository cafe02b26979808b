# SPDX-License-Identifier: MIT
import datetime

from support import refcheck, table


def spec(value, width, precision):
    return f"{value:{width}.{precision}f}|{value:>{width}}|{value!r:*^{width}}"


def nested(x):
    return f"{f'{x!r:>{len(str(x)) + 2}}'!s}" f"{'{'}{x}{'}'}" + rf"\{x}" + f"{x:}" f"{{{x}}}"


def expressions(d, k):
    return f"{d[k]} {d.get(k, 'none')!r} {[i for i in range(3)]} {(lambda v: v * 2)(k)} {k if k else 'empty'} {d[k]=}"


def many(*values):
    return "".join(f"{i}:{v:>4}," if i % 2 else f"{i}:{v:<4}," for i, v in enumerate(values))


def dates(y):
    return f"{datetime.date(y, 2, 3):%Y/%m/%d} {datetime.timedelta(days=y)}"


def percent(x):
    return "%d %s %r %5.1f %x" % (x, x, x, x, x), "%(a)s" % {"a": x}, "%c" % (65 + int(x) % 26)


def methods(x):
    return "{0} {1!r:>5} {0.real} {a[0]}".format(x, "s", a=[x])


def numbers(n):
    return f"{n:,} {n:_} {n:+} {n:08} {n:#x} {n:b} {n:e}"


def debug(x):
    y = [x]
    return f"{x = } {y[0]=!s} {x+1=:>10}"


table(spec, (1.5, 10, 3), (2, 8, 0), ("a", 5, 1), (2.5, -1, 1), (1e300, 3, 1))
table(nested, (1,), ("é",), (None,), (2.5,))
table(expressions, ({1: 2}, 1), ({}, 0), ({"a": None}, "a"))
table(many, (), (1, "a", None), (1, 2.5, "x", True), ([],))
table(dates, (2024,), (0,))
table(percent, (5,), (2.5,), ("a",), (-3,))
table(methods, (1,), (2.5,), ("a",))
table(numbers, (1234567,), (0,), (-1,), (1.5,), ("a",), (2**70,))
table(debug, (1,), (0.5,), ("a",))


class Key:
    def __format__(self, spec):
        return [spec]


table(lambda: f"{Key()}", ())
OBJ = object()


def leak():
    class F:
        def __format__(self, spec):
            return spec or "empty"

    f = F()
    try:
        f"{OBJ} {f:>5} {OBJ!r} {f} {OBJ:bad}"
    except TypeError:
        pass
    return f"{f:x}{OBJ}"


refcheck(leak, OBJ)
