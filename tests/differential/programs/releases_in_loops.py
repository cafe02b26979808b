# SPDX-License-Identifier: MIT
"""Objects that die in numeric loops, and what their __del__ and their weak references' callbacks see of the frame there:
numbers that native code keeps in registers, and the line."""

import sys
import weakref

from support import refcheck, table

log = []
watched = []


class Watcher:
    """Looks at the frame in which it dies."""

    names = ("i", "total", "x", "flag", "text", "a", "b")

    def __init__(self, tag):
        self.tag = tag

    def __del__(self):
        frame = sys._getframe(1)
        seen = {name: value for name, value in frame.f_locals.items() if name in self.names}
        same = "a" in seen and "b" in seen and seen["a"] is seen["b"]
        log.append((self.tag, frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, seen, same))


class Plain:
    pass


def taken():
    out = log[-3:] + [len(log)]
    log.clear()
    return out


def replaced(n):
    total = 0
    x = 0.5
    kept = None
    for i in range(n):
        total += i * 3
        x = x * 1.5 + i
        flag = total % 2 == 0
        kept = objects[i % 5]
        x -= 0.25
        total -= 1
        kept = made(i)
        total += 2
    kept = None
    return total, x, flag, taken()


def made(i):
    return Watcher(i) if i % 4 == 0 else None


objects = [1, "two", (3,), [4], {5}]


def from_lists(pairs, n):
    total, x = 0, 1.0
    for _ in range(n):
        i = 0
        for a, item in pairs:
            b = a
            total += i
            x += total * 0.5
            i += 1
            item = None
            x = -x
    return total, x


def emptied(items):
    total = 0
    x = 2.0
    i = 0
    while items:
        last = items.pop()
        total += i
        x = x / 1.25
        last = i
        i += 2
    return total, x, taken()


def two_names(items):
    a = b = 0.0
    i = 0
    for item in items:
        a = a + 1.5
        b = a
        i += 1
        if i % 3 == 0:
            items[i - 1] = None
            item = i
            b = b * 2.0
    return a, b, i, taken()


def on_edges(items, limit):
    total = 0
    x = 1.0
    i = -1
    last = None
    for item in items:
        i += 1
        total += i
        if i % 2:
            last = item
            continue
        x = x * 0.5
        if total > limit:
            break
    else:
        x = 99.0
    item = last = None
    return total, x, taken()


def told(reference):
    frame = sys._getframe(1)
    log.append((frame.f_lineno - frame.f_code.co_firstlineno, frame.f_locals.get("total"), frame.f_locals.get("x")))


def weak(n):
    total, x = 0, 0.0
    for i in range(n):
        total += i
        x += 0.5
        item = plain[i]
        plain[i] = None
        total += 1
        item = total
        x += item
    return total, x, taken()


class Chain:
    def __init__(self, next):
        self.next = next
        self.watcher = Watcher(0)


def chain(n):
    head = None
    for _ in range(n):
        head = Chain(head)
    return head


def walks(head):
    total = 0
    x = 0.0
    while head is not None:
        total += 1
        x = x * 0.5 + total
        head = head.next
    return total, x, taken()


def returns(items):
    total = 0
    for item in items:
        total += 7
    items.clear()
    total += 1
    item = None
    return total


class Raises:
    def __del__(self):
        total = sys._getframe(1).f_locals["total"]
        raise ValueError(total)


def hook(unraisable):
    log.append(repr(unraisable.exc_value))


def raising(n):
    total = 0
    for i in range(n):
        total += i
        item = thing(i)
        total *= 2
        total %= 1000
    return total, taken()


def thing(i):
    return Raises() if i % 3 == 0 else i


def big_numbers(n):
    total = 2**61
    x = 1e300
    for i in range(n):
        total += 2**59
        x *= 1e3
        item = made(i)
        item = i
    return total, x, taken()


table(replaced, (3,), (40,), (41,))
table(lambda n: from_lists([(1.5, [2]), (2.5, Watcher(1))], n), (1,), (20,))
table(lambda n: emptied([Watcher(k) for k in range(n)]), (1,), (9,), (30,))
table(lambda n: two_names([Watcher(k) for k in range(n)]), (2,), (10,), (30,))
table(lambda n, limit: on_edges([Watcher(k) for k in range(n)], limit), (5, 100), (20, 60), (20, 1000))
for _ in range(4):
    plain = [Plain() for _ in range(30)]
    references = [weakref.ref(item, told) for item in plain]
    print(weak(30))
table(lambda n: walks(chain(n)), (1,), (5,), (30,))
table(lambda n: returns([Watcher(k) for k in range(n)]), (3,), (20,))
print(taken())
sys.unraisablehook = hook
table(raising, (4,), (30,))
table(big_numbers, (3,), (20,))
refcheck(lambda: (replaced(20), log.clear()))
