# SPDX-License-Identifier: MIT
"""id() with and without audit hooks, bound methods of all kinds in locals and attributes, truth of instances whose class
changes, bytes put together, and dicts searched for ints, classes and what is equal to them."""

import io
import sys
import types

from support import Key, Noisy, attempt, refcheck, say, show, table

WARM = 40


def warm(function, *arguments):
    """The last of many calls, each of which has to give the same."""
    results = {attempt(function, *arguments) for _ in range(WARM)}
    show(f"{function.__name__}: {sorted(results)}")


# id()


class Slotted:
    __slots__ = "value"


def is_its_own_id(thing):
    return id(thing) == id(thing), type(id(thing)), id(thing) % 8, id(thing) > 0


def id_of_temporary():
    return id(object()) == 0, id([]) == id(None), len({id(i) for i in range(5)})


def id_in_memo(things):
    memo = {}
    for thing in things:
        if memo.get(id(thing)) is None:
            memo[id(thing)] = thing
    return [memo[id(thing)] is thing for thing in things], len(memo)


def id_wrongly(arguments):
    return id(*arguments)


def id_by_name(thing):
    return id(obj=thing)


def references_during_id(thing):
    counts.clear()
    number = id(thing)
    return number == id(thing), sorted(set(counts), key=repr), sys.getrefcount(number) <= 3


for thing in [None, 1, "text", (), [], Slotted(), Slotted, id, Noisy("seen")]:
    warm(is_its_own_id, thing)
warm(id_of_temporary)
shared = [[], {}, 5, "a", (), 10**20]
warm(id_in_memo, shared + shared)
table(id_wrongly, ((),), ((1, 2),), rounds=WARM)
warm(id_by_name, 1)
refcheck(lambda: id_in_memo(shared), *shared)

# Bound methods


class Methods:
    def __init__(self):
        self.log = []
        self.write = self.note
        self.add = self.log.append
        self.size = self.log.__len__
        self.static = Methods.plain
        self.bound_twice = types.MethodType(types.MethodType(Methods.both, "inner"), "outer")
        self.of_class = types.MethodType(dict, [(1, 2)])
        self.of_builtin = types.MethodType(len, [1, 2, 3])
        self.of_callable = types.MethodType(self, "bound")
        self.of_generator = types.MethodType(Methods.produce, 3)

    def __call__(self, *arguments):
        return arguments

    def note(self, item, more=7):
        self.log.append((item, more))
        return len(self.log)

    def drop(self, holder):
        holder.clear()
        return self.log, sys.getrefcount(self) > 0

    def fail(self, item):
        raise KeyError(item)

    def wants_three(self, a, b):
        return a, b

    @staticmethod
    def plain(item):
        return "plain", item

    def both(first, second, third):
        return first, second, third

    def produce(count):
        yield from range(count)


def through_attributes(methods):
    methods.log.clear()
    results = [methods.write(1), methods.write(2, 3), methods.add(4), methods.size(), methods.static(5)]
    return results, methods.log


def through_locals(methods):
    methods.log.clear()
    write, add, fail = methods.note, methods.log.append, methods.fail
    results = []
    for item in range(3):
        results.append(write(item))
        add(item)
        try:
            fail(item)
        except KeyError as error:
            results.append(error.args)
    return results, methods.log


def of_others(methods):
    return (
        methods.bound_twice("last"),
        methods.of_class(),
        methods.of_builtin(),
        methods.of_callable("argument"),
        list(methods.of_generator()),
    )


def with_wrong_arguments(methods, count):
    method = methods.wants_three
    return method(*range(count)) if count > 3 else method(1) if count == 1 else method()


def one_too_many(methods):
    method = methods.wants_three
    return method(1, 2, 3)


def last_reference(_):
    holder = [Methods().drop]
    method_log, alive = holder[0](holder)
    return method_log, alive, holder


def end_behind_call():
    noisy = Noisy("bound")
    method = noisy.__class__.__repr__.__get__(noisy)
    del noisy
    text = method()[:8]
    del method
    result = text, list(Noisy.log)
    Noisy.log.clear()
    return result


methods = Methods()
warm(through_attributes, methods)
warm(through_locals, methods)
warm(of_others, methods)
warm(with_wrong_arguments, methods, 1)
warm(with_wrong_arguments, methods, 4)
warm(one_too_many, methods)
warm(last_reference, None)
warm(end_behind_call)
refcheck(lambda: through_attributes(methods), methods, methods.write, Methods.note)
refcheck(lambda: through_locals(methods), methods, Methods.fail)
refcheck(lambda: of_others(methods), methods, dict, len)
methods.write = methods.plain  # a function, where there was a method
warm(through_attributes, methods)
methods.write = print
methods.add = io.StringIO().write
warm(attempt, through_attributes, methods)


# Truth


class Always:
    pass


class Sized:
    size = 0

    def __len__(self):
        return given_size(self.size)


