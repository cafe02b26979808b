# SPDX-License-Identifier: MIT
"""Numbers, containers, iteration."""

import collections
import ctypes
import gc
import itertools
import math
import operator
import re
import sys
import types

from harness import (
    BIG, COMPARISONS, Case, INTS, MISSING, NB_ADD, NB_INPLACE, NB_MULTIPLY, NB_SUBTRACT, found_everything,
    outcome, rt, test_frame, type_version,
)


class Numbers(Case):
    def test_setup(self):
        self.assertTrue(found_everything())

    def test_unbox_int(self):
        for value in INTS:
            self.assertEqual(rt.unbox_int(value), (True, value))
        for value in BIG + [True, 1.0, "1", None, type("I", (int,), {})(3)]:
            self.assertFalse(rt.unbox_int(value)[0], value)

    def test_box_int(self):
        for value in INTS:
            if -(2**63) <= value < 2**63:
                self.assertEqual(rt.box_int(value), value)
        for value in (-5, 0, 256):
            self.assertIs(rt.box_int(value), value)

    def test_float(self):
        for value in (0.0, -0.0, 1.5, math.inf, -math.inf, 1e308):
            self.assertEqual(rt.unbox_float(value), (True, value))
            self.assertEqual(repr(rt.box_float(value)), repr(value))
        self.assertFalse(rt.unbox_float(1)[0])
        self.assertFalse(rt.unbox_float(type("F", (float,), {})(3))[0])
        self.assertTrue(math.isnan(rt.box_float(math.nan)))
        kept = [rt.box_float(float(i)) for i in range(500)]  # empties the free list
        self.assertEqual(kept, [float(i) for i in range(500)])
        del kept
        kept = [rt.box_float(float(i)) for i in range(500)]
        self.assertEqual(len({id(k) for k in kept}), 500)
        self.assertEqual(sys.getrefcount(kept[3]), 2)

    def test_bool(self):
        self.assertEqual(rt.box_bool(True), id(True))
        self.assertEqual(rt.box_bool(False), id(False))

    def test_machine_arithmetic(self):
        values = [0, 1, -1, 2, 3, -3, 7, 62, 63, 64, 2**31, 2**62, 2**63 - 1, -(2**63), -(2**63) + 1]
        fits = lambda v: -(2**63) <= v < 2**63
        for a in values:
            for b in values:
                ok, got = rt.int_floor_div(a, b)
                self.assertEqual(ok, b != 0 and fits(a // b))
                if ok:
                    self.assertEqual(got, a // b, (a, b))
                ok, got = rt.int_mod(a, b)
                self.assertEqual(ok, b != 0)
                if ok:
                    self.assertEqual(got, a % b, (a, b))
                ok, got = rt.int_rshift(a, b)
                self.assertEqual(ok, b >= 0)
                if ok:
                    self.assertEqual(got, a >> b, (a, b))
                ok, got = rt.int_lshift(a, b)
                want = b >= 0 and (a == 0 or (b < 200 and fits(a << b)))
                self.assertEqual(ok, want, (a, b))
                if ok:
                    self.assertEqual(got, a << min(b, 200) if a else 0, (a, b))

    def test_has_type(self):
        bits = {int: 0, float: 1, bool: 2, type(None): 3, str: 4, bytes: 5, tuple: 6, list: 7, dict: 8, set: 9,
                slice: 10, types.FunctionType: 11, type: 12, types.CellType: 13, type(iter(range(3))): 14,
                type(iter([])): 15, type(iter(())): 16}
        other, samples = 20, [1, 1.0, True, None, "", b"", (), [], {}, set(), slice(1), outcome, int, types.CellType(),
                              iter(range(3)), iter([1]), iter((1,)), type("L", (list,), {})(), frozenset(), 1j,
                              type("M", (type,), {})("C", (), {})]
        for sample in samples:
            bit = bits.get(type(sample), other)
            for mask in (1 << bit, 0x1FFFFF, 0x1FFFFF & ~(1 << bit), 1 | 1 << bit, 1 << other, 1, 1 << 4 | 1 << other):
                self.assertEqual(rt.has_type(sample, mask), bool(mask >> bit & 1), (sample, hex(mask)))
            for known in bits.values():
                self.assertEqual(rt.has_class(sample, known), known == bit, (sample, known))

    def test_copy_slice(self):
        numbers, texts, things = [1, 2, 3, 4, 5], ["a", "b"], [[], {}]
        self.assertTrue(rt.copy_slice(numbers, None, 3, numbers, 2, None, -1))
        self.assertEqual(numbers, [3, 2, 1, 4, 5])
        self.assertTrue(rt.copy_slice(numbers, 1, 3, things, 0, 2, MISSING))
        self.assertEqual(numbers, [3, [], {}, 4, 5])
        self.assertTrue(rt.copy_slice(texts, 1, None, numbers, 4, 9, None))
        self.assertEqual(texts, ["a", 5])
        big = list(range(100))
        for arguments in ((texts, 0, 1, numbers, 0, 2, 1), (texts, 0, 1, (1, 2), 0, 1, 1), (texts, 0, "x", numbers, 0, 1, 1),
                          (texts, 0, 1, numbers, 0, 1, 0), (big, 0, 100, big, 0, 100, 1)):
            before = list(arguments[0])
            self.assertFalse(rt.copy_slice(*arguments), arguments)
            self.assertEqual(arguments[0], before)

    def test_is_quiet(self):
        for sample in (MISSING, None, 0, 2**70, 1.5, True):
            self.assertTrue(rt.is_quiet(sample), sample)
        for sample in ("", [], (), 1j, int, type("I", (int,), {})(1)):
            self.assertFalse(rt.is_quiet(sample), sample)

    def test_to_bool(self):
        class Raises:
            def __bool__(self):
                raise KeyError("no")

        class Sub(int):
            def __bool__(self):
                return False

        for value in [0, 1, -1, 2**70, True, False, None, "", "a", [], [0], {}, {1: 1}, (), (1,), 0.0, 1.0, Sub(3),
                      object()]:
            self.assertEqual(rt.to_bool(value), int(bool(value)), value)
        self.assertRaises(KeyError, rt.to_bool, Raises())

    def test_to_bool_of_class(self):
        self.assertEqual(rt.to_bool_of_class([], type_version(list)), 1)  # as it was told
        for value in ["", "a", 0, 2, object()]:
            self.assertEqual(rt.to_bool_of_class(value, type_version(list)), int(bool(value)), value)

    def test_bytes(self):
        values = [b"", b"a", b"bc" * 20, bytearray(b"x"), type("Bytes", (bytes,), {})(b"s"), "text"]
        for a in values:
            for b in values:
                self.agree(lambda: rt.binary_op(a, b, NB_ADD), lambda: a + b, a, b)
        long = b"long" * 10
        self.assertIs(rt.binary_op(long, b"", NB_ADD), long)
        self.assertIs(rt.binary_op(b"", long, NB_ADD), long)

    def test_operators(self):
        numbers = INTS + BIG + [True, 0.5, -0.0, math.nan, math.inf, 1j, "x", None]
        table = {NB_ADD: operator.add, NB_MULTIPLY: operator.mul, NB_SUBTRACT: operator.sub}
        for a in numbers:
            for b in numbers:
                for oparg, function in table.items():
                    if "x" in (a, b) and oparg == NB_MULTIPLY:
                        continue
                    for helper in (rt.binary_op, rt.binary_op_int, rt.binary_op_float):
                        self.agree(lambda: helper(a, b, oparg), lambda: function(a, b), a, b)
                for op, function in enumerate(COMPARISONS):
                    for helper in (rt.compare_op, rt.compare_int):
                        self.agree(lambda: helper(a, b, op << 5), lambda: function(a, b), a, b, op)
            self.agree(lambda: rt.unary_negative(a), lambda: -a)
            if type(a) is not bool:
                self.agree(lambda: rt.unary_invert(a), lambda: ~a)
        self.agree(lambda: rt.binary_op_int(7, 3, 2), lambda: 7 // 3)
        left = [1]
        self.assertIs(rt.binary_op(left, [2], NB_INPLACE), left)
        self.assertEqual(left, [1, 2])

    def test_compare_to_bool(self):
        class Odd:
            def __eq__(self, other):
                return []

        self.assertEqual(rt.compare_op(Odd(), 1, 2 << 5), [])
        self.assertIs(rt.compare_op(Odd(), 1, 2 << 5 | 16), False)
        for a, b in [("a", "a"), ("a", "b"), ("ä", "ä" * 1), ("a", 1), ("", "")]:
            for op in range(6):
                self.agree(lambda: rt.compare_str(a, b, op << 5), lambda: COMPARISONS[op](a, b), a, b, op)

    def test_balance(self):
        a, b = 10**6, 2**40
        self.balanced([a, b], lambda: (rt.binary_op_int(a, b, 0), rt.compare_int(a, b, 0), rt.unbox_int(b),
                                       rt.to_bool(a)))
        x, y = 1.25, 2.5
        self.balanced([x, y], lambda: (rt.binary_op_float(x, y, 0), rt.unbox_float(x), rt.binary_op(x, y, 0)))


class Containers(Case):
    KEYS = [0, 1, 2, -1, -3, -4, 3, 2**40, 2**70, -(2**70), True, "a", None, slice(0, 2)]

    def test_subscript(self):
        helpers = (rt.subscr, rt.subscr_list_int, rt.subscr_tuple_int, rt.subscr_str_int, rt.subscr_dict)
        containers = [[10, "b", 3.5], (10, "b", 3.5), "aéz", "abc", {0: 1, "a": 2}, range(5),
                      collections.defaultdict(int), 7,
                      type("L", (list,), {"__getitem__": lambda self, key: key})([1])]
        for container in containers:
            for key in self.KEYS:
                for helper in helpers:
                    self.agree(lambda: helper(container, key), lambda: container[key], container, key)
                if type(key) is int and -(2**63) <= key < 2**63:
                    for helper in (rt.subscr_list_i64, rt.subscr_tuple_i64):
                        self.agree(lambda: helper(container, key), lambda: container[key], container, key)

    def test_store(self):
        for make in (lambda: [1, 2, 3], lambda: {}, lambda: (1,), lambda: bytearray(b"abc")):
            for key in self.KEYS:
                for helper in (rt.store_subscr, rt.store_subscr_list_int, rt.store_subscr_dict,
                               rt.store_subscr_list_i64):
                    if helper is rt.store_subscr_list_i64 and (type(key) is not int or abs(key) >= 2**63):
                        continue
                    got, want = make(), make()
                    value = 65 if isinstance(got, bytearray) else "v" if not isinstance(key, slice) else "vw"
                    self.agree(lambda: helper(got, key, value) and None or None,
                               lambda: operator.setitem(want, key, value))
                    self.assertEqual(got, want)

    def test_delete_and_slices(self):
        got, want = [1, 2, 3, 4], [1, 2, 3, 4]
        rt.delete_subscr(got, 1)
        del want[1]
        rt.store_slice(got, 0, 2, "xyz")
        want[0:2] = "xyz"
        self.assertEqual(got, want)
        self.assertEqual(rt.binary_slice(got, 1, None), want[1:])
        self.agree(lambda: rt.binary_slice(5, 1, 2), lambda: operator.getitem(5, slice(1, 2)))
        for container in ([1, 2, 3, 4], (1, 2, 3), "abc", b"abc", bytearray(b"abc"), range(3), 5):
            for bounds in ((0, 2, MISSING), (None, None, None), (2, None, -1), (-9, 9, 2), (1, 2, 0), ("a", 1, 1), (2**70, -1, -1)):
                plain = slice(*(None if b is MISSING else b for b in bounds))
                self.agree(lambda: rt.subscr_slice(container, *bounds), lambda: operator.getitem(container, plain))
        self.agree(lambda: rt.delete_subscr({}, 1), lambda: operator.delitem({}, 1))
        self.agree(lambda: rt.store_slice((), 1, 2, 3), lambda: operator.setitem((), slice(1, 2), 3))

    def test_contains(self):
        class Unhashable:
            __hash__ = None

        for container in ([1, "a"], {1: 2, "a": 3}, {1, "a"}, frozenset([1]), "abc", 5, (1,)):
            for item in (1, "a", 9, Unhashable()):
                for helper in (rt.contains, rt.contains_dict, rt.contains_set):
                    self.agree(lambda: bool(helper(item, container)), lambda: item in container, item, container)

    def test_old_item_is_released_last(self):
        seen = []

        class Watcher:
            def __del__(self):
                seen.append(list(items))

        items = [Watcher(), 2]
        rt.store_subscr_list_int(items, 0, "new")
        self.assertEqual(seen, [["new", 2]])

    def test_build(self):
        values = [object(), 1, "x"]
        self.balanced(values, lambda: (rt.build_tuple(*values), rt.build_list(*values), rt.build_set(*values),
                                       rt.build_map(1, values[0], 2, values[1]), rt.build_slice(values[0], 1, MISSING)))
        self.assertEqual(rt.build_tuple(), ())
        self.assertEqual(rt.build_tuple(1, 2), (1, 2))
        self.assertEqual(rt.build_list(*range(9)), list(range(9)))
        self.assertEqual(rt.build_set(1, 2, 1), {1, 2})
        self.assertEqual(rt.build_map("a", 1, "b", 2, "a", 3), {"a": 3, "b": 2})
        self.assertEqual(rt.build_const_key_map(("x", "y"), 1, 2), {"x": 1, "y": 2})
        self.assertEqual(rt.build_string("a", "é", ""), "aé")
        self.assertEqual(rt.build_string(), "")
        self.assertEqual(rt.build_slice(1, 2, 3), slice(1, 2, 3))
        self.assertEqual(rt.build_slice(1, None, MISSING), slice(1, None))
        self.agree(lambda: rt.build_set(1, []), lambda: {1, *[[]]})
        self.agree(lambda: rt.build_map([], 1), lambda: {list(): 1})
        self.assertTrue(gc.is_tracked(rt.build_list([])))

    def test_add(self):
        values, value = [], object()
        for i in range(50):
            self.assertEqual(rt.list_append(values, value), 0)
        self.assertEqual(values, [value] * 50)
        self.assertEqual(sys.getrefcount(value), 52)
        self.assertEqual(rt.list_extend(values, (1, 2)), 0)
        self.assertEqual(values[-2:], [1, 2])
        self.agree(lambda: rt.list_extend([], 5), lambda: [*5])
        got = set()
        rt.set_add(got, 1)
        rt.set_update(got, [2, 3])
        self.assertEqual(got, {1, 2, 3})
        self.agree(lambda: rt.set_update(set(), 5), lambda: {*5})
        self.agree(lambda: rt.set_add(set(), []), lambda: set().add([]))
        got = {}
        rt.map_add(got, "a", 1)
        rt.dict_update(got, {"b": 2})
        self.assertEqual(got, {"a": 1, "b": 2})
        self.agree(lambda: rt.dict_update({}, 5), lambda: {**5})
        self.agree(lambda: rt.dict_update({}, None), lambda: {**None})

        def function(**keywords):
            pass

        rt.dict_merge(function, got, {"c": 3})
        self.assertEqual(got, {"a": 1, "b": 2, "c": 3})
        self.agree(lambda: rt.dict_merge(function, {"a": 1}, {"a": 2}), lambda: function(**{"a": 1}, **{"a": 2}))
        self.agree(lambda: rt.dict_merge(function, {}, 5), lambda: function(**5))

    def test_unpack(self):
        class Broken:
            def __iter__(self):
                yield 1
                raise KeyError("mid")

        for size in range(0, 7):
            for make in (tuple, list, iter, "abcdefgh".__getitem__):
                values = make(slice(0, size)) if make not in (tuple, list, iter) else make(range(size))
                status, out = rt.unpack_sequence(values, size, outputs=max(size, 1))
                self.assertEqual(status, 0)
                want = list("abcdefgh"[:size]) if isinstance(values, str) else list(range(size))
                self.assertEqual(out[:size], want[::-1])

        def two(v):
            a, b = v

        def three(v):
            a, b, c = v

        def star(v):
            a, *b, c = v

        for values in ((1,), [1, 2, 3], (), 5, None, "a", Broken(), iter(())):
            if not hasattr(values, "__next__"):
                self.agree(lambda: rt.unpack_sequence(values, 2, outputs=2) and None, lambda: two(values))
                self.agree(lambda: rt.unpack_ex(values, 1, 1, outputs=3) and None, lambda: star(values))
        status, out = rt.unpack_ex(range(6), 2, 1, outputs=4)
        self.assertEqual(out, [5, [2, 3, 4], 1, 0])
        values = (object(), object())
        self.balanced(values, lambda: rt.unpack_sequence(values, 2, outputs=2))
        self.balanced(values, lambda: rt.unpack_sequence(list(values), 2, outputs=2))

    def test_strings(self):
        self.assertEqual(rt.concat_str("a", "é"), "aé")
        self.assertEqual(rt.convert_value("a", 1), "a")
        self.assertEqual(rt.convert_value("é", 2), "'é'")
        self.assertEqual(rt.convert_value("é", 3), "'\\xe9'")
        self.assertEqual(rt.format_simple(5), "5")
        self.assertEqual(rt.format_simple("x"), "x")
        self.assertEqual(rt.format_with_spec(5, "03d"), "005")
        self.agree(lambda: rt.format_with_spec(5, "q"), lambda: format(5, "q"))


class Iteration(Case):
    def drain(self, helper, iterator, limit=100):
        got = []
        while len(got) < limit:
            status, (value,) = helper(iterator)
            if status == 0:
                self.assertIs(value, MISSING)
                return got
            got.append(value)

    def test_for_iter(self):
        sources = [lambda: iter([1, "b", 2.5]), lambda: iter((1, "b")), lambda: iter(range(300, 310, 3)),
                   lambda: iter(range(0)),
                   lambda: iter({1: 2, 3: 4}), lambda: (i for i in range(3)), lambda: iter("abc"),
                   lambda: map(abs, [-1]),
                   lambda: iter([]), lambda: iter(()), lambda: iter(range(5, 0, -2))]
        for make in sources:
            for helper in (rt.for_iter, rt.for_iter_list, rt.for_iter_tuple, rt.for_iter_range):
                iterator = make()
                self.assertEqual(self.drain(helper, iterator), list(make()))
                self.assertEqual(self.drain(helper, iterator), [])
                self.assertEqual(list(iterator), [])

    def test_iterator_lets_go_of_its_list(self):
        for values, helper in (([1], rt.for_iter_list), ((object(), 1), rt.for_iter_tuple)):
            iterator = iter(values)
            held = sys.getrefcount(values)
            self.drain(helper, iterator)
            self.assertEqual(sys.getrefcount(values), held - 1)

    def test_list_that_grows(self):
        values = [1]
        iterator = iter(values)
        self.assertEqual(rt.for_iter_list(iterator), (1, [1]))
        values.append(2)
        self.assertEqual(rt.for_iter_list(iterator), (1, [2]))
        self.assertEqual(rt.for_iter_list(iterator)[0], 0)
        values.append(3)
        self.assertEqual(rt.for_iter_list(iterator)[0], 0)

    def test_errors(self):
        class Stops:
            def __init__(self, error):
                self.error = error

            def __iter__(self):
                return self

            def __next__(self):
                raise self.error

        self.assertEqual(rt.for_iter(Stops(StopIteration(5)))[0], 0)
        self.assertRaises(KeyError, rt.for_iter, Stops(KeyError()))
        self.assertRaises(KeyError, rt.for_iter_list, Stops(KeyError()))

    def test_range_next(self):
        values = range(2**61, 2**62, 2**60 - 1)
        iterator = iter(values)
        self.assertEqual(type(iterator).__name__, "range_iterator")
        for value in values:
            self.assertEqual(rt.range_next(iterator), (True, value))
        self.assertFalse(rt.range_next(iterator)[0])

    def test_range_state(self):
        iterator = iter(range(5, 50, 7))
        next(iterator)
        self.assertEqual([rt.range_field(iterator, field) for field in range(3)], [12, 6, 7])
        rt.sync_range(iterator, 26, 4)
        self.assertEqual(list(iterator), [26, 33, 40, 47])
        self.assertFalse(rt.is_own_range(iterator))  # the name and the argument have references
        self.assertFalse(rt.is_own_range(iter([])))

    def test_range_length(self):
        small, big = (-7, -3, -1, 0, 1, 2, 5, 8), (-(2**63), -(2**63) + 5, -1, 0, 2**63 - 6, 2**63 - 1)
        for numbers in (small, big):
            for start, stop, step in itertools.product(numbers, numbers, (*small, *big)):
                good, length = rt.range_length(start, stop, step)
                if step == 0:
                    self.assertFalse(good)
                    continue
                iterator = iter(range(start, stop, step))
                self.assertEqual(good, type(iterator) is type(iter(range(0))), (start, stop, step))
                if not good:
                    continue
                self.assertEqual(length, iterator.__length_hint__())
                same = rt.new_range_iter(start, length, step)
                self.assertEqual(same.__reduce__(), iterator.__reduce__())

    def test_items(self):
        value = object()
        for load, container in ((rt.list_item, [value, 1.5, 7]), (rt.tuple_item, (value, 1.5, 7))):
            self.assertEqual(rt.size_of(container), 3)
            for index in (3, -4, 2**62, -(2**63)):
                self.assertEqual(load(container, index), (False, [MISSING]))
            for index in range(-3, 3):
                good, [item] = self.borrowed_item(load, container, index)
                self.assertTrue(good)
                self.assertIs(item, container[index])

    def borrowed_item(self, load, container, index):
        """The harness gives up a reference that a borrowed result does not have."""
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(container[index]))
        return load(container, index)

    def test_sequence_iterators(self):
        for values, has_next, peek, in_range in (
            ([5, "x"], rt.list_has_next, rt.list_peek, rt.list_item_in_range),
            ((5, "x"), rt.tuple_has_next, rt.tuple_peek, rt.tuple_item_in_range),
        ):
            iterator = iter(values)
            for i, value in enumerate(values):
                self.assertTrue(has_next(iterator))
                for load in (lambda: peek(iterator), lambda: in_range(values, i)):
                    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))
                    self.assertIs(load(), value)
                rt.skip_item(iterator)
            self.assertFalse(has_next(iterator))
            self.assertEqual(list(iterator), [])
            self.assertFalse(has_next(iterator))
        values = [1, 2]
        iterator = iter(values)
        rt.skip_item(iterator)
        values.pop()
        self.assertFalse(rt.list_has_next(iterator))

    def test_float_pow(self):
        numbers = [0.5, 2.0, 3.0, -2.0, -0.5, 1e300, -1e-300, 1.5, -1.5, 5.0, 1e16, -3.0]
        for base in numbers:
            for exponent in [*numbers, 0.0, -0.0, 7.0, -7.0, 1e17]:
                good, power = rt.float_pow(base, exponent)
                expected = outcome(operator.pow, base, exponent)
                if good:
                    self.assertEqual(repr(("value", power)), repr(expected), (base, exponent))
                else:
                    self.assertFalse(isinstance(expected[1], float) and 0 < abs(expected[1]) < math.inf)
        for special in (0.0, -0.0, math.inf, -math.inf, math.nan):
            self.assertFalse(rt.float_pow(special, 2.0)[0])
            self.assertFalse(math.isfinite(special) is False and rt.float_pow(2.0, special)[0])

    def test_float_division(self):
        numbers = [0.5, -0.5, 2.0, -3.0, 7.25, 1e300, -1e-300, 1e16, 0.1, 0.3, math.inf, -math.inf, math.nan]
        for a in [*numbers, 0.0, -0.0]:
            for b in numbers:
                self.assertEqual(repr((rt.float_floor_div(a, b), rt.float_mod(a, b))), repr((a // b, a % b)), (a, b))

    def test_store_item(self):
        class Noisy:
            pass

        def store(values, index, value):
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))  # the list's, if it is stored
            good = rt.list_store(values, index, value)
            if not good:
                ctypes.pythonapi.Py_DecRef(ctypes.py_object(value))
            return good

        value, held = object(), Noisy()
        values = [1.5 + len("x"), 2**70 + len("x"), "ab" * len("xy"), held, Noisy(), [], None]
        for index in (7, -8, 2**62, -(2**63)):
            self.assertFalse(store(values, index, value))
            self.assertFalse(rt.list_store_float(values, index, 0.5))
        before = sys.getrefcount(value), sys.getrefcount(held)
        self.assertEqual([store(values, i, value) for i in range(7)], [True] * 4 + [False, False, True])
        self.assertEqual((sys.getrefcount(value), sys.getrefcount(held)), (before[0] + 5, before[1] - 1))
        self.assertTrue(store(values, -7, 1.25 + len("x")))
        self.assertEqual(values[0], 2.25)
        self.assertTrue(rt.list_store_float(values, 0, 0.5))  # in place
        self.assertEqual(values[0], 0.5)
        shared = values[0]
        self.assertTrue(rt.list_store_float(values, 0, -0.5))
        self.assertEqual((shared, values[0]), (0.5, -0.5))
        self.assertEqual(sys.getrefcount(shared), 2)
        self.assertTrue(rt.list_store_float(values, 1, 0.25))
        self.assertFalse(rt.list_store_float(values, 4, 0.25))
        self.assertEqual(sys.getrefcount(value), before[0] + 3)
        self.assertEqual(values[1], 0.25)

    def test_get(self):
        self.agree(lambda: rt.get_iter(5), lambda: iter(5))
        values = [1]
        self.assertEqual(list(rt.get_iter(values)), values)
        self.assertEqual(rt.get_len("abc"), 3)
        self.agree(lambda: rt.get_len(5), lambda: len(5))

        def generator():
            yield 1

        async def coroutine():
            pass

        made = generator()
        self.assertIs(rt.get_yield_from_iter(made, frame=test_frame()), made)
        self.assertEqual(list(rt.get_yield_from_iter([1], frame=test_frame())), [1])
        made = coroutine()
        with self.assertRaisesRegex(TypeError, "cannot 'yield from' a coroutine object in a non-coroutine generator"):
            rt.get_yield_from_iter(made, frame=test_frame())
        self.assertIs(rt.get_awaitable(made, 0), made)
        made.close()
        with self.assertRaisesRegex(TypeError, "object int can't be used in 'await' expression"):
            rt.get_awaitable(5, 0)
        with self.assertRaisesRegex(TypeError, "'async with' received an object from __aenter__"):
            rt.get_awaitable(5, 1)

    def test_awaited_twice(self):
        @types.coroutine
        def forever():
            yield

        async def inner():
            await forever()

        made = inner()
        made.send(None)
        with self.assertRaisesRegex(RuntimeError, "coroutine is being awaited already"):
            rt.get_awaitable(made, 0)
        made.close()

    def test_async_for(self):
        async def source():
            yield 1

        class Good:
            def __aiter__(self):
                return self

            async def __anext__(self):
                return 1

        class Bad:
            def __aiter__(self):
                return 5

            def __anext__(self):
                return 5

        made = source()
        self.assertIs(rt.get_aiter(made), made)
        awaitable = rt.get_anext(made)
        self.assertEqual(type(awaitable).__name__, "async_generator_asend")
        awaitable.close()
        good = Good()
        self.assertIs(rt.get_aiter(good), good)
        rt.get_anext(good).close()
        for helper, operand, text in (
                (rt.get_aiter, 5, "'async for' requires an object with __aiter__ method, got int"),
                (rt.get_aiter, Bad(),
                 "'async for' received an object from __aiter__ that does not implement __anext__: int"),
                (rt.get_anext, 5, "'async for' requires an iterator with __anext__ method, got int"),
                (rt.get_anext, Bad(), "'async for' received an invalid object from __anext__: int")):
            with self.assertRaisesRegex(TypeError, re.escape(text)):
                helper(operand)

    def test_send(self):
        def generator():
            got = yield 1
            yield got
            return "end"

        made = generator()
        self.assertEqual(rt.send(made, None, frame=test_frame()), (1, [1]))
        self.assertEqual(rt.send(made, "x", frame=test_frame()), (1, ["x"]))
        self.assertEqual(rt.send(made, None, frame=test_frame()), (0, ["end"]))
        self.assertEqual(rt.send(made, None, frame=test_frame()), (0, [None]))
        self.assertEqual(rt.send(iter([5]), None, frame=test_frame()), (1, [5]))
        self.assertEqual(rt.send(iter([]), None, frame=test_frame()), (0, [None]))
        with self.assertRaises(AttributeError):
            rt.send(iter([5]), "x", frame=test_frame())

        def recursive():
            yield rt.send(me, None, frame=test_frame())

        me = recursive()
        with self.assertRaisesRegex(ValueError, "generator already executing"):
            next(me)
