# SPDX-License-Identifier: MIT
"""Items of array.array: every type code, edges of range and index, subclasses, resizing, lists found late."""

from array import array


class Sub(array):
    def __getitem__(self, index):
        return "sub", index

    def __setitem__(self, index, value):
        array.__setitem__(self, index, 7)


def total(items, count):
    result = 0
    for i in range(count):
        result = result + items[i]
    return result


def fill(items, start, step, count):
    for i in range(count):
        items[i] = start + i * step
    return items


def attempt(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return type(error).__name__, str(error)


def load(items, index):
    return items[index]


def store(items, index, value):
    items[index] = value
    return items


def last(items):
    return items[-1]


class Wrapper:
    def __init__(self, items):
        self.items = items

    def __getitem__(self, index):
        return self.items[index]

    def __setitem__(self, index, value):
        self.items[index] = value


def wrapped(w, count):
    result = 0.0
    for i in range(count):
        w[i] += 0.5
        result += w[i]
    return result


def smooth(items, rounds):
    for _ in range(rounds):
        for i in range(1, len(items) - 1):
            items[i] = (items[i - 1] + items[i + 1]) * 0.5
        items[0] += 1.0
    return items


def shrink(items):
    seen = []
    try:
        for i in range(300):
            seen.append(items[i])
            if i == 200:
                del items[250:]
    except IndexError as error:
        seen.append(str(error))
    return len(seen), seen[-1]


LIMITS = {
    "b": (-128, 127), "B": (0, 255), "h": (-(2**15), 2**15 - 1), "H": (0, 2**16 - 1), "i": (-(2**31), 2**31 - 1),
    "I": (0, 2**32 - 1), "l": (-(2**63), 2**63 - 1), "L": (0, 2**64 - 1), "q": (-(2**63), 2**63 - 1),
    "Q": (0, 2**64 - 1),
}  # fmt: skip


def codes():
    for code, (low, high) in LIMITS.items():
        items = array(code, [low, high, 1, 2, 3])
        # New functions for each code, so that each learns it.
        scope = {}
        exec("def get(a, i): return a[i]\ndef put(a, i, v): a[i] = v", scope)
        get, put = scope["get"], scope["put"]
        for i in range(700):
            assert get(items, i % 5) == items.tolist()[i % 5]
            put(items, i % 3 + 2, i % 100)
        print(code, [get(items, i) for i in range(-5, 5)])
        for value in (low, high, low - 1, high + 1, True, 1.0, "x", None):
            print(code, repr(value), attempt(put, items, 2, value), items[2])
        for index in (5, -6, 2**62, 2**70, True, 1.0, None, "x", slice(1, 3)):
            print(code, repr(index), attempt(get, items, index))
            print(code, repr(index), attempt(put, items, index, 1))
        print(code, attempt(get, Sub(code, [1, 2]), 1), attempt(get, [5, 6], 1), attempt(get, (5, 6), 0))
        print(code, attempt(get, array("d", [1.5]), 0), attempt(get, array("f", [1.5]), 0))


def doubles():
    items = array("d", [0]) * 300
    for _ in range(8):
        print(total(fill(items, 0.5, 0.25, 300), 300), total(fill(items, 0, 1, 300), 300))
    for value in (1, True, 2**53, 2**53 + 1, 2**80, 10**400, float("inf"), float("nan"), -0.0, "x", None, 1j):
        print(repr(value), attempt(lambda: store(array("d", [1]), 0, value)))
    for i in range(600):
        load(items, i % 300), store(items, -1 - i % 300, i * 0.5), last(items)
    print(load(items, -300), load(items, 299), attempt(load, items, 300), attempt(load, items, -301))
    print(attempt(store, array("d"), 0, 1.0), attempt(last, array("d")), last([1, 2]), last((3, 4)), last("xy"))
    print(type(load(items, 0)), load(items, 7) is load(items, 7))
    sub = Sub("d", [1, 2, 3])
    print(load(sub, 1), store(sub, 1, 5.0).tolist(), last(sub), last(items))
    view = memoryview(items)
    store(items, 3, 99.5)
    print(view[3], attempt(items.append, 1.0))


def main():
    codes()
    doubles()
    w = Wrapper(array("d", range(400)))
    for _ in range(6):
        print(wrapped(w, 400))
    w.items = list(range(400))
    print(wrapped(w, 400), wrapped(w, 400))
    print(smooth(array("d", range(40)), 60)[:5], smooth(list(map(float, range(40))), 60)[:5])
    for _ in range(5):
        print(shrink(array("i", range(300))), shrink(list(range(300))))


main()