def given_size(size):
    if isinstance(size, Exception):
        raise size
    return size


def truth(thing):
    if thing:
        return "true"
    return "false" if not thing else "changed"


for thing in [Always(), io.BytesIO(), object(), Always, truth, Sized()]:
    warm(truth, thing)
later = Always()
warm(truth, later)
Always.__bool__ = lambda self: False
warm(truth, later)
del Always.__bool__
warm(truth, later)
Always.__len__ = lambda self: 0
warm(truth, later)
Always.__len__ = lambda self: -1
warm(truth, later)
Always.__bool__ = lambda self: 1
warm(truth, later)
del Always.__bool__, Always.__len__
warm(truth, later)
for Sized.size in [0, 1, -1, "x", KeyError("size")]:
    warm(truth, Sized())


# Bytes


class Bytes(bytes):
    def __add__(self, other):
        return "add", bytes(self), other

    def __radd__(self, other):
        return "radd", other, bytes(self)


def joined(a, b):
    return a + b


def joined_in_place(a, b):
    result = a
    result += b
    return result, a


def is_operand(a, b):
    result = a + b
    return result is a, result is b, result


def grown(parts):
    whole = b""
    for part in parts:
        whole += part
    return whole


values = [b"", b"a", b"bc", b"\0" * 40, Bytes(b"s"), Bytes(), bytearray(b"ba"), "text", 5, None]
for left in values:
    for right in values:
        warm(joined, left, right)
for pair in [(b"x", b"y"), (b"x", b""), (b"", b"yz"), (b"", b""), (b"xy", "z")]:
    warm(joined_in_place, *pair)
    warm(is_operand, *pair)
long = bytes(range(256))
warm(grown, [long, b"", b"1", long])
refcheck(lambda: (joined(long, long), joined(long, b""), joined(b"", long), attempt(joined, long, 1)), long)


# Dicts


class Meta(type):
    def __hash__(cls):
        Key.log.append("meta hash")
        return 7

    def __eq__(cls, other):
        Key.log.append("meta eq")
        return cls is other


class WithMeta(metaclass=Meta):
    pass


class Int(int):
    def __hash__(self):
        Key.log.append("Int hash")
        return int.__hash__(self)


def find(table, key):
    Key.log.clear()
    return table.get(key, "none"), key in table, list(Key.log)


NUMBERS = [0, 1, -1, -2, 255, 2**30 - 1, 2**30, -(2**30), 2**60 - 1, 1 - 2**60, 2**60, -(2**60), 2**61 - 2, 2**61 - 1]
NUMBERS += [2**61, 1 - 2**61, -(2**61), 10**30]
CLASSES = [int, str, Key, Slotted, Meta, Exception, type]
ints = {number: f"value {number}" for number in NUMBERS}
classes = {cls: cls.__name__ for cls in CLASSES}
large = dict.fromkeys(range(-3, 300), "small")
large.update({10**12 + i: i for i in range(70000)})
emptied = {number: number for number in range(20)}
for number in range(15):
    del emptied[number]
SEARCHED = [ints, classes, large, emptied, {}, {"a": 1, "b": 2}, {b"a": 1}, {1: 1, "a": 2, 2.5: 3, None: 4, (1, 2): 5}]
KEYS = NUMBERS + CLASSES + [WithMeta, True, False, 1.0, 2.0**60, 2.5, None, "a", b"a", (1, 2), Int(1), Key(1), Key(2**60), []]
KEYS += [10**12 + 69999, 10**12 + 70000, 15, 14, ...]
for number, searched in enumerate(SEARCHED):
    for key in KEYS:
        results = {attempt(find, searched, key) for _ in range(WARM if number < 2 else 6)}
        show(f"find {number} {key!r}: {sorted(results)}")
same_hash = {hash(int): "a number of a class's hash", int: "the class"}
warm(find, same_hash, int)
warm(find, same_hash, hash(int))
warm(find, {hash(Slotted): 1}, Slotted)


# Audit hooks stay to the end of the program.


counts = []
mode = ["count"]


def hook(event, arguments):
    if event != "builtins.id":
        return
    match mode[0]:
        case "count":
            counts.append((type(arguments[0]).__name__, len(arguments)))
        case "again":
            mode[0] = "count"
            counts.append(("again", id(hook) > 0))
        case "raise":
            raise PermissionError("no id")
        case "line":
            counts.append(sys._getframe(1).f_code.co_name)


sys.addaudithook(hook)
target = Slotted()
for mode[0] in ["count", "raise", "line", "count"]:
    warm(references_during_id, target)
for _ in range(WARM):
    mode[0] = "again"
    references_during_id(target)
say(counts[-3:])
mode[0] = "raise"
warm(id_in_memo, shared)
mode[0] = "count"
warm(id_in_memo, shared)
refcheck(lambda: references_during_id(target), target)
