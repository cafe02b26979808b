# SPDX-License-Identifier: MIT
"""Calls of compiled functions whose arguments have to be put in their places: defaults, names, and what is wrong."""

import sys

from support import Noisy


class Default:
    pass


SHARED = Default()


def three(a, b=SHARED, c=3):
    return a, b is SHARED, c


def positional_only(a, b=2, /, c=3, *, d=4):
    return a, b, c, d


def only_before(a, b=2, /, c=3):
    return a, b, c


def captured(a, b=2, c=3):
    def inner():
        return a, b, c

    return inner()


def many(a, b, c, d=4, e=5, f=6, g=7, h=8, i=9, j=10, k=11, l=12, m=13, n=14, o=15, p=16, q=17):
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q


def rest(a, *others, b=SHARED, **named):
    return a, others, b is SHARED, named


def only_named(*, first, second=2, third=SHARED):
    return first, second, third is SHARED


def before_named(a, /, **named):
    return a, named


def filled(*items, **named):
    named["more"] = len(items)
    return named


def lazy(a, *others, b=2, **named):
    yield a, others
    yield b, named


def captured_rest(*others, **named):
    return lambda: (others, named)


class Name(str):
    """Equal to what it looks like, and says so."""

    def __eq__(self, other):
        Noisy.log.append(f"== {other}")
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def forget_rest(*others, **named):
    first = sys.getrefcount(others[0]), sys.getrefcount(named["x"])
    del others
    Noisy.log.append("behind del others")
    named.clear()
    Noisy.log.append("behind clear")
    return first


def forget(x, y=None):
    del x
    Noisy.log.append("behind del x")
    return y


def find(node, depth=0, update=False):
    return (depth, update) if node == 0 else find(node - 1, depth + 1, update=not update)


class Account:
    def __init__(self, owner, amount=0, currency="EUR"):
        self.state = owner, amount, currency

    def add(self, amount, times=1):
        return self.state[1] + amount * times


def counts():
    before = sys.getrefcount(SHARED), sys.getrefcount(three)
    for _ in range(10):
        three(1), three(1, c=2), three(c=1, a=2), three(1, 2)
        rest(SHARED), rest(1, SHARED), rest(1, c=SHARED), only_named(first=SHARED), list(lazy(SHARED, SHARED, d=SHARED))
    return sys.getrefcount(SHARED) - before[0], sys.getrefcount(three) - before[1]


def wrong(call, *args, **named):
    try:
        return call(*args, **named)
    except TypeError as error:
        return str(error)


def mistakes():
    found = []
    for call in (
        lambda: three(),
        lambda: three(b=1),
        lambda: three(1, a=2),
        lambda: three(1, 2, 3, 4),
        lambda: three(1, z=2),
        lambda: only_before(a=1),
        lambda: only_before(1, b=2),
        lambda: positional_only(1, 2, 3, 4),
        lambda: rest(),
        lambda: rest(1, a=2),
        lambda: rest(b=2, c=3),
        lambda: only_named(),
        lambda: only_named(1),
        lambda: only_named(first=1, fourth=4),
        lambda: only_named(first=1, **{Name("sec"): 4}),
        lambda: before_named(a=1),
    ):
        found.append(wrong(call))
    return found


def rounds():
    account = Account("x", currency="USD")
    result = [three(1), three(1, 2), three(1, c=5), three(c=1, a=2), three(b=SHARED, a=0)]
    result += [only_before(1), only_before(1, c=4), only_before(1, 5), captured(1), captured(1, c=0), captured(c=0, a=9)]
    result += [positional_only(1), positional_only(1, d=0), positional_only(1, 7, c=8)]
    result += [many(1, 2, 3), many(1, 2, 3, q=0), find(5), find(3, update=True)]
    result += [account.add(2), account.add(2, 3), account.add(times=2, amount=1), account.state]
    result += [Account("y").state, Account(amount=2, owner="z").state]
    result += [rest(1), rest(1, 2), rest(1, 2, 3, b=4), rest(1, c=5), rest(d=1, a=2, b=SHARED, e=3), rest(1, 2, z=1, y=2)]
    result += [only_named(first=1), only_named(third=1, first=2), only_named(first=3, second=4, third=SHARED)]
    result += [before_named(1), before_named(1, a=2), before_named(1, b=2, a=3), filled(), filled(1, 2, x=1), filled()]
    result += [list(lazy(1)), list(lazy(1, 2, b=3, c=4)), list(lazy(c=4, a=1)), captured_rest(1, 2)(), captured_rest(a=1)()]
    result += [rest(1)[1] is rest(2)[1], rest(1)[3] is rest(1)[3], rest(1, **{Name("b"): 2}), rest(1, **{Name("c"): 2})]
    result.append(forget_rest(Noisy("p"), Noisy("q"), x=Noisy("r"), y=Noisy("s")))
    forget(Noisy("a"))
    forget(Noisy("b"), y=1)
    forget(y=Noisy("c"), x=Noisy("d"))
    result += Noisy.log
    Noisy.log.clear()
    return result


def computed_name(n):
    name = "".join(["upd", "ate"])
    return find(n, **{name: True})


def main():
    for _ in range(40):
        result = rounds()
    print(result)
    print(mistakes())
    print(counts(), computed_name(2))
    three.__defaults__ = (8, 9)
    print(three(1), three(1, c=2))
    three.__defaults__ = (0, 7, 8, 9)
    print(three(), three(c=1), three(1))
    three.__defaults__ = None
    print(wrong(lambda: three(1)), three(1, 2, 3), three(c=1, b=2, a=3))
    only_named.__kwdefaults__ = {"first": 1, "second": 2}
    print(only_named(third=3), wrong(only_named))
    only_named.__kwdefaults__ = {Name("second"): 5, 7: 8, "third": 9}
    print(only_named(first=1), wrong(only_named), Noisy.log)
    only_named.__kwdefaults__ = None
    print(wrong(lambda: only_named(first=1)), only_named(first=1, second=2, third=3))
    find.__code__ = three.__code__
    print(find(1, 2, 3), find(4, c=5, b=6))


main()
