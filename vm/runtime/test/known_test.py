# SPDX-License-Identifier: MIT
"""Known C functions, and containers whose keys run no code."""

import collections
import math
import os
import re
import sys

from harness import BIG, COMPARISONS, Case, DECLINED, INTS, MISSING, TABLE, leave_kind, leave_take, outcome, rt

PLAIN, ITEMS, ANY, _ = range(4)
FLOATS = [0.0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 1e15 + 0.5, 9.2e18, -9.2e18, 5e-324]
ODD = [1e300, math.inf, -math.inf, math.nan, 2.0**63, -(2.0**63)]


def known():
    with open(os.path.join(os.path.dirname(TABLE), "../../lowering/known_callables.def")) as file:
        return {name: i for i, name in enumerate(re.findall(r"^KNOWN\((\w+),", file.read(), re.M))}


def declined():
    result = leave_kind() == DECLINED
    leave_take()
    return result


class Key:
    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return hash(self.value)

    def __eq__(self, other):
        return self.value == other


class KnownNumbers(Case):
    def test_ints(self):
        for value in INTS:
            self.assertEqual(rt.int_abs(value)[0], value != -(2**63))
            if value != -(2**63):
                self.assertEqual(rt.int_abs(value)[1], abs(value))

    def test_values(self):
        for value in INTS:
            self.assertEqual(rt.int_value(value), value)

    def test_floats(self):
        for value in FLOATS:
            self.assertEqual(repr(rt.float_abs(value)), repr(abs(value)))
            for direction, function in enumerate((int, math.floor, math.ceil, round)):
                self.assertEqual(rt.float_to_int(value, direction), (True, function(value)), (value, function))
            self.assertEqual(rt.float_sqrt(value)[0], value >= 0)
            if value >= 0:
                self.assertEqual(repr(rt.float_sqrt(value)[1]), repr(math.sqrt(value)))
        for value in ODD:
            self.assertFalse(rt.float_to_int(value, 0)[0])
        self.assertFalse(rt.float_sqrt(math.nan)[0])

    def test_math(self):
        numbers = known()
        for name in "acos asin atan cos exp log log10 log2 sin tan".split():
            for value in FLOATS + ODD:
                good, got = rt.math_function(value, numbers[name.capitalize()])
                if good:
                    self.assertEqual(repr(got), repr(getattr(math, name)(value)), (name, value))
                else:
                    self.assertFalse(math.isfinite(outcome(getattr(math, name), value)[1] == 0.0 or math.inf))
        for name in "atan2 copysign fmod pow".split():
            for a in FLOATS + ODD:
                for b in FLOATS + ODD:
                    good, got = rt.math_function_2(a, b, numbers[name.capitalize()])
                    if good:
                        self.assertEqual(repr(got), repr(getattr(math, name)(a, b)), (name, a, b))

    def test_characters(self):
        for text in ("a", "é", "€", "😀"):
            self.assertEqual(rt.ord(text), (True, ord(text)))
            self.assertEqual(rt.chr(ord(text)), text)
        for other in ("", "ab", b"a", 5, type("S", (str,), {})("a")):
            self.assertFalse(rt.ord(other)[0])
        for value in (-1, 0x110000, 2**40):
            self.assertIs(rt.chr(value), MISSING)
            self.assertTrue(declined())


