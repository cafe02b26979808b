# SPDX-License-Identifier: MIT
"""Small functions, whose bodies may take the place of their calls: nobody can tell."""

import sys
import traceback
from sys import getrefcount

from support import Noisy

ROUNDS = 80


class Grid:
    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.cells = [float(i) for i in range(width * height)]
        self.reads = 0

    def index(self, x, y):
        if 0 <= x < self.width and 0 <= y < self.height:
            return y * self.width + x
        raise IndexError((x, y))

    def __getitem__(self, xy):
        (x, y) = xy
        return self.cells[self.index(x, y)]

    def __setitem__(self, xy, value):
        (x, y) = xy
        self.cells[self.index(x, y)] = value

    def count(self, by):
        self.reads += by
        return self.reads

    def sum(self, other):
        return self.width + other.width * self.height - other.height


class Keeper:
    """Its keys are seen by others."""

    def __init__(self):
        self.last = None

    def __getitem__(self, key):
        self.last = key
        return key


class Pair:
    def __init__(self, a, b):
        self.a = a
        self.b = b

    def both(self, other):
        self.a = other.b + 1
        self.b = other.a * 2
        return self.a

    def swap(self):
        self.a, self.b = self.b, self.a

    def twice(self, x):
        self.a = x
        self.a = self.a + x
        return self.a

    def late(self, x):
        self.a = x
        return self.b + x  # may fail behind the store

    def __add__(self, other):
        if isinstance(other, Pair):
            return Pair(self.a + other.a, self.b + other.b)
        return NotImplemented

    def __mul__(self, factor):
        return Pair(self.a * factor, self.b * factor)

    def __sub__(self, other):
        return Pair(self.a - other.a, self.b - other.b)

    def dot(self, other):
        return self.a * other.a + self.b * other.b


class Reflected(Pair):
    def __radd__(self, other):
        return "radd"

    def __rsub__(self, other):
        return "rsub"


class Slots:
    __slots__ = "x", "y"

    def __init__(self, x, y):
        self.x = x
        self.y = y

    def step(self, by):
        self.x += by
        return self.x * self.y


class Base:
    kind = "base"

    def __init__(self, n):
        self.n = n

    def get(self):
        return self.n

    def tag(self):
        return self.kind

    @property
    def half(self):
        return self.n / 2

    def other(self):
        return -self.n


class Derived(Base):
    kind = "derived"

    def other(self):
        return self.n + 1000


def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return high
    return x


def divide(a, b):
    return a / b


def take(container, key):
    return container[key]


def first(pair):
    a, b = pair
    return a


def identity(x):
    return x


def last_name(x):
    x = x.name
    return x


