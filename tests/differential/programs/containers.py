# SPDX-License-Identifier: MIT
import array
import collections
import copy

from support import refcheck, table


class List(list):
    def __getitem__(self, i):
        return "List", i

    def __len__(self):
        return 99


class Dict(dict):
    def __missing__(self, key):
        return "missing", key


class Index:
    def __init__(self, v):
        self.v = v

    def __index__(self):
        if self.v is None:
            raise ValueError("no index")
        return self.v

    def __repr__(self):
        return f"Index({self.v})"


def get(c, k):
    return c[k]


def put(c, k, v):
    c[k] = v
    return c


def remove(c, k):
    del c[k]
    return c


SEQUENCES = [[1, 2, 3], (1, 2, 3), "abc", b"abc", range(3), List([1, 2])]
KEYS = [0, 2, -1, -3, 3, -4, True, 2**70, -(2**70), 1.5, "a", None, slice(1, None), slice(None, None, -1), Index(1), Index(None)]
table(get, *[(c, k) for c in SEQUENCES for k in KEYS])
table(get, *[(c, k) for c in ({1: "one", "a": 2, None: 3}, Dict(a=1), collections.defaultdict(list), array.array("d", [1.5])) for k in (1, 1.0, True, "a", "b", None, [], 0)])
table(get, (5, 0), (None, "a"), (list, int))


def put_all(kind):
    out = []
    for key, value in ((0, "x"), (-1, "y"), (5, "z"), ("k", 1), (slice(0, 1), [7, 8]), (slice(0, 2), 5), (2**70, 1), ([], 1), (Index(1), "i")):
        c = {"list": [1, 2, 3], "dict": {0: 1}, "tuple": (1, 2), "str": "abc", "bytearray": bytearray(b"abc"), "array": array.array("i", [1, 2, 3])}[kind]
        for operation in (lambda: put(c, key, value), lambda: remove(c, key)):
            try:
                out.append(repr(operation()))
            except Exception as e:
                out.append(f"{type(e).__name__}: {e}")
    return out


table(put_all, ("list",), ("dict",), ("tuple",), ("str",), ("bytearray",), ("array",))


def augmented(c, k, v):
    c = copy.deepcopy(c)
    c[k] += v
    c[k] *= 2
    return c


table(augmented, ([1, 2], 0, 5), ([1, 2], 5, 5), ({"a": 1}, "a", 1.5), ({"a": 1}, "b", 1), ([[1]], 0, [2]), ([1], 0, "a"), ([2**62], 0, 2**62))


def build(n):
    l, t, s, d = [], (), set(), {}
    for i in range(n):
        l.append(i)
        l.extend((i, i))
        l += [i]
        t += (i,)
        s.add(i % 3)
        s |= {i}
        d[i] = i
        d.update({str(i): i})
        d.setdefault(i % 2, []) if i > 100 else None
    l.sort(key=lambda x: -x)
    return l, t, s, d, l.pop(), l.count(1), len(d), l.index(0), t[::2], d.pop(0), list(d.items())[:2]


table(build, (1,), (6,), (0,))


def matrix(n):
    m = [[i * j for j in range(n)] for i in range(n)]
    total = 0
    for i in range(n):
        for j in range(n):
            m[i][j] += m[j][i]
            total += m[i][j]
    m[0], m[-1] = m[-1], m[0]
    return total, m[0][:3]


def sieve(n):
    flags = [True] * n
    flags[0:2] = [False, False]
    for i in range(2, int(n**0.5) + 1):
        if flags[i]:
            for j in range(i * i, n, i):
                flags[j] = False
    return [i for i, f in enumerate(flags) if f]


def bytes_loop(n):
    b = bytearray(n)
    for i in range(n):
        b[i] = (i * 7) & 255
    try:
        b[0] = 256
    except ValueError as e:
        return sum(b), str(e)


def counting(words):
    c = collections.Counter()
    g = collections.defaultdict(list)
    for w in words.split():
        c[w] += 1
        g[len(w)].append(w)
    dq = collections.deque(maxlen=2)
    for w in c:
        dq.appendleft(w)
    return c.most_common(2), dict(g), list(dq)


def star_dict(n):
    d = {}
    for i in range(n):
        d = {**d, i: i, **{str(i): None}}
    return d, d.keys() & {0, "0"}, 1 in d, [k for k in d if d[k] is None]


def negative(items):
    return items[-1], items[-len(items)], items[len(items) - 1]


def slice_assign(items):
    items = list(items)
    items[1:3] = "xyz"
    items[::2] = [0] * len(items[::2])
    del items[1:2]
    a = items[-2:]
    return items, a, items[5:1], items[:]


table(matrix, (1,), (7,))
table(sieve, (60,), (2,))
table(bytes_loop, (1,), (600,))
table(counting, ("a b a cc b a",), ("",))
table(star_dict, (0,), (3,))
table(negative, ([1, 2],), ((5,),), ([],), ("é日",))
table(slice_assign, ([1, 2, 3, 4],), ("ab",), ([],))
OBJ = object()


def leak():
    l = [OBJ] * 3
    l[0] = l[1]
    del l[2]
    l.append(OBJ)
    d = {OBJ: OBJ}
    d[OBJ] = l
    d.pop(OBJ)
    t = (*l, OBJ)
    s = {OBJ, *t}
    try:
        l[99] = OBJ
    except IndexError:
        pass
    try:
        d[[]] = OBJ
    except TypeError:
        pass
    return t[0], t[-1], l[1:], s, t[1:], [x for x in t]


refcheck(leak, OBJ)
