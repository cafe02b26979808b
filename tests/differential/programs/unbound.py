# SPDX-License-Identifier: MIT
from support import refcheck, table


def maybe(flag):
    if flag:
        x = 1
    return x


def delete(flag):
    x = [1]
    if flag:
        del x
    return x


def delete_twice():
    x = 1
    del x
    del x


def after_loop(items):
    for last in items:
        pass
    return last


def after_except():
    try:
        raise ValueError("v")
    except ValueError as e:
        message = str(e)
    try:
        return e
    except UnboundLocalError as error:
        return message, str(error)


def swap_unbound(flag):
    if flag:
        a = 1
    b = 2
    a, b = b, a
    return a, b


def augmented():
    counter += 1
    return counter


def loop_delete(n):
    out = []
    for i in range(n):
        try:
            out.append(x)
        except UnboundLocalError:
            out.append("unbound")
        if i % 2:
            x = i
        elif i > 2:
            del x
    return out


def comprehension(flag):
    if flag:
        y = 1
    return [y for _ in range(2)]


def load_fast_pairs(flag):
    if flag:
        a = 1
    if flag > 1:
        b = 2
    return a + b


def in_with(flag):
    from contextlib import suppress

    with suppress(KeyError):
        if flag:
            raise KeyError
        z = 3
    return z


def globals_missing():
    return no_such_name


def attribute_missing(x):
    return x.no_such_attribute


for function, rows in (
    (maybe, [(True,), (False,), (1,)]),
    (delete, [(False,), (True,)]),
    (delete_twice, [()]),
    (after_loop, [([1, 2],), ([],)]),
    (after_except, [()]),
    (swap_unbound, [(True,), (False,)]),
    (augmented, [()]),
    (loop_delete, [(0,), (9,)]),
    (comprehension, [(True,), (False,)]),
    (load_fast_pairs, [(2,), (1,), (0,)]),
    (in_with, [(0,), (1,)]),
    (globals_missing, [()]),
    (attribute_missing, [(1,), (None,), ("",)]),
):
    table(function, *rows)


def f_locals_sees(flag):
    a = 1
    if flag:
        del a
    b = 2
    return sorted(locals().items())


table(f_locals_sees, (False,), (True,))
OBJ = object()


def leak():
    x = OBJ
    y = x
    del x
    x = y
    del y
    try:
        return x, y
    except UnboundLocalError:
        return x


refcheck(leak, OBJ)
