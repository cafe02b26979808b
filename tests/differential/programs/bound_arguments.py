# SPDX-License-Identifier: MIT
"""Calls of compiled functions whose arguments have to be put in their places: defaults, names, and what is wrong."""

import sys


class Noisy:
    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Noisy.log.append(self.name)


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
    find.__code__ = three.__code__
    print(find(1, 2, 3), find(4, c=5, b=6))


main()
