# SPDX-License-Identifier: MIT
"""Deep stacks and many live values at calls, exits and exceptions."""

from support import refcheck, table


def deep_expression(a, b, c, d):
    return (a + (b * (c - (d + (a * (b - (c + (d * (a - (b + c * (d - a))))))))))) + [a, b, (c, d, {a: b, c: (d, [a, b + c])})][3 - 3]


def many_locals(n):
    a = b = c = d = e = f = g = h = 0
    i, j, k, l = 1.5, 2.5, "s", [0]
    for m in range(n):
        a += m
        b = b + a & 1023
        c ^= b
        d = c - d
        e = e + i
        f = f * 0.5 + e
        g, h = h + 1, g
        i = i + j
        l[0] += a
        k = k + "x" if m < 3 else k
    return a, b, c, d, e, f, g, h, i, j, k, l


def argument_order(log):
    def mark(x):
        log.append(x)
        return x

    result = f(mark(1), *[mark(2), mark(3)], mark(4), key=mark(5), **{"other": mark(6)})
    d = {mark("k1"): mark("v1"), mark("k2"): mark("v2")}
    x = mark([1, 2])
    x[mark(0)] = mark(9)
    mark(1) < mark(2) < mark(0) < mark(99)
    a = [mark(i) for i in (mark(j) for j in range(2))]
    return result, d, x, a, log


def f(*args, **kw):
    return args, kw


def exception_in_middle(k):
    values = [1, 2.5, "three", [4]]
    out = [values[0], values[1] * 2, (values[2], values[3], {"deep": [1, 2, values[k] + values[k % 2]]})]
    return out


def conditional_stack(a, b):
    return [a if a else b, b and a, (a or b, a if b else (b if a else None))], f(a and 1, b or 2, *(a, b) if a else (b,))


def long_ands(*xs):
    a, b, c = xs
    return a and b and c or (not a and not b) or (a, b, c)


table(deep_expression, (1, 2, 3, 4), (1.5, 2, 3.5, 4), (2**40, 2**30, 3, 5), (1, "a", 2, 3), (True, 2, False, 3))
table(many_locals, (0,), (1,), (5,), (100,), (1000,))
table(lambda: argument_order([]), ())
table(exception_in_middle, (0,), (1,), (2,), (3,), (9,))
table(conditional_stack, (0, 0), (1, 0), (0, 1), ("a", [1]))
table(long_ands, (1, 2, 3), (0, 0, 1), (1, 0, 1), ("", "x", None))


# EXTENDED_ARG: more than 256 constants and names, and jumps of more than 255 instructions.
source = "def very_long(x):\n    total = 0\n    for step in range(2):\n        if x > 1:\n"
for number in range(300):
    source += f"            v{number} = total + {number + 1000}\n            total = v{number} % 1000003 + x * {number}.5\n"
source += "        else:\n            total -= step\n    return total, len(locals())\n"
namespace = {}
exec(source, namespace)
table(namespace["very_long"], (2,), (0,), (1.5,), (2**64,))
OBJ = object()


def leak():
    a, b, c = OBJ, (OBJ,), [OBJ]
    try:
        return [a, b, (c, {"k": [a, b[0], c[0], b[1]]})]
    except IndexError:
        return f(a, *b, *c, key=a)


refcheck(leak, OBJ)
