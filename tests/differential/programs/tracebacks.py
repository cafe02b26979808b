# SPDX-License-Identifier: MIT
import sys
import traceback


def lines_of(function, *args):
    """Line numbers and columns of every frame of the traceback, relative to this file."""
    try:
        function(*args)
    except BaseException as error:
        out = []
        for frame, line in traceback.walk_tb(error.__traceback__):
            out.append((frame.f_code.co_name, line))
        summary = traceback.TracebackException.from_exception(error)
        return out[1:], [(f.lineno, f.end_lineno, f.colno, f.end_colno) for f in summary.stack][1:], str(error)


def multi(x):
    a = 1
    b = (
        a
        + x
        + len(
            x,
        )
    )
    return b


def loop(n):
    total = 0
    for i in range(n):
        total += i
        if i == 7:
            total = (total /
                     (i - 7))
    return total


def call_chain(n):
    if n:
        return call_chain(
            n - 1
        )
    return undefined_name


def attribute(x):
    y = x
    return (y
            .real
            .imag
            .nothing)


def subscript(x, i):
    return x[i][
        i + 1
    ]


def with_handler(x):
    try:
        return 1 / x
    except ZeroDivisionError:
        return x["key"]


def in_comprehension(items):
    return [
        item / 2
        for item in items
        if item != 3 or item.bad
    ]


def in_generator(items):
    def gen():
        for item in items:
            yield 1 // item

    return sum(
        gen()
    )


def in_lambda(x):
    return (lambda y:
            y + x)("a")


def unpack(x):
    (a,
     b) = x
    return a


def comparison(x):
    return (1
            < x
            < None)


def store(x):
    x.attribute = 1


def store_item(x):
    x[
        0
    ] = 1


def delete(x):
    del x[0]


def binary_inplace(x):
    x += \
        "a"
    return x


def import_missing():
    import no_such_module_here
    return no_such_module_here


def from_missing():
    from sys import (
        path,
        no_such_name,
    )
    return path, no_such_name


def assertion(x):
    assert x, (
        "message"
    )


def unary(x):
    return -x


def iterate(x):
    for _ in x:
        pass


def context(x):
    with x:
        pass


def raising_with():
    class M:
        def __enter__(self):
            return self

        def __exit__(self, *a):
            raise KeyError("exit")

    with M():
        raise ValueError("body")


for function, rows in (
    (multi, [(1,), ("a",)]),
    (loop, [(20,)]),
    (call_chain, [(3,)]),
    (attribute, [(1,)]),
    (subscript, [([[1]], 0), (5, 0), ({}, 1)]),
    (with_handler, [(0,)]),
    (in_comprehension, [([1, 2, 3],)]),
    (in_generator, [([1, 0],)]),
    (in_lambda, [(1,)]),
    (unpack, [((1,),)]),
    (comparison, [(2,)]),
    (store, [(1,)]),
    (store_item, [((),)]),
    (delete, [((),)]),
    (binary_inplace, [(1,)]),
    (import_missing, [()]),
    (from_missing, [()]),
    (assertion, [(0,)]),
    (unary, [("a",)]),
    (iterate, [(5,)]),
    (context, [(5,)]),
    (raising_with, [()]),
):
    for row in rows:
        answers = [lines_of(function, *row) for _ in range(5)]
        print(function.__name__, row, answers[0], "same" if all(a == answers[0] for a in answers) else answers)


def where():
    frame = sys._getframe(1)
    return frame.f_lineno, frame.f_code.co_name, sorted(frame.f_locals)


def caller(n):
    out = [where()]
    x = 1
    for i in range(n):
        out.append(
            where()
        )
    y = [where(),
         where()]
    return out, y, x


for n in (0, 3, 3, 3):
    print(caller(n))


def stack():
    return [(f.name, f.lineno) for f in traceback.extract_stack()]


def stacked(n):
    return stack() if n == 0 else stacked(n - 1)


for n in (0, 1, 5, 5, 5):
    print(stacked(n))


def uncaught(n):
    values = [1, 2, 3]
    for i in range(n):
        values[i] += 1
    return values


for n in (1, 2, 3, 3, 3):
    uncaught(n)
uncaught(9)  # ends the program with a traceback
