"""Variables that a loop only writes: what they hold before the loop, when it goes, and who sees them."""
import gc
import sys


class Noisy:
    """Tells when it goes, and what its frame's variables are then."""

    def __init__(self, name, log):
        self.name, self.log = name, log

    def __del__(self):
        frame = sys._getframe(1)
        seen = {k: v for k, v in sorted(frame.f_locals.items()) if type(v) in (int, float, str)}
        self.log.append((self.name, frame.f_lineno - frame.f_code.co_firstlineno, seen))


def starts_unbound(numbers):
    for x in numbers:
        y = x * 2
        z = y + 0.5
    return y, z


def starts_as_object(numbers, log):
    y = Noisy("y", log)
    z = Noisy("z", log)
    for x in numbers:
        y = x * 2
        z = y + 0.5
        log.append("body") if x == 3 else None
    return y, z


def no_iteration(numbers, y):
    z = y
    for x in numbers:
        y = x + 1
        z = x + 2.5
    return y, z, y is z


def conditional(numbers, y):
    for x in numbers:
        if x > 3:
            y = x * 1.5
    return y


def deleted(numbers):
    y = "text"
    for x in numbers:
        y = x * 3
        if x == 4:
            del y
    try:
        return y
    except UnboundLocalError as error:
        return str(error)


def nested(n, start):
    a = b = c = start
    for i in range(n):
        for j in range(i):
            a = i * j
            b = a + 0.25
        c = i * 10
    return a, b, c


def same_object(n):
    a = b = None
    for i in range(n):
        a = b = i * 1000.5
    return a is b, a


def fails_half_way(items, log):
    y = Noisy("old", log)
    z = None
    try:
        for x in items:
            z = x + 1
            y = z * 2.5
    except TypeError:
        return type(y).__name__, z
    return y, z


def seen_by_a_tracer(numbers):
    y = []
    seen = []
    for x in numbers:
        y = x + 1
        if x == 7:
            frame = sys._getframe()
            seen.append((frame.f_locals["x"], frame.f_locals["y"]))
    return seen, y


def written_from_outside(numbers, log):
    y = "begin"
    for x in numbers:
        y = x + 1
        if x == 5:
            sys._getframe().f_locals["y"] = Noisy("from outside", log)
            log.append(type(y).__name__)
    return y


def suspended(n):
    y = "begin"
    for x in range(n):
        if x % 5 == 4:
            yield y
        y = x * 2.5
    yield y


def number_or_object(items):
    last = None
    for x in items:
        last = x * 2
    return last


def two_loops(n):
    for i in range(n):
        t = i * 2
    first = t
    for i in range(n):
        t = first + i * 0.5
    return first, t


def kept_by_a_list(n):
    kept, y = [], None
    for i in range(n):
        y = i * 1.5
        if i % 4 == 0:
            kept.append(y)
    return kept[-1] is y, len(kept), y


def swapped(n, a, b):
    for i in range(n):
        a, b = b, i * 2.5
    return a, b


def counted(n):
    y = object()
    before = sys.getrefcount(y)
    keep = y
    for i in range(n):
        y = i + 1000
    return before, sys.getrefcount(keep), y


def cycle_goes_in_loop(n, log):
    y = Noisy("cycle", log)
    y.me = y
    for i in range(n):
        y = i * 2
        if i == 3:
            gc.collect()
    return y


def run(numbers):
    log = []
    print(starts_unbound(numbers), starts_as_object(numbers, log))
    for y in (1, 2.5, "s", None):
        print(no_iteration([], y), no_iteration(numbers, y), conditional(numbers[:2], y), conditional(numbers, y))
    print(deleted(numbers), deleted(numbers[:5]))
    print(nested(0, "s"), nested(1, "s"), nested(2, 1), nested(len(numbers), None))
    print(same_object(len(numbers)), seen_by_a_tracer(numbers), written_from_outside(numbers, log))
    print(fails_half_way([1, 2, "three"], log), fails_half_way(["one"], log), fails_half_way(numbers, log))
    print(list(suspended(len(numbers))), two_loops(len(numbers)), kept_by_a_list(len(numbers)))
    print(number_or_object(numbers), number_or_object(["a", "b"]), number_or_object([]))
    print(swapped(len(numbers), "a", None), counted(len(numbers)), cycle_goes_in_loop(len(numbers), log))
    return log


for n in (1, 2, 6, 9, 12, 40):
    print(n, run(list(range(n)) if n != 2 else [7, 8]))
for _ in range(60):
    result = run(list(range(12)))
print(result)
try:
    starts_unbound([])
except UnboundLocalError as error:
    print(error)
