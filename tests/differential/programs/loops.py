# SPDX-License-Identifier: MIT
from support import refcheck, table


def breaks(n, stop):
    for i in range(n):
        if i == stop:
            break
    else:
        return "else", n
    return "broke", i


def continues(n):
    out = []
    i = 0
    while i < n:
        i += 1
        if i % 2:
            continue
        for j in range(i):
            if j > 3:
                break
            if j == 1:
                continue
            out.append((i, j))
        else:
            out.append(i)
    else:
        out.append("done")
    return out


def ranges(a, b, c):
    return [i for i in range(a, b, c)], sum(range(a, b, c)), [*reversed(range(a, b, c))]


def range_loop(a, b, c):
    last = None
    count = 0
    for i in range(a, b, c):
        count += 1
        last = i
        i = "overwritten"
    return count, last


def nested(n):
    total = 0
    for i in range(n):
        for j in range(i):
            for k in range(j):
                total += i * j - k
            total ^= j
    return total


def over(items):
    out = []
    for x in items:
        out.append(x)
        if len(out) > 6:
            break
    return out


def grow_list():
    items = [1, 2, 3]
    for x in items:
        if len(items) < 20:
            items.append(x + 1)
    return items


def shrink_list():
    items = list(range(10))
    seen = []
    for x in items:
        seen.append(x)
        items.remove(x)
    return seen, items


def dict_changes(kind):
    d = {i: i for i in range(5)}
    for k in d:
        if kind == "add":
            d[k + 10] = 1
        elif kind == "delete":
            del d[k]
        elif kind == "replace":
            d[k] = k * 2
    return d


def set_changes():
    s = {1, 2, 3}
    for x in s:
        s.add(x + 10)
    return s


class Getitem:
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if i >= self.n:
            raise IndexError
        return i * i


class BadIter:
    def __iter__(self):
        return 5


class NextRaises:
    def __init__(self):
        self.n = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.n += 1
        if self.n == 4:
            raise OSError("next")
        return self.n


def zips(a, b):
    out = []
    for i, (x, y) in enumerate(zip(a, b), 1):
        out.append((i, x, y))
    for k, v in dict(zip(a, b)).items():
        out.append((k, v))
    return out


def while_float(limit):
    x, n = 0.0, 0
    while x < limit:
        x += 0.1
        n += 1
    return n, x


def changing_type(n):
    x = 0
    for i in range(n):
        if i == 10:
            x = float(x)
        elif i == 20:
            x = str(int(x))
        elif i == 30:
            x = int(x)
        x = x + (str(i)[0] if isinstance(x, str) else 1)
    return x


def exhausted():
    it = iter([1, 2])
    first = [x for x in it]
    return first, [x for x in it], next(it, "default")


def big_ints(start):
    n, out = start, 0
    for i in range(start, start + 10):
        out += i
    while n < start + 10:
        n += 1
    return out, n


def deletes_variable(n):
    out = []
    for i in range(n):
        out.append(i)
        del i
    return out


table(breaks, (5, 3), (5, 9), (0, 0))
table(continues, (0,), (9,))
table(ranges, (0, 5, 1), (5, 0, -2), (0, 0, 1), (0, 10, 3), (0, 5, 0), (2**62, 2**62 + 3, 1), (2**63 - 2, 2**63 + 2, 1), (0.5, 2, 1))
table(range_loop, (0, 50, 1), (50, 0, -7), (-5, 5, 3), (0, -5, 1), (2**65, 2**65 + 4, 2), (1, 2, 0), ("a", 1, 1))
table(nested, (0,), (3,), (12,))
table(over, ("abc",), ([1, 2],), ((),), (range(9),), ({1: 2, 3: 4},), (Getitem(4),), (BadIter(),), (5,), (None,), (b"ab",), ({5},))
table(lambda: over(NextRaises()), ())
table(grow_list, ())
table(shrink_list, ())
table(dict_changes, ("add",), ("delete",), ("replace",))
table(set_changes, ())
table(zips, ([1, 2, 3], "ab"), ([], []), (5, 5), (range(4), (1.5, 2.5, 3.5)))
table(while_float, (0,), (1,), (30.0,), ("a",))
table(changing_type, (5,), (15,), (25,), (40,))
table(exhausted, ())
table(big_ints, (0,), (2**30 - 5,), (2**63 - 5,), (-(2**63) - 5,))
table(deletes_variable, (6,))

total = 0
for module_i in range(300):
    if module_i % 7 == 0:
        continue
    total += module_i
    module_last = module_i
else:
    total = float(total)
while total > 1000:
    total /= 1.5
print(total, module_i, module_last)
OBJ = object()


def leak():
    out = []
    for x in (OBJ, OBJ):
        out.append(x)
    for i, x in enumerate([OBJ] * 3):
        for y in [x]:
            out.append(y)
            break
    for x in iter([OBJ, OBJ, OBJ]):
        if out:
            return out


refcheck(leak, OBJ)