class KnownCalls(Case):
    def test_quiet(self):
        calls = [(str.upper, "a"), (str.split, "a b"), (str.replace, "aba", "a", "c"), (str.join, ",", ["a", "b"]),
                 (str.join, ",", ["a", 1]), (str.find, "abc", "c"), (str.format, "{}", 5), (round, 1.25, 1), (int, "7"),
                 (int, "x"), (list, (1, 2)), (list.extend, [1], (2, 3)), (math.hypot, 3, 4), (str.upper, "a", "b"),
                 (range, 3), (dict.copy, {1: 2}), (callable, 5), (str.partition, "abc", "b")]
        for function, *args in calls:
            self.agree(lambda: rt.call_quiet(function, ITEMS, *args), lambda: function(*args), function, args)
            self.balanced([function, *args], lambda: outcome(rt.call_quiet, function, ITEMS, *args))
        made = type("S", (str,), {})("x")
        for function, kind, *args in [(str.join, PLAIN, ",", ["a"]), (str, PLAIN, b"a"), (round, PLAIN, made),
                                      (str.join, ITEMS, ",", iter("ab")), (int, PLAIN, made)]:
            self.assertIs(rt.call_quiet(function, kind, *args), MISSING)
            self.assertTrue(declined())
        self.assertIs(rt.call_quiet(callable, ANY, made), False)

    def test_instances(self):
        class Meta(type):
            def __instancecheck__(cls, other):
                return True

        class Base:
            pass

        class Derived(Base):
            pass

        class Liar:
            __class__ = property(lambda self: Base)

        for value in (1, True, "s", Base(), Derived()):
            for type_ in (int, str, Base, Derived, object, (int, str), (), (str, Base)):
                self.assertEqual(rt.is_instance(value, type_), (True, isinstance(value, type_)))
        for value, type_ in [(1, Meta("M", (), {})), (Liar(), Base), (1, 5), (1, (str, (int,))), (1, int | str)]:
            self.assertFalse(rt.is_instance(value, type_)[0])
        self.assertTrue(rt.is_module(sys))
        self.assertFalse(rt.is_module(type("M", (type(sys),), {})("m")))

    def test_lengths(self):
        for value in ([1], (1, 2), "abc", "é€", b"ab", bytearray(b"abc"), {1: 2}, {1, 2}, frozenset("ab"), [], ""):
            self.assertEqual(rt.len(value), (True, len(value)))
        self.assertEqual(rt.len(type("L", (list,), {})([1, 2])), (True, 2))
        own = type("L", (list,), {"__len__": lambda self: 7})
        for value in (range(3), 5, own(), {}.keys()):
            self.assertFalse(rt.len(value)[0])

    def test_strings(self):
        texts = ["", "a", "ab", "é", "€", "😀", "é€"]
        for a in texts:
            self.assertEqual(rt.format_quiet(a), a)
            for b in texts:
                self.assertEqual(rt.str_concat(a, b), a + b)
                for i, compare in enumerate(COMPARISONS):
                    self.assertEqual(rt.str_compare(a, b, i), compare(a, b))
            for i in range(-len(a) - 1, len(a) + 1):
                if -len(a) <= i < len(a):
                    self.assertEqual(rt.str_item(a, i), a[i])
                else:
                    self.agree(lambda: rt.str_item(a, i), lambda: a[i], a, i)
        for value in (5, 2**70, 1.5, True):
            self.assertEqual(rt.format_quiet(value), f"{value}")
        for other in ([], None):
            self.assertIs(rt.format_quiet(other), MISSING)
            self.assertTrue(declined())

    def test_iterators(self):
        for value in ([1, 2], (1, 2), "ab", range(3), {1: 2}, {3}, b"ab", {1: 2}.items(), iter([4])):
            self.assertEqual(list(rt.get_iter_quiet(value)), list(iter(value)) or [4])
        self.assertEqual(list(rt.get_iter_quiet(type("L", (list,), {})([1, 2]))), [1, 2])
        for other in (5, type("L", (list,), {"__iter__": lambda self: iter(())})()):
            self.assertIs(rt.get_iter_quiet(other), MISSING)
            self.assertFalse(declined())

    def test_next(self):
        l = [(1, 2), (3, 4)]
        for make in (lambda: iter({1: 2, 3: 4}), lambda: iter({1: 2}.items()), lambda: iter({1: 2}.values()),
                     lambda: iter({1, 2}), lambda: reversed(l), lambda: iter("ab"), lambda: iter("é€"),
                     lambda: iter(b"ab"), lambda: iter(bytearray(b"ab")), lambda: enumerate(l), lambda: zip(l, l),
                     lambda: zip(), lambda: iter(l), lambda: iter(()), lambda: iter(range(3)), lambda: zip(l, [])):
            iterator, expected = make(), list(make())
            got = []
            while True:
                status, [item] = rt.for_iter_quiet(iterator)
                if status != 1:
                    break
                got.append(item)
            if status < 0:  # zip() has asked for more than it will give
                self.assertTrue(declined())
            self.assertEqual(got + list(iterator), expected)
        d = {1: 2, 3: 4}
        grown = iter(d)
        d[5] = 6
        for iterator in (grown, map(int, "1"), zip(map(int, "1")), enumerate(iter(int, 1)), 5):
            self.assertEqual(rt.for_iter_quiet(iterator), (-1, [MISSING]))
            self.assertTrue(declined())

    def test_learning(self):
        for make, learns in [(lambda: iter({1: 2}), True), (lambda: enumerate([1]), True), (lambda: iter([1]), False),
                             (lambda: map(int, "1"), False)]:
            helper = type(rt.iterator_unlearned)(
                rt.iterator_unlearned.symbol, rt.iterator_unlearned.result, rt.iterator_unlearned.params)
            rt.iterator_unlearned.caches.clear()
            answers = [helper(make()) for _ in range(60)]
            rt.iterator_unlearned(make())
            self.assertEqual(answers.count(False), learns)


