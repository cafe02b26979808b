# SPDX-License-Identifier: MIT
"""When objects die: __del__ order, weak references, temporaries, overwritten locals, resurrected objects."""

import gc
import weakref

from support import refcheck, table

log = []


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append(self.name)

    def __add__(self, other):
        return Noisy(f"({self.name}+{other.name})")

    def __iter__(self):
        return iter([Noisy(self.name + "0"), Noisy(self.name + "1")])

    def method(self, x=None):
        log.append(f"method {self.name}")
        return x

    def __enter__(self):
        return Noisy(self.name + ".enter")

    def __exit__(self, *args):
        log.append(f"exit {self.name}")

    def __call__(self, *args):
        return len(args)

    def __getitem__(self, key):
        return Noisy(f"{self.name}[{key}]")


def taken():
    out = list(log)
    log.clear()
    return out


def overwritten():
    x = Noisy("a")
    log.append("1")
    x = Noisy("b")
    log.append("2")
    x = None
    log.append("3")
    y = z = Noisy("c")
    del y
    log.append("4")
    del z
    log.append("5")


def temporaries():
    Noisy("t1")
    log.append("1")
    Noisy("t2").method(Noisy("arg"))
    log.append("2")
    (Noisy("x") + Noisy("y")).name
    log.append("3")
    [Noisy("l1"), Noisy("l2")]
    log.append("4")
    Noisy("sub")[1]
    log.append("5")
    Noisy("call")(Noisy("c1"), Noisy("c2"))
    log.append("6")


def loops(n):
    for i in range(n):
        x = Noisy(i)
        if i % 2:
            continue
        y = Noisy(i + 100)
    log.append("end")


def iterating():
    for x in Noisy("it"):
        log.append(x.name)
    log.append("after")
    a, b = Noisy("un")
    log.append("unpacked")


def at_return():
    a, b, c = Noisy("a"), Noisy("b"), Noisy("c")
    log.append("return")
    return b


def with_block():
    with Noisy("w") as w:
        log.append("body")
    log.append("after")
    del w
    with Noisy("v"):
        log.append("body2")
    log.append("after2")


def in_exception():
    try:
        x = Noisy("local")
        [Noisy("stack"), x.missing]
    except AttributeError as e:
        log.append("caught")
        del e
    log.append("end")


def raised_through():
    def inner():
        x = Noisy("inner")
        y = Noisy("inner2")
        raise KeyError

    try:
        inner()
    except KeyError:
        log.append("caught")
    log.append("end")


def attributes():
    n = Noisy("owner")
    n.child = Noisy("child")
    log.append("1")
    n.child = Noisy("child2")
    log.append("2")
    del n.child
    log.append("3")
    d = {"k": Noisy("v")}
    d["k"] = Noisy("v2")
    log.append("4")
    d.clear()
    l = [Noisy("e")]
    l[0] = None
    log.append("5")


def weak():
    x = Noisy("weak")
    r = weakref.ref(x, lambda r: log.append("callback"))
    alive = r() is x
    del x
    return alive, r() is None


def mutating_del():
    class Evil:
        def __del__(self):
            victims.append(len(victims))
            box[0] = "evil"

    victims, box = [], [None]
    for i in range(10):
        e = Evil()
        e = i
        box[0] = box[0], i
    return victims, box


def resurrect():
    saved = []

    class Phoenix:
        def __del__(self):
            saved.append(self)

    p = Phoenix()
    del p
    return len(saved)


def cycles(n):
    for i in range(n):
        a, b = Noisy(f"c{i}"), Noisy(f"d{i}")
        a.other, b.other = b, a
        del a, b
    gc.collect()
    log.sort()


def raising_del():
    import sys

    class Bad:
        def __del__(self):
            raise ValueError("in del")

    seen = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda u: seen.append(repr(u.exc_value))
    try:
        for i in range(5):
            x = Bad()
        del x
    finally:
        sys.unraisablehook = hook
    return seen


def arguments(a, b=None):
    # When the callee drops its argument is not looked at: a caller written in C would keep it alive, too.
    log.append("called")
    return b


def del_arguments():
    arguments(Noisy("p"), Noisy("q"))
    log.append("1")
    arguments(*[Noisy("r")], b=Noisy("s"))
    log.append("2")


def comparisons():
    if Noisy("cmp") == Noisy("cmp2"):
        pass
    log.append("1")
    if Noisy("truth"):
        log.append("2")
    Noisy("is") is None
    log.append("3")
    not Noisy("not")
    f"{Noisy('fmt').name}"
    log.append("4")


gc.disable()
for function, rows in (
    (overwritten, [()]),
    (temporaries, [()]),
    (loops, [(3,)]),
    (iterating, [()]),
    (at_return, [()]),
    (with_block, [()]),
    (in_exception, [()]),
    (raised_through, [()]),
    (attributes, [()]),
    (weak, [()]),
    (mutating_del, [()]),
    (resurrect, [()]),
    (cycles, [(3,)]),
    (raising_del, [()]),
    (del_arguments, [()]),
    (comparisons, [()]),
):
    for row in rows:
        for _ in range(5):
            result = function(*row)
            shown = result if isinstance(result, (int, list, tuple)) else None
            del result
            print(function.__name__, shown, taken())
gc.enable()


def leak():
    x = Noisy("x")
    y = x
    x = Noisy("z")
    log.clear()
    return [y]


refcheck(leak, Noisy)
keep_until_exit = Noisy("module level")
