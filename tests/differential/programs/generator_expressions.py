# SPDX-License-Identifier: MIT
"""Generator expressions that a call takes in whole: what the loop may not do, where it fails, and what it leaves."""

import array
import builtins
import collections
import gc
import math
import sys

from support import Key, Noisy, attempt, table

INF, NAN = math.inf, math.nan


def warm(function, *rows):
    """Long enough for what calls learn from their results."""
    for row in rows:
        for _ in range(400):
            attempt(function, *row)


def show(function, *rows):
    print(function.__name__, *(attempt(function, *row) for row in rows))


# ---- what takes them in -----------------------------------------------------------------------------------------------


def total(items):
    return sum(x for x in items)


def halves(items):
    return sum(x * 0.5 for x in items)


def count_large(items):
    return sum(x > 3 for x in items)


def largest(items):
    return max(x for x in items)


def smallest(items):
    return min(x for x in items)


def any_large(items):
    return any(x > 3 for x in items)


def all_small(items):
    return all(x < 3 for x in items)


def listed(items):
    return list(x for x in items)


def tupled(items):
    return tuple(x for x in items)


def joined(items):
    return ",".join(str(x) for x in items)


def in_set(items):
    return set(x for x in items if x == x)  # the hash of a NaN is where it lies


SIMPLE = [total, halves, count_large, largest, smallest, any_large, all_small, listed, tupled, joined, in_set]
INTS = [[], [1], [3, 1, 2], list(range(20)), (5, 4), range(7), range(9, 0, -2), {1: 2, 3: 4}, {7, 8}]
FLOATS = [[], [1.5], [3.0, 1.0, 2.0], (0.1,) * 10, [-0.0], [0.0, -0.0], [-0.0, 0.0], [1e308, 1e308, -1e308]]
FLOATS += [[INF], [-INF, INF], [INF, 1.0], [NAN, 1.0], [1.0, NAN], [1e16, 1.0, -1e16], [1.0, 1e100, 1.0, -1e100]]
FLOATS += [[sys.float_info.max, -(2.0**970)], [sys.float_info.max, 2.0**969, -1.0], [5e-324, -5e-324, 1.0]]
OTHERS = [[1, 2.5], [2.5, 1], [True, 2], [2**62, 2**62], [2**70, 1], ["a", "b"], [None], [[1], [2]], [1, "a"], 5]
OTHERS += [iter([1, 2, 3]), (x for x in [4, 5]), [Key(3), Key(4)], array.array("d", [1.0, 2.0]), zip([1, 2]), "abc"]

for function in SIMPLE:
    warm(function, [[1, 2, 3]])
    show(function, *([items] for items in INTS + FLOATS))
    show(function, *([items] for items in OTHERS))
    print(Key.log)
    Key.log.clear()
for function in SIMPLE:
    warm(function, [[1.0, 2.0, 3.0]])
    show(function, *([items] for items in FLOATS + INTS))


# ---- what is in them --------------------------------------------------------------------------------------------------


def picked(d, keys):
    return max(d[k] for k in keys)


def weighted(d, pairs):
    return sum(d[k] * p for k, p in pairs)


def filtered(items, low):
    return list(x for x in items if x > low if x % 2)


def nested(rows):
    return sum(x for row in rows for x in row)


def table_of(rows, n):
    return list((i, x) for row in rows for i in range(n) for x in row if x != i)


def chosen(items):
    return tuple(x if x % 2 else -x for x in items)


def enumerated(items):
    return sum(i * x for i, x in enumerate(items))


def of_dict(d):
    return sum(v for k, v in d.items())


def of_globals(items):
    return list(x + OFFSET for x in items)


OFFSET = 10
DEFAULT = collections.defaultdict(float, {1: 1.0, 2: 2.5})
PLAIN = {1: 1.0, 2: 2.5, 3: -1.0}
POINT = collections.namedtuple("POINT", "x y")


def fields(points):
    return sum(p[0] * p[1] for p in points)


CASES = [
    (picked, [(PLAIN, [1, 2, 3]), (PLAIN, [4]), (DEFAULT, [1, 2]), (DEFAULT, [9, 1]), (DEFAULT, [9]), ([5, 6], [0, 1])]),
    (weighted, [(PLAIN, [(1, 0.5), (2, 0.25)]), (PLAIN, []), (DEFAULT, [(1, 2.0), (77, 1.0)]), (PLAIN, [(1,)])]),
    (filtered, [(list(range(9)), 3), ((), 0), ([1.0, 3], 0), (["a"], 0)]),
    (nested, [([[1, 2], [3]],), ([],), ([[1.5], (2.5,)],), ([range(3), [5]],), ([1],), ([[1], iter([2, 3])],)]),
    (table_of, [([[1, 2], [0]], 2), ([], 3), ([[0]], 1), (["ab"], 2), ([[1]], "x")]),
    (chosen, [([1, 2, 3],), ((),), ([1.5],), (["%d"],)]),
    (enumerated, [([1, 2, 3],), ([],), ((1.5, 2.5),)]),
    (of_dict, [({1: 2, 3: 4},), ({},), ({"a": 1.5},), (DEFAULT,)]),
    (of_globals, [([1, 2],), ((),), ([1.5],), (["a"],)]),
    (fields, [([POINT(1, 2), POINT(3, 4)],), ([(1.5, 2.0)],), ([POINT(1, "a")],), ([{0: 1, 1: 2}],), ([[]],)]),
]
for function, rows in CASES:
    warm(function, *rows[:2])
    show(function, *rows)
    show(function, *rows)
