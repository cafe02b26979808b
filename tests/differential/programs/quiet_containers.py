# SPDX-License-Identifier: MIT
"""Dicts, sets and strings without Python code, and keys, values and containers that do run some."""

import gc
import sys
from collections import Counter, OrderedDict, defaultdict, namedtuple

from support import Key, attempt, refcheck, say, show, table


class Plain:
    """Equal to itself only."""

    def __repr__(self):
        return "Plain"


class Text(str):
    def __hash__(self):
        log.append("Text.hash")
        return str.__hash__(self)

    def __eq__(self, other):
        log.append("Text.eq")
        return str.__eq__(self, other)


class Defaults(dict):
    def __missing__(self, key):
        return "missing", key


class Ends:
    """Says when it goes, and what it sees then."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        log.append((self.name, sorted(map(str, shared)) if shared is not None else None))

    def __repr__(self):
        return self.name


log, shared = Key.log, None
plain = Plain()
KEYS = [1, 0, -1, 2**40, 2**70, 1.0, 0.0, -0.0, 1.5, float("nan"), True, None, "a", "é", "", b"a", (), (1, "a"),
        (1, (2,)), (1, Key(1)), Key(1), Key("a"), Text("a"), plain, Plain, len, [1], (1, [2]), {1}, frozenset([1])]


def make(kind):
    if kind == "str":
        return {"a": 1, "b": 2, "é": 3, "": 4}
    if kind == "int":
        return {i: i * i for i in range(-2, 5)}
    if kind == "mixed":
        return {1: "one", "a": "text", None: "none", 1.5: "float", (1, "a"): "tuple", plain: "plain", Plain: "class",
                b"a": "bytes", frozenset([1]): "set"}
    if kind == "keys":
        return {Key(1): "one", Key("a"): "text", 5: "five"}
    return Defaults(a=1)


def get(d, k):
    return d[k]


def get_or(d, k):
    return d.get(k), d.get(k, 7)


def put(d, k):
    d[k] = "new"
    d[k] = "newer"
    return len(d), d[k]


def member(d, k):
    return k in d, k not in d


def taken(d, k):
    return d.pop(k, "none"), d.pop(k)


def defaulted(d, k):
    return d.setdefault(k, 5), d.setdefault(k), len(d)


def counted(d, k):
    d[k] = d.get(k, 0) if isinstance(d.get(k, 0), int) else 0
    d[k] += 1
    return d[k]


for f in (get, get_or, put, member, taken, defaulted, counted):
    for kind in ("str", "int", "mixed", "keys", "defaults"):
        for key in KEYS:
            results = {attempt(lambda: f(make(kind), key)) for _ in range(4)}
            show(f"{f.__name__} {kind} {key!r}: {sorted(results)}")
say((len(log), log.count("eq")))


class Mimic:
    """Has the hash of something else, and says so when it is compared."""

    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        log.append(("Mimic", type(other).__name__))
        return self.value == other

    def __repr__(self):
        return f"Mimic({self.value!r})"


class Counting(dict):
    def __missing__(self, key):
        log.append(("missing", type(key).__name__))
        return -1


class Items(dict):
    def __getitem__(self, key):
        return "item", dict.get(self, key)

    def __setitem__(self, key, value):
        dict.__setitem__(self, key, ("set", value))


Point = namedtuple("Point", "x y")
nan, big = float("nan"), 2**70
DEEP = ((((((((((1,),),),),),),),),),)
TUPLES = [(1, -1), (-2, 0, 1), (2**30 - 1, 2**30, -(2**30)), (big, 2**61 - 1), (1, (2, (3, ("a", None)))), Point(1, -1),
          (Point(1, 2), Point("a", 2.5)), ((), ((),)), (True, 1.0), (nan, 1), (plain, 1), (Plain, len), (b"a", 1), ("é", 1),
          (Text("a"), 1), (Mimic(1), -1), (1, Mimic((2, (3, ("a", None))))), Mimic((1, -1)), DEEP, tuple(range(300)),
          (tuple(range(200)), tuple(range(200))), ([], 1), (Key(1), -1)]
COPIES = [k if any(word in repr(k) for word in ("<", "Plain", "nan")) else eval(repr(k)) for k in TUPLES]


def stored(make, keys, k):
    d = make()
    for i, key in enumerate(keys):
        try:
            d[key] = i
        except TypeError as error:
            d[i] = str(error)
    before = len(d), k in d, d.get(k)
    found = d[k]
    d[k] = "last"
    d[k] += "!"
    return before, found, d[k], len(d), k in set(d)


for make in (dict, lambda: defaultdict(list), OrderedDict, Counter, Counting, Items):
    table(lambda k: stored(make, TUPLES, k), *[(k,) for k in COPIES])
    table(lambda k: stored(make, COPIES[::2], k), *[(k,) for k in TUPLES])
say((len(log), log.count("eq"), log.count(("Mimic", "int")), log.count(("Mimic", "tuple")),
     log.count(("missing", "tuple"))))
log.clear()


def tallies(words):
    """Dicts of other classes that find their items as dict does."""
    counts, lists, order = defaultdict(int), defaultdict(list), OrderedDict()
    for i, word in enumerate(words):
        counts[word, i % 3] += 1
        lists[word].append(i)
        order[word] = order.get(word, 0) + 1
        order[word]
    counts.default_factory = None
    return sorted(counts.items()), sorted(lists.items()), list(order.items()), attempt(lambda: counts["absent"])


table(tallies, ("abracadabra",), ("",), (["x", "y"] * 20,))


class Loud:
    """A key whose comparison changes the dict that is searched."""

    def __hash__(self):
        return hash((1, 2))

    def __eq__(self, other):
        shared.clear()
        shared[(1, 2)] = "again"
        return False


def changed_meanwhile():
    global shared
    d = shared = defaultdict(list)
    d[Loud()] = 1
    d[(1, 2)] = 2
    return attempt(lambda: d[(1, 2)]), len(d), d[(1, 2)]


table(changed_meanwhile, ())
shared = None


def held(n):
    key, value, d = (1, (2, str(n))), [1], defaultdict(list)
    for _ in range(n):
        d[key] = value
        d[key].append(1)
        d[(1, (2, str(n)))] = d[key]
    return sys.getrefcount(key), sys.getrefcount(value), len(value)


table(held, (1,), (30,))


def sets(s, k):
    before = k in s
    s.add(k)
    middle = k in s, len(s)
    s.discard(k)
    s.discard(k)
    return before, middle, k in s, len(s), attempt(s.remove, k), s.remove(k)


for key in KEYS:
    for elements in ((), (1, 2, "a", None, plain), (Key(1), Key("a")), range(100)):
        results = {attempt(lambda: sets(set(elements), key)) for _ in range(4)}
        show(f"sets {key!r} {len(elements)}: {sorted(results)}")
say((len(log), log.count("eq")))


def collisions(n):
    """Numbers whose hashes meet: the table is probed for long."""
    d, s = {}, set()
    for i in range(n):
        d[i * 2**20] = i
        s.add(i * 2**20)
    found = 0
    for i in range(n):
        found += d[i * 2**20] + (i * 2**20 in s) + (i * 2**20 + 1 in d) + d.get(-i - 2, 0)
    for i in range(0, n, 2):
        del d[i * 2**20]
        s.discard(i * 2**20)
    for i in range(n):
        found += d.get(i * 2**20, 1000) + (i * 2**20 in s)
        d[i * 2**20] = 1
        s.add(i * 2**20)
    return found, len(d), len(s), sum(d.values())


for n in (3, 50, 300):
    table(collisions, (n,))


def grows_while_iterated(d):
    seen = []
    try:
        for k in d:
            seen.append(k)
            d[k] = 0
            if len(seen) == 2:
                d["more"] = 1
    except RuntimeError as error:
        seen.append(str(error))
    return seen


def replaced(names):
    """The old value goes when the dict has the new one."""
    global shared
    d = shared = {}
    for name in names:
        d["k"] = Ends(name)
        d[name] = d["k"]
    d.clear()
    shared = None
    taken = log[:]
    log.clear()
    return taken


log.clear()
table(lambda: grows_while_iterated({"a": 1, "b": 2, "c": 3}), ())
for _ in range(4):
    say(replaced(["x", "y", "z", "x"]))


def popped(n):
    global shared
    d = shared = {i: Ends(str(i)) for i in range(n)}
    result = []
    for i in range(n):
        result.append(repr(d.pop(i)))
        d.pop(i, None)
    shared = None
    taken = log[:]
    log.clear()
    return result, taken


table(popped, (4,), (0,))


def namespace(n):
    """A dict that is watched: native code depends on the globals."""
    total = 0
    for i in range(n):
        globals()["variable"] = i
        total += variable
        vars()["x"] = i
    return total, globals().get("variable"), "variable" in globals(), globals().pop("gone", 3)


variable = 0
table(namespace, (10,), (30,))


class Object:
    def __init__(self):
        self.a = 1
        self.b = 2


def attributes(n):
    o = Object()
    for i in range(n):
        o.__dict__["a"] = i
        o.__dict__[f"n{i % 3}"] = i
        o.a += o.__dict__.get("b", 0) + o.__dict__["a"]
        o.__dict__.pop("n1", None)
    return o.a, sorted(o.__dict__), "a" in o.__dict__, o.__dict__.setdefault("z", 1), o.z


table(attributes, (5,), (20,))


def lists(n):
    l = []
    for i in range(n):
        l.append(i)
        l.append(str(i))
        if i % 3 == 0:
            l.pop(0)
        if i % 4 == 0:
            l.pop()
    total = []
    while l:
        total.append(l.pop(-1))
        if len(l) > 3:
            total.append(l.pop(2))
    return total


def pops(l, i):
    return l.pop(i), l, l.pop()


table(lists, (0,), (5,), (40,))
for i in (0, 1, -1, -2, 5, -9, 2**70, True, None, "x"):
    table(lambda i=i: pops([1, 2, 3], i), ())
    table(lambda i=i: pops([1], i), ())


class List(list):
    def append(self, x):
        log.append(("append", x))

    def pop(self, *args):
        return "List.pop"


def methods(l):
    l.append(1)
    return l.pop(), l.pop()


for l in ([5, 6], List([5, 6]), [], {1}, bytearray(b"ab")):
    show(str({attempt(lambda: methods(type(l)(l))) for _ in range(4)}))


def sizes(n):
    """Memory of a list that shrinks is what it is in CPython."""
    l = list(range(n))
    seen = []
    for _ in range(n):
        l.pop()
        seen.append(sys.getsizeof(l))
    return seen


table(sizes, (40,))


def octets(b, i):
    return b[i], b[i] + 1, i in b


def put_octet(b, i, v):
    b[i] = v
    return b, b[0]


for b in (b"abc", bytearray(b"abc"), bytearray(), b"\xff\x00"):
    table(octets, *[(b, i) for i in (0, 1, -1, -3, 3, -4, True, 2**70, None)])
for v in (0, 255, 256, -1, True, "x", 2**70, 1.0):
    show(str([attempt(lambda: put_octet(bytearray(b"abc"), i, v)) for i in (0, -1, 3, -4) for _ in range(4)]))


def checksum(data):
    a = 0
    for _ in range(40):
        for i in range(len(data)):
            a = (a * 31 + data[i]) & 0xFFFFFF
    return a


def swaps(data):
    for _ in range(60):
        for i in range(len(data) - 1):
            data[i], data[i + 1] = data[i + 1], (data[i] + 1) & 255
    return bytes(data)


for _ in range(3):
    say((checksum(b"abcdef"), checksum(bytearray(b"xyz")), swaps(bytearray(b"hello"))))


class Bytes(bytes):
    def __getitem__(self, i):
        return "item"


def first_items(values):
    return [v[0] for v in values]


for _ in range(60):
    mixed = first_items([b"a", bytearray(b"b"), Bytes(b"c"), "d", [1], (2,), {0: 3}])
say(mixed)


def strings(a, b):
    return a == b, a != b, a < b, a <= b, a > b, a >= b, a + b, a[0], a[-1]


table(strings, *[(a, b) for a in ("a", "ab", "é", "€x", "😀", "") for b in ("a", "b", "é", "😀")], ("a", Text("a")),
      (Text("a"), "a"), ("a", 1), (1, "a"), (b"a", b"b"), ([1], [2]))


def members(x):
    return x in (1, "a", None), x in [1, 2], x not in {1, "a"}, x in {"a": 1}


table(members, *[(k,) for k in KEYS])


def of_items(d):
    total, keys = 0, []
    for k, v in d.items():
        total += v
    for k in d.keys():
        keys.append(k)
    for v in d.values():
        total += v
    return total, keys


table(of_items, ({"a": 1, "b": 2},), ({},), ({1: 1.5},), (Defaults(a=1),), ({1: "x"},))

key, value, number = "key" + str(len(log) * 0), [1], 10**6
d, s, l = {key: value, 5: value}, {key}, [value]


def all_of_it():
    d[key] = value
    d[5] = d[key]
    d.get(key)
    d.get("no", value)
    d.setdefault(key, value)
    d["new"] = value
    d.pop("new")
    s.add(key)
    s.add(number)
    s.discard(number)
    l.append(value)
    l.pop()
    l.append(key)
    l.pop(0)
    l.append(value)
    l.pop(0)
    return key in d, key in s, value is d[5]


for _ in range(5):
    l[:] = [value]
    all_of_it()


def one_round():
    l[:] = [value]
    return all_of_it()


say(refcheck(one_round, key, value, number))
say((sys.getrefcount(value), d == {key: value, 5: value}, s == {key}, len(l)))


def over(iterable):
    return [item for item in iterable]


def over_pairs(iterable):
    total = []
    for a, b in iterable:
        total.append(a)
        total.append(b)
    return total


class Loud:
    """An iterable, and an iterator, in Python."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        log.append("iter")
        return self

    def __next__(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n, -self.n


def makers():
    d, s, l = {"a": 1, "b": 2, "c": 3}, {1, 2, 3}, [(1, 2), (3, 4), (5, 6)]
    ints = {i: -i for i in range(4)}
    for i in (1, 2):
        del ints[i]
        s.discard(i)
    o = Object()
    return [d, d.values(), d.items(), ints, ints.items(), s, frozenset(s), l, reversed(l), iter(l), "ab", "é€", b"ab",
            bytearray(b"ab"), enumerate(l), enumerate("ab"), enumerate([], 5), enumerate(l, 2**63 - 2), enumerate(s),
            enumerate(Loud(3)), zip(l, l), zip(l, "ab"), zip(l, [1], s), zip([1], l), zip(), zip(Loud(3), l),
            zip(l, Loud(2)), zip(l, [1], strict=True), Loud(3), map(repr, l), (x for x in l), range(3), o.__dict__,
            o.__dict__.items(), {}, {}.items(), set(), "", zip([], []), {1: 2}.items(), Defaults(a=1).items()]


def each(function):
    for _ in range(70):
        for i, value in enumerate(makers()):
            last[i] = attempt(function, value)
    return last


last = {}
for f in (over, over_pairs):
    # One function for all of them, and one for each.
    say(each(f))
    for i in range(len(makers())):
        g = type(f)(f.__code__.replace(co_name=f"{f.__name__}_{i}"), globals())
        for _ in range(70):
            result = attempt(g, makers()[i])
        show(f"{g.__name__}: {result}")


def changed(d, how):
    seen = []
    for k, v in d.items():
        seen.append((k, v))
        if how == "grow":
            d[len(d) + 100] = 1
        elif how == "shrink":
            d.pop(k)
        elif how == "replace":
            d[k] = "replaced"
        elif how == "swap":
            d.pop(k)
            d[k + 1000] = 1
        elif how == "clear":
            d.clear()
        if len(seen) > 20:
            break
    return seen


def changed_set(s, how):
    seen = []
    for k in s:
        seen.append(k)
        if how == "grow":
            s.add(k + 100)
        elif how == "shrink":
            s.discard(k)
        elif how == "swap":
            s.discard(k)
            s.add(k + 1000)
        if len(seen) > 20:
            break
    return len(seen) > 0


for how in ("none", "grow", "shrink", "replace", "swap", "clear"):
    for _ in range(70):
        result = attempt(changed, {i: i for i in range(5)}, how), attempt(changed_set, set(range(5)), how)
    show(f"changed {how}: {result}")


def ends(n):
    """What the iterator holds goes when the next item comes, and the container at the end."""
    global shared
    for _ in range(n):
        shared = d = {i: Ends(f"v{i}") for i in range(3)}
        for k, v in d.items():
            d[k] = None
            v = None
        for i, e in enumerate([Ends("a"), Ends("b")]):
            e = None
        for a, b in zip([Ends("c")], [Ends("d")]):
            a = b = None
        for v in {1: Ends("e"), 2: Ends("f")}.values():
            v = None
        log.append("end")
    shared = d = None
    taken = log[-12:]
    log.clear()
    return taken


for _ in range(4):
    say(ends(30))


def counts(d, l):
    seen = []
    for k, v in d.items():
        seen.append((sys.getrefcount(k), sys.getrefcount(v)))
    for i, v in enumerate(l):
        seen.append(sys.getrefcount(v))
    for a, b in zip(l, l):
        seen.append(sys.getrefcount(a))
    for pair in d.items():
        seen.append(sys.getrefcount(pair))
    kept = [pair for pair in d.items()]
    for pair in zip(l, l):
        kept.append(pair)
    return seen, kept


for _ in range(70):
    result = counts({"k" + str(i): [i] for i in range(3)}, [[1], [2]])
say(result)


def empties():
    a, b, c, d, e = dict(), list(), set(), tuple(), str()
    a["x"] = b
    c.add(1)
    return a, b, c, d, e, bool(), int(), float(), set("a"), dict.fromkeys("ab")


table(empties, ())


class Named(int):
    """An int subclass that is hashed and compared as an int."""


class Label(str):
    pass


class Pair(tuple):
    pass


class Odd(int):
    def __eq__(self, other):
        log.append("Odd.eq")
        return True

    __hash__ = int.__hash__


SUBCLASSES = [Named(1), Named(5), Label("a"), Label("q"), Pair((1, "a")), Pair((1, (2,))), Odd(1), Odd(7), (Odd(1), "a"),
              (plain, 1), ((1, 2), (3, (4, 5))), ((((1,),),),), ((((((1,),),),),),), (1,) * 40, (Named(1), Label("a"))]
for f in (get, get_or, put, member, taken, defaulted, counted):
    for kind in ("str", "int", "mixed", "keys"):
        for key in SUBCLASSES:
            results = {attempt(lambda: f(make(kind), key)) for _ in range(4)}
            show(f"{f.__name__} {kind} {key!r}: {sorted(results)}")
for key in SUBCLASSES:
    for elements in ((), (1, 2, "a", None, plain), SUBCLASSES[:6], (Odd(1),)):
        results = {attempt(lambda: sets(set(elements), key)) for _ in range(4)}
        show(f"sets {key!r} {len(elements)}: {sorted(results)}")
    say((members(key), key in SUBCLASSES, (key, 1) == (1, key)))
say(log.count("Odd.eq"))
