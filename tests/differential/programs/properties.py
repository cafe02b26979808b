# SPDX-License-Identifier: MIT
"""Properties whose functions are compiled into the code that uses them, and all that can happen to them."""

import sys

from support import attempt, refcheck, say, table

ROUNDS = 6


class Account:
    def __init__(self, cents):
        self._cents = cents
        self.changes = 0

    @property
    def cents(self):
        return self._cents

    @cents.setter
    def cents(self, value):
        self._cents = value

    @property
    def euros(self):
        return self.cents / 100

    @euros.setter
    def euros(self, value):
        self.cents = value * 100

    @property
    def sign(self):
        if self._cents < 0:
            return "debt"
        return "credit" if self._cents else None

    @property
    def broken(self):
        return self._cents.missing

    @property
    def fallible(self):
        return 100 // self._cents

    @property
    def read_only(self):
        return 1

    write_only = property(None, lambda self, value: setattr(self, "changes", value))


class Slotted:
    __slots__ = ("_x",)

    def __init__(self, x):
        self._x = x

    @property
    def x(self):
        return self._x

    @x.setter
    def x(self, value):
        self._x = value


class Other:
    cents = 7


class Derived(Account):
    @property
    def cents(self):
        return -Account.cents.fget(self)

    @cents.setter
    def cents(self, value):
        self._cents = -value


class Hiding(Account):
    def __getattr__(self, name):
        return "from __getattr__ " + name


def total(account, n):
    result = 0
    for _ in range(n):
        result += account.cents
    return result


def change(account, n):
    for i in range(n):
        account.cents = i
        account.cents += 2
    return account.cents, account._cents


def nested(account, n):
    result = 0
    for i in range(n):
        account.euros = i
        result += account.euros
    return result, account.cents


def signs(accounts, n):
    return [accounts[i % len(accounts)].sign for i in range(n)][-4:]


def slotted(n):
    item = Slotted(0)
    for i in range(n):
        item.x = item.x + i
    return item.x


table(total, (Account(3), 300), (Account(2.5), 300), (Derived(3), 300), (Other(), 300), (Account("x"), 3), rounds=ROUNDS)
table(change, (Account(3), 300), (Derived(3), 300), (Other(), 300), rounds=ROUNDS)
table(nested, (Account(3), 300), (Derived(3), 300), rounds=ROUNDS)
table(signs, ([Account(1), Account(-1), Account(0)], 300), ([Account(1), Derived(1)], 300), rounds=ROUNDS)
table(slotted, (300,), rounds=ROUNDS)


def read_broken(account, n):
    found = []
    for i in range(n):
        try:
            found.append(account.broken)
        except AttributeError as error:
            trace = error.__traceback__
            found.append((trace.tb_frame.f_code.co_name, trace.tb_next.tb_frame.f_code.co_name, str(error)))
    return found[0], found[-1]


def divide(accounts, n):
    found = 0
    for i in range(n):
        try:
            found += accounts[i % len(accounts)].fallible
        except ZeroDivisionError:
            found += 1000
    return found


def refuse(account, n):
    log = []
    for i in range(n):
        log.append(attempt(setattr, account, "read_only", i))
        try:
            account.read_only = i
        except AttributeError as error:
            log.append(str(error))
        account.write_only = i
        try:
            account.write_only
        except AttributeError as error:
            log.append(str(error))
    return log[-3:], account.changes


table(read_broken, (Account(1), 200), (Hiding(1), 200), rounds=ROUNDS)
table(divide, ([Account(7)], 300), ([Account(7), Account(0)], 300), rounds=ROUNDS)
table(refuse, (Account(1), 200), rounds=ROUNDS)


def by_instance(n):
    """A property comes before what the instance has under that name."""
    account = Account(5)
    account.__dict__["cents"] = "hidden"
    return total(account, n), account.__dict__.pop("cents")


table(by_instance, (300,), rounds=ROUNDS)


def changing_class(n):
    class Local:
        def __init__(self):
            self.a = 1

        @property
        def value(self):
            return self.a

    def use(item):
        result = 0
        for _ in range(n):
            result += item.value
        return result

    item = Local()
    log = [use(item) for _ in range(4)]
    Local.value = property(lambda self: self.a + 1)
    log.append(use(item))
    Local.value.__init__(lambda self: self.a + 10)
    log.append(use(item))
    Local.__dict__["value"].fget.__code__ = (lambda self: self.a + 100).__code__
    log.append(use(item))
    Local.value = 5
    log.append(use(item))
    del Local.value
    Local.__getattr__ = lambda self, name: 6
    log.append(use(item))
    return log


for _ in range(3):
    say(changing_class(200))


class Watched:
    """Its getter is watched from outside once."""

    def __init__(self):
        self.a = 1

    @property
    def value(self):
        return self.a


def watched(item, n):
    result = 0
    for _ in range(n):
        result += item.value
    return result


for _ in range(4):
    say(watched(Watched(), 300))
calls = []
sys.setprofile(lambda frame, event, argument: calls.append((event, frame.f_code.co_name)))
watched(Watched(), 3)
sys.setprofile(None)
say(calls[:12])
say(watched(Watched(), 300))


class Ending:
    def __init__(self, item):
        self._item = item

    @property
    def item(self):
        return self._item

    @item.setter
    def item(self, value):
        self._item = value

    def __del__(self):
        print("end", type(self._item).__name__)


def ends(n):
    holder = Ending(None)
    for i in range(n):
        holder.item = Ending(i) if i % 50 == 0 else i
        holder.item
        Ending(i).item if i % 60 == 0 else None
    return holder.item


for _ in range(3):
    say(ends(200))

shared = object()
account = Account(shared)


def load():
    return account.cents


def store():
    account.cents = shared
    account.cents = account.cents


refcheck(load, shared, account)
refcheck(store, shared, account)