DEFAULT.clear()
show(picked, (DEFAULT, [3, 4]))
print(sorted(DEFAULT.items()))
OFFSET = 20
show(of_globals, ([1, 2],))


# ---- identity, sizes, references --------------------------------------------------------------------------------------


def is_one_of(items):
    best = max(x for x in items)
    return [best is x for x in items]


def keeps(items):
    return [a is b for a, b in zip(items, list(x for x in items))]


CONSTANT = 123456


def is_constant(items):
    return max(123456 for _ in items) is max(123456 for _ in items)


for numbers in ([float(i % 5) for i in range(9)], [i * 1000 % 7001 for i in range(9)]):
    warm(is_one_of, [numbers])
    show(is_one_of, [numbers], [[1000000 // 1, 1000000 // 1]])
warm(keeps, [[Noisy("a"), 1.5, "x"]])
show(keeps, [[Noisy("b"), 1.5, 2**70]])
print(Noisy.log)
Noisy.log.clear()
warm(is_constant, [[1, 2]])
show(is_constant, [[1]])
print([sys.getsizeof(listed(range(n))) for n in range(20)])
print([sys.getsizeof(listed(list(range(n)))) for n in (0, 1, 2, 3, 4, 8, 9, 16, 17, 100)])
print([sys.getsizeof(tupled(list(range(n)))) for n in range(6)], sys.getsizeof(in_set(range(50))))
print(gc.is_tracked(listed([1])), gc.is_tracked(tupled([1])))


def references(items):
    before = [sys.getrefcount(x) for x in items]
    for function in (listed, tupled, largest, total, any_large, in_set):
        attempt(function, items)
    gc.collect()
    return [sys.getrefcount(x) - b for x, b in zip(items, before)]


table(references, ([float("1.5"), 2.5],), ([10**20, "text" * 2],), ([Noisy("r"), 1],), ([10**20, 10**20 + 1],))
gc.collect()
print(Noisy.log)


# ---- what goes on around them -----------------------------------------------------------------------------------------


def in_handler(d, keys):
    try:
        return sum(d[k] for k in keys)
    except (KeyError, TypeError) as error:
        frames, link = [], error.__traceback__
        while link is not None:
            frames.append((link.tb_frame.f_code.co_name, link.tb_lineno - in_handler.__code__.co_firstlineno))
            link = link.tb_next
        return type(error).__name__, frames


warm(in_handler, (PLAIN, [1, 2]), (PLAIN, [1, 9]))
show(in_handler, (PLAIN, [1, 2]), (PLAIN, [1, 9]), (PLAIN, [[]]), ({1: "a"}, [1]), (None, [1]))


def changing(items, at):
    """What the loop is over changes while it runs: by what the items say of themselves."""

    class Adds:
        def __radd__(self, other):
            items.append(1) if len(items) < 8 else None
            return other + 1

        __add__ = __radd__

        def __hash__(self):
            items.append(2) if len(items) < 8 else None
            return 1

        def __bool__(self):
            items.append(3) if len(items) < 8 else None
            return False

    items = list(items)
    if at is not None:
        items[at] = Adds()
    return (
        attempt(lambda: sum(x for x in items)),
        attempt(lambda: len(set(x for x in items))),
        attempt(lambda: any(x for x in items)),
        len(items),
    )


table(changing, ([0, 0, 0], None), ([0, 0, 0], 1), ([0, 0, 0], 0))


def stops(items):
    def halt():
        raise StopIteration("inside")

    return attempt(lambda: list(halt() if x > 2 else x for x in items))


table(stops, ([1, 2],), ([1, 2, 3],))


def rebinding(items):
    out = [total(items)]
    builtins.sum, saved = (lambda items: ("mine", list(items))), builtins.sum
    try:
        out.append(total(items))
    finally:
        builtins.sum = saved
    return out + [total(items)]


warm(total, [[1, 2]])
table(rebinding, ([1, 2],), ((3,),))


def traced(items):
    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append((event, frame.f_code.co_name)))
    try:
        total(items)
    finally:
        sys.setprofile(None)
    return [call for call in calls if call[1] in ("total", "<genexpr>")]


table(traced, ([1, 2],), ([],))


def deep(n, items):
    return deep(n - 1, items) if n else sum(x for x in items)


def at_the_limit(items):
    limit = sys.getrecursionlimit()
    results = set()
    for depth in range(limit - 60, limit - 20):
        results.add(attempt(deep, depth, items)[:30])
    return len(results)


for _ in range(300):
    deep(2, [1, 2])
table(at_the_limit, ([1, 2],))


def in_generator(rows):
    for row in rows:
        yield sum(x for x in row), max(x for x in row), [any(y == x for y in row) for x in (1, 9)]


def run_generator(rows):
    return list(in_generator(rows))


warm(run_generator, [[[1, 2], [3, 4]]])
show(run_generator, [[[1, 2], [3, 4]]], [[[1, "a"]]], [[[2.5, 1.5], [1]]])


def long_loop(n):
    return sum(i % 3 for i in range(n)), max(i % 1000 for i in range(n)), all(i < n for i in range(n))


warm(long_loop, [5])
show(long_loop, [200000])
