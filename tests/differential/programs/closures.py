# SPDX-License-Identifier: MIT
from support import refcheck, table


def counter(start):
    n = start

    def add(step):
        nonlocal n
        n += step
        return n

    def get():
        return n

    def forget():
        nonlocal n
        del n

    return add, get, forget


def use_counter(start, steps):
    add, get, forget = counter(start)
    for step in steps:
        add(step)
    result = get()
    forget()
    try:
        get()
    except NameError as error:
        return result, str(error)


table(use_counter, (0, [1, 2, 3]), (0.5, [1, 2]), ("a", ["b"]), (2**62, [2**62, 1]), (1, ["x"]))


def late_binding():
    return [f() for f in [lambda: i for i in range(4)]], [f() for f in [lambda i=i: i for i in range(4)]]


def unbound_cell(flag):
    def inner():
        return x

    if flag:
        x = 1
    return inner()


def del_cell():
    x = [1]
    f = lambda: x
    del x
    try:
        f()
    except NameError as error:
        print(type(error).__name__, error)
    x = 2
    return f()


def argument_cell(a, b=5, *args, **kw):
    def inner():
        nonlocal a
        a = (a, b, args, kw)
        return a

    inner()
    return a


def deep(x):
    def one():
        def two():
            def three():
                nonlocal x
                x += 1
                return x

            return three

        return two

    return one()()(), x


def class_cell(x):
    class C:
        y = x
        x = "class"

        def get(self):
            return x, __class__.__name__, self.y

    return C().get(), C.x


def loop_cells(n):
    functions = []
    for i in range(n):
        j = i * 2

        def f(k=i):
            return i, j, k

        functions.append(f)
    return [f() for f in functions]


def recursive_closure(n):
    def fib(k):
        return k if k < 2 else fib(k - 1) + fib(k - 2)

    return fib(n)


def comprehension_cells(items):
    return [[(lambda: (x, y))() for y in items] for x in items], {k: (lambda: k + 1)() for k in items}


table(late_binding, ())
table(unbound_cell, (True,), (False,))
table(del_cell, (), rounds=2)
table(argument_cell, (1,), (1, 2, 3), ("a",))
table(deep, (1,), (2.5,), ("s",))
table(class_cell, (1,), ("q",))
table(loop_cells, (0,), (4,))
table(recursive_closure, (10,))
table(comprehension_cells, ([1, 2],))


def decorator(name):
    def wrap(f):
        count = 0

        def inner(*args, **kw):
            nonlocal count
            count += 1
            return name, count, f(*args, **kw)

        inner.__name__ = f.__name__
        return inner

    return wrap


@decorator("outer")
@decorator("inner")
def decorated(a, b=2):
    return a + b


print([decorated(i) for i in range(5)], decorated(1, b=0.5))


def cells_of(f):
    return [c.cell_contents for c in f.__closure__ or ()], f.__code__.co_freevars


table(lambda: cells_of(counter(5)[0]), ())


def late_global():
    return defined_later + 1


try:
    late_global()
except NameError as error:
    print(error)
defined_later = 1
print(late_global())
defined_later = 2.5
print(late_global())
del defined_later
try:
    late_global()
except NameError as error:
    print(error)


def assign_global(n):
    global total
    total = 0
    for i in range(n):
        total += i
    return total


table(assign_global, (0,), (10,))
print(total)
OBJ = object()


def leak():
    x = OBJ

    def f(y=OBJ):
        nonlocal x
        z = x
        x = y
        return lambda: (x, y, z)

    f()()
    add, get, forget = counter(0)
    add(1)
    forget()
    return f()


refcheck(leak, OBJ)