def show(function, *args):
    try:
        return function(*args)
    except Exception as error:
        frames = [(f.name, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
        return type(error).__name__, str(error), frames


def sum_grid(grid, bounds):
    total = 0
    for y in range(bounds):
        for x in range(bounds):
            total += grid[x, y]
            grid[x, y] = total % 7.0
            grid[x, y] += 0.5
            total += clamp(x * y, 2, 11)
            grid.count(1)
    return total


def grids():
    grid = Grid(9, 9)
    for _ in range(4):
        print(sum_grid(grid, 9), grid.reads, grid.cells[:5])
    print(show(sum_grid, grid, 10), grid.reads)
    print([grid.sum(Grid(i, 3)) for i in range(5)])
    grid.width = 9.0
    print(show(sum_grid, grid, 3), grid.reads)
    print(show(sum_grid, Grid(3, 3), 3))


def keys():
    keeper = Keeper()
    seen = []
    for i in range(ROUNDS):
        key = keeper[i, -i]
        seen.append(key is keeper.last)
    print(all(seen), keeper.last, getrefcount(keeper.last) - getrefcount(key))


def failing_loop(values):
    out = []
    for a, b in values:
        out.append(divide(a, b))
    return out


def failures():
    good = [(i, 2) for i in range(ROUNDS)]
    print(failing_loop(good)[-1])
    print(show(failing_loop, good + [(1, 0)]))
    print(show(failing_loop, good + [("a", 2)]))
    data = {"k": 1}

    def lookup(key):
        out = None
        for _ in range(ROUNDS):
            out = take(data, key)
        return out

    print(show(lookup, "k"), show(lookup, "missing"), show(lookup, []))

    def unpack(pair):
        out = None
        for _ in range(ROUNDS):
            out = first(pair)
        return out

    print(show(unpack, (1, 2)), show(unpack, [3, 4]), show(unpack, (1, 2, 3)), show(unpack, 5), show(unpack, "ab"))


def stores():
    pair, other = Pair(1, 2), Pair(3, 4)
    for i in range(ROUNDS):
        pair.both(other)
        other.both(pair)
        pair.both(pair)
        pair.swap()
        pair.a %= 1000003
        other.b %= 1000003
    print(pair.a, pair.b, other.a, other.b)
    for i in range(ROUNDS):
        pair.twice(i)
    print(pair.a, list(vars(pair)))
    for value in [1, 2.5, True, 10**30, "text", None, [1]]:
        pair.b = 1
        results = []
        for i in range(ROUNDS):
            results.append(show(pair.late, value))
        print(len({repr(r) for r in results}), results[-1], pair.a)


def old_values():
    def fill(pair):
        for i in range(ROUNDS):
            pair.twice(i)
        pair.a = Noisy("kept")
        Noisy.log.append("before")
        pair.twice(7)
        Noisy.log.append("behind")
        return pair.a

    print(fill(Pair(0, 0)), Noisy.log)
    Noisy.log.clear()

    def pass_on():
        for i in range(ROUNDS):
            name = last_name(Noisy(i))
            Noisy.log.append(-name)
            identity(Noisy(i))
        return Noisy.log[-4:]

    print(pass_on())
    Noisy.log.clear()


def counts():
    pair, thing = Pair(1, 2), object()
    base = getrefcount(thing)
    for _ in range(ROUNDS):
        identity(thing)
        pair.twice(1)
        kept = Pair(thing, thing)
        kept.swap()
    print(getrefcount(thing) - base, getrefcount(pair), getrefcount(kept))
    del kept
    print(getrefcount(thing) - base)


def arithmetic(pairs, factor):
    total = Pair(0, 0)
    for p in pairs:
        total = total + p * factor - p
    return total.a, total.b, total.dot(total)


def operators():
    pairs = [Pair(i, -i) for i in range(ROUNDS)]
    print(arithmetic(pairs, 2), arithmetic(pairs, 0.5), arithmetic(pairs, True))
    print(show(arithmetic, pairs, "x"), show(arithmetic, pairs + [3], 2))
    mixed = [Pair(1, 2.5), Pair(2**62, 1), Pair(0.5, True), Pair(float("nan"), -0.0)]
    print(show(arithmetic, mixed * 20, 3))

    def adding(left, right):
        out = None
        for _ in range(ROUNDS):
            out = left + right
        return out if isinstance(out, str) else (out.a, out.b)

    print(adding(Pair(1, 2), Pair(3, 4)), adding(Pair(1, 2), Reflected(3, 4)), show(adding, Pair(1, 2), 3))

    def subtracting(left, rights):
        return [type(left - right).__name__ for right in rights]

    print(subtracting(Pair(1, 2), [Pair(0, 0)] * ROUNDS + [Reflected(3, 4)] * 3))


def wide(n):
    return n * n * n


def numbers():
    for start in (0, 2**20, 2**62, -3.5, True):
        total = 0
        for i in range(ROUNDS):
            total += wide(start + i) + clamp(i, start, 50)
        print(total)


def slots():
    s = Slots(1, 2)
    print([s.step(i) for i in range(ROUNDS)][-1])
    del s.y
    print(show(lambda: [s.step(i) for i in range(ROUNDS)][-1]), s.x)


def use(objects):
    out = []
    for o in objects:
        out.append((o.get(), o.tag(), o.other()))
    return out


def classes():
    bases = [Base(i) for i in range(ROUNDS)]
    print(use(bases)[-1])
    print(use(bases + [Derived(5)])[-1])
    bases[3].kind = "own"
    print(use(bases)[3])
    bases[4].get = lambda: "hidden"
    print(use(bases)[4])
    Base.tag = lambda self: "new tag"
    print(use(bases)[-1])
    Base.kind = "changed"
    print(use([Derived(1)] * 3 + bases)[-1])
    bases[5].__class__ = Derived
    print(use(bases)[5])
    del bases[6].n
    print(show(use, bases))
    bases[6].n = 6
    vars(bases[7])["n"] = "in a dict"
    print(show(use, bases[8:] + [bases[7]]))

    def code_of(self):
        return "other code"

    print(use(bases[8:])[-1])
    Base.get.__code__ = code_of.__code__
    print(use(bases[8:])[-1])


def rebinding():
    global clamp

    def run(n):
        return sum(clamp(i, 1, 5) for i in range(n)), [clamp(i, 1, 5) for i in range(n)][-1]

    print(run(ROUNDS))
    saved = clamp
    clamp = lambda x, low, high: -1  # noqa: E731
    print(run(ROUNDS))
    clamp = saved
    print(run(ROUNDS))
    clamp.__defaults__ = (1, 2)
    print(run(ROUNDS), clamp(9))


class Switching:
    def __init__(self, n):
        self.n = n


class Returning:
    fail = False

    def __init__(self, n):
        self.n = n

    def __new__(cls, n):
        return super().__new__(cls)


def make(cls, n):
    return [cls(i).n for i in range(n)]


def initializers():
    print(make(Switching, ROUNDS)[-1])

    def other(self, n):
        self.n = n * 2

    Switching.__init__ = other
    print(make(Switching, ROUNDS)[-1])

    def bad(self, n):
        self.n = n
        return n

    Switching.__init__ = bad
    print(show(make, Switching, ROUNDS))
    Switching.__init__ = other
    Switching.__del__ = lambda self: Noisy.log.append(self.n)
    print(make(Switching, ROUNDS)[-1], Noisy.log[-3:])
    Noisy.log.clear()
    print(make(Returning, ROUNDS)[-1])
    Switching.__new__ = lambda cls, n: "no instance"
    print(show(make, Switching, 3))

    def build():
        out = []
        for i in range(ROUNDS):
            p = Pair(i, -i)
            out.append(p)
        return out

    built = build()
    print(len({id(p) for p in built}), vars(built[5]), list(vars(built[6])))


SOURCE = """
factor = {factor}
def scale(x):
    return x * factor
def run(n):
    total = 0
    for i in range(n):
        total += scale(i)
    return total
"""


def namespaces():
    code = compile(SOURCE.format(factor=3), "scale", "exec")
    spaces = [{}, {}, {}]
    for i, space in enumerate(spaces):
        exec(code, space)
        space["factor"] = 10**i
    for _ in range(3):
        print([space["run"](ROUNDS) for space in spaces])
    spaces[0]["scale"] = spaces[2]["scale"]
    print([space["run"](ROUNDS) for space in spaces])
    for i in range(12):
        space = {}
        exec(SOURCE.format(factor=i), space)
        print(space["run"](ROUNDS), end=" ")
        del space
    print()


def depth(n):
    if n == 0:
        return clamp(n, 1, 5) + identity(n)
    return depth(n - 1)


def recursion():
    for _ in range(ROUNDS):
        depth(1)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        reached = 0
        for n in range(100, 260):
            try:
                depth(n)
                reached = n
            except RecursionError:
                break
        print(reached - 200 + frames())
    finally:
        sys.setrecursionlimit(limit)


def frames():
    n, frame = 0, sys._getframe()
    while frame is not None:
        frame, n = frame.f_back, n + 1
    return n


def traced():
    events = []

    def tracer(frame, event, arg):
        if event in ("call", "return") and frame.f_code.co_name in ("clamp", "identity"):
            events.append((event, frame.f_code.co_name, frame.f_back.f_code.co_name))
        return tracer

    def run(n):
        for i in range(n):
            if i == ROUNDS:
                sys.settrace(tracer)
            clamp(i, 1, 5)
            identity(i)
        sys.settrace(None)

    run(ROUNDS + 2)
    print(len(events), events[-2:])


for test in (
    grids, keys, failures, stores, old_values, counts, operators, numbers, slots, classes, rebinding, initializers,
    namespaces, recursion, traced,
):
    print(test.__name__)
    test()
