# SPDX-License-Identifier: MIT
"""Stores to globals and names of modules and classes, what was compiled for their values, what the old ones do when
they go; and items of what is derived from list and tuple."""

import sys
from collections import namedtuple

from support import attempt, refcheck, say, show, table

WARM = 60
counter = 0
limit = 10
text = "module"


def count(times):
    global counter
    for i in range(times):
        counter = counter + i
    return counter


def below_limit(value):
    return value < limit, text, len(text)


def set_limit(value):
    global limit
    limit = value


def rebind_while_used(values):
    results = []
    for value in values:
        set_limit(value)
        results.append(below_limit(5))
    return results


def shadow_builtin():
    global len
    seen = below_limit(1)[2]
    len = lambda thing: "shadowed"
    hidden = below_limit(1)[2]
    del len
    return seen, hidden, below_limit(1)[2]


for _ in range(WARM):
    counter = 0
    count(10)
say(count(1000))
for _ in range(WARM):
    below_limit(3)
say(rebind_while_used([3, 7, 7, 10**30, -1, 3.5]))
say([rebind_while_used([i, i + 1]) for i in range(4, WARM)][-1])
say([shadow_builtin() for _ in range(WARM)][-1])


# What goes


class Ends:
    seen = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Ends.seen.append((self.name, held.name if isinstance(held, Ends) else held, sys.getrefcount(held) > 1))


class StoresAgain:
    def __del__(self):
        global held
        held = "stored by the end"


class Raises:
    def __del__(self):
        raise ValueError("end")


held = None


def hold(value):
    global held
    held = value
    return held is value


def hold_new(names):
    for name in names:
        hold(Ends(name))
    return len(Ends.seen)


def hold_local(names):
    global held
    for name in names:
        local = Ends(name)
        held = local
    del local
    return len(Ends.seen)


def references_of(value):
    global held
    held = value
    first = sys.getrefcount(value)
    held = value
    second = sys.getrefcount(value)
    held = None
    return second - first, first - sys.getrefcount(value)


hook, sys.unraisablehook = sys.unraisablehook, lambda error: Ends.seen.append(repr(error.exc_value))
for _ in range(WARM):
    hold_new("ab")
    hold_local("cd")
say(Ends.seen[-5:])
Ends.seen.clear()
for make in [StoresAgain, int, Raises, str, StoresAgain, list, StoresAgain, Raises, Raises, int]:
    say(hold(make()))
    show(f"{held!r} {Ends.seen}")
sys.unraisablehook = hook
for _ in range(WARM):
    references_of(text)
say((references_of(text), references_of([])))
refcheck(lambda: hold(text), text)
refcheck(lambda: hold_new("x"), blocks=False)
held = None

# Names of a module and of a class

loop = 0
for loop in range(3 * WARM):
    named = loop * 2
    text = "even" if loop % 2 else "odd"
    if loop == 2 * WARM:
        del named
        fresh = "new name"
say((loop, named, text, fresh, below_limit(5)))


def make_class(times):
    class Body:
        total = 0
        for i in range(times):
            total = total + i
            last = [i]

    return Body.total, Body.i, Body.last


say([make_class(WARM) for _ in range(WARM)][-1])

# Other namespaces


class Recording(dict):
    def __setitem__(self, key, value):
        dict.__setitem__(self, key, ("recorded", value))


SOURCE = """
value = 0
for i in range(100):
    value = i
    other = value
def store(x):
    global value
    value = x
    return value
results = [store(i) for i in range(100)][-1]
"""


def run_in(namespace, local=None):
    exec(SOURCE, namespace, local)
    return sorted((key, item) for key, item in namespace.items() if key in ("value", "other", "i", "results"))


for _ in range(4):
    say(attempt(run_in, {}))
    say(attempt(run_in, {1: 2, None: 3, b"value": 4}))
    say(attempt(run_in, {}, Recording()))
    say(attempt(run_in, {"value": 1, ("a", 1): 2}, {}))
    say(sorted(key for key in vars(type("Local", (), {})) if key == "value"))

# Items

Pair = namedtuple("Pair", "first second")


class Numbers(list):
    pass


class Shifted(tuple):
    def __getitem__(self, index):
        return "shifted", index, tuple.__getitem__(self, 0)


class Missing(list):
    def __missing__(self, index):
        return "missing", index


class Index:
    def __index__(self):
        return 1


def item(sequence, index):
    return sequence[index]


SEQUENCES = [Pair(1, "b"), Numbers([1, [2], 3]), Shifted("ab"), Missing([0]), Numbers(), (1, 2), [3]]
for sequence in SEQUENCES:
    for index in [0, 1, -1, -2, 2, -3, 10**30, True, Index(), None, "a", slice(0, 1), 1.0]:
        for _ in range(3):
            attempt(item, sequence, index)
        table(item, (sequence, index))
later = Numbers([5])
say([item(later, 0) for _ in range(WARM)][-1])
Numbers.__getitem__ = lambda self, index: "replaced"
say([item(later, 0) for _ in range(WARM)][-1])
del Numbers.__getitem__
say([item(later, 0) for _ in range(WARM)][-1])
content = Pair([], {})
refcheck(lambda: (item(content, 0), item(content, -1), attempt(item, content, 2)), content, content[0], content[1])