class QuietContainers(Case):
    KEYS = [1, 0, -1, 2**40, *BIG, 1.5, True, None, "a", "é", "", (), (1, "a"), object, int]
    LOUD = [Key(1), (1, Key(1)), len, [1], (b"a",), frozenset([1])]

    def test_dicts(self):
        for make in (dict, lambda: {"a": 1, "é": 2}, lambda: {1: "one", "a": 2, None: 3}, lambda: dict.fromkeys(range(500))):
            for key in self.KEYS:
                d, e = make(), make()
                self.assertEqual(rt.dict_item(d, key), e.get(key, MISSING))
                self.agree(lambda: rt.dict_get(d, key, 7), lambda: e.get(key, 7), key)
                self.agree(lambda: rt.dict_setdefault(d, key, 7), lambda: e.setdefault(key, 7), key)
                self.assertEqual(d, e)
                old = d.get(key, MISSING)
                self.assertEqual(rt.dict_store(d, key, "new"), (True, [old]))
                self.assertEqual(rt.contains_quiet(key, d), (True, True))
                self.assertEqual(rt.dict_pop(d, key, MISSING), "new")
                self.agree(lambda: rt.dict_pop(d, key, MISSING), lambda: {}[key], key)
                self.assertEqual(rt.dict_pop(d, key, "none"), "none")
                self.assertEqual(rt.contains_quiet(key, d), (True, False))
                self.assertEqual(rt.dict_store(d, key, "new"), (True, [MISSING]))
                self.assertEqual(d[key], "new")

    def test_what_is_left_alone(self):
        for d, key in [({}, key) for key in self.LOUD] + [({Key(1): 1}, 1), (type("D", (dict,), {})(), 1), ([], 1)]:
            for call in (lambda: rt.dict_get(d, key, 7), lambda: rt.dict_setdefault(d, key, 7), lambda: rt.dict_pop(d, key, 7)):
                self.assertIs(call(), MISSING)
                self.assertTrue(declined())
            self.assertIs(rt.dict_item(d, key), MISSING)
            self.assertEqual(rt.dict_store(d, key, 7), (False, [MISSING]))
            self.assertFalse(declined())
            if not isinstance(d, list):
                self.assertEqual(rt.contains_quiet(key, d)[0], type(d) is type)

    def test_present_items(self):
        Pair = collections.namedtuple("Pair", "a b")
        made = collections.defaultdict(list, {1: "one"})
        there = [({"a": 1}, "a"), (made, 1), ([5, 6], -1), ((5, 6), 1), (Pair(7, 8), 0)]
        for container, key in there:
            self.assertEqual(rt.present_item(container, key), container[key])
        own = type("Own", (dict,), {"__getitem__": lambda self, key: "own"})({1: 2})
        gone = [({"a": 1}, "b"), (made, 2), ([5], 1), ((5,), -2), ([5], 2**70), ("ab", 0), (own, 1), (range(3), 1)]
        gone.append((type("L", (list,), {})([9]), 0))  # list.__getitem__ is a method: CPython gives it a slot of its own
        for container, key in gone + [({}, key) for key in self.LOUD]:
            self.assertIs(rt.present_item(container, key), MISSING)
        self.assertEqual(list(made), [1])

    def test_collected_lists(self):
        for count in (0, 1, 2, 3, 4, 8, 9, 16, 17, 100):
            collected = rt.new_collected()
            for i in range(count):
                self.assertEqual(rt.list_append(collected, i), 0)
            rt.trim_collected(collected)
            expected = list(i for i in range(count))
            self.assertEqual((collected, sys.getsizeof(collected)), (expected, sys.getsizeof(expected)))

    def test_sets(self):
        for elements in ((), (1, 2, "a", None), range(1000), [i << 16 for i in range(100)]):
            for key in self.KEYS:
                s = set(elements)
                self.assertEqual(rt.contains_quiet(key, s), (True, key in s))
                self.assertEqual(rt.set_add_quiet(s, key), 0)
                self.assertEqual(s, {*elements, key})
                self.assertEqual(rt.set_discard_quiet(s, key, 1), 0)
                self.assertNotIn(key, s)
                self.assertEqual(rt.set_discard_quiet(s, key, 0), 0)
                self.agree(lambda: rt.set_discard_quiet(s, key, 1), lambda: s.remove(key), key)
        for s, key in [(set(), Key(1)), ({Key(1)}, 1), (frozenset(), 1), ([], 1)]:
            self.assertEqual(rt.set_add_quiet(s, key), -1)
            self.assertTrue(declined())
            self.assertEqual(rt.set_discard_quiet(s, key, 0), -1)
            self.assertTrue(declined())

    def test_members(self):
        for container in ((1, "a", None, 2.0), [1, int], (), "abc"):
            for key in (1, 2, "a", "b", None, True, int, "bc"):
                if isinstance(container, str) and not isinstance(key, str):
                    continue
                self.assertEqual(rt.contains_quiet(key, container), (True, key in container), (key, container))
        self.agree(lambda: rt.list_pop([], -1), lambda: [].pop())
        for container in ({b"a"}, {b"a": 1}, {b"a": 1, "a": 2}):
            self.assertEqual(rt.contains_quiet(b"a", container), (True, True))
            self.assertEqual(rt.contains_quiet(b"b", container), (True, False))
        self.assertEqual(rt.contains_quiet(b"a", {}), (True, False))
        for other in ("a", Key(b"a")):  # with that hash; a warning is possible
            self.assertFalse(rt.contains_quiet(b"a", {other})[0])
            self.assertFalse(rt.contains_quiet(b"a", {other: 1})[0])
            self.assertFalse(rt.contains_quiet(other, {b"a"})[0])
        for key, container in [(Key(5), (1, 2)), (5, [Key(5)]), (5, range(9)), (5, "abc")]:
            self.assertFalse(rt.contains_quiet(key, container)[0])

    def test_lists(self):
        for size in (1, 2, 5, 20):
            for index in range(-size - 1, size + 1):
                a, b = list(range(size)), list(range(size))
                if -size <= index < size:
                    self.assertEqual(rt.list_pop(a, index), b.pop(index))
                    self.assertEqual(a, b)
                else:
                    self.agree(lambda: rt.list_pop(a, index), lambda: b.pop(index), index)
        a, b = list(range(50)), list(range(50))
        while b:
            self.assertEqual((rt.list_pop(a, -1), sys.getsizeof(a)), (b.pop(), sys.getsizeof(b)))

    def test_bytes(self):
        for data in (b"a\xff", bytearray(b"a\xff")):
            for i in range(-3, 3):
                good, got = rt.byte_item(data, i)
                self.assertEqual(good, -2 <= i < 2)
                if good:
                    self.assertEqual(got, data[i])
        self.assertFalse(rt.byte_item([1], 0)[0])
        data = bytearray(2)
        for i, value, good in [(0, 7, True), (-1, 255, True), (2, 1, False), (-3, 1, False), (0, 256, False), (0, -1, False)]:
            self.assertEqual(rt.store_byte(data, i, value), good)
        self.assertEqual(data, b"\x07\xff")
        self.assertFalse(rt.store_byte(b"ab", 0, 1))

    def test_balance(self):
        key, value, other = "key%d" % id(self), [1], 10**9
        d, s, l = {key: value}, {key}, [value]

        def everything():
            rt.dict_store(d, key, value), rt.dict_store(d, other, value), rt.dict_item(d, key)
            rt.dict_pop(d, other, MISSING), rt.dict_pop(d, other, value), rt.dict_get(d, other, value)
            rt.dict_setdefault(d, key, other), rt.set_add_quiet(s, other), rt.set_add_quiet(s, other)
            rt.set_discard_quiet(s, other, 1), rt.contains_quiet(key, s), l.append(value), rt.list_pop(l, -1)
            l.append(other), rt.list_pop(l, 0), l.append(value), rt.list_pop(l, 0)

        self.balanced([key, value, other], everything)
