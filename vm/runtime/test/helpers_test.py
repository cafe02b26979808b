# SPDX-License-Identifier: MIT
"""Calls every helper of helpers.def and compares it with what the interpreter does.

    python helpers_test.py <module built from module.cpp> <helpers.def>
"""

import asyncio
import builtins
import collections
import ctypes
import gc
import math
import operator
import re
import sys
import types
import unittest
from ctypes import byref, c_bool, c_char_p, c_double, c_int, c_int64, c_uint32, c_uint64, c_void_p, py_object

LIBRARY = ctypes.PyDLL(sys.argv[1])
TABLE = sys.argv[2]

NULL = py_object()  # an object operand that is NULL
RESULTS = {"O": c_void_p, "N": c_void_p, "F": c_void_p, "i": c_int, "l": c_int64, "d": c_double, "b": c_bool, "v": None}
PARAMS = {"T": c_void_p, "F": c_void_p, "O": py_object, "N": py_object, "S": py_object, "M": py_object, "l": c_int64,
          "I": c_int64, "d": c_double, "b": c_bool, "X": c_void_p, "Y": c_void_p, "Z": c_void_p}
FORGOTTEN = set()


def declared(name, restype, *argtypes):
    function = getattr(LIBRARY, name)
    function.restype = restype
    function.argtypes = argtypes
    return function


test_initialize = declared("test_initialize", c_int)
test_address = declared("test_address", c_void_p, c_char_p)
test_tstate = declared("test_tstate", c_void_p)
test_frame = declared("test_frame", c_void_p)
test_expect = declared("test_expect", None, c_int)
leave_kind = declared("test_leave_kind", c_int)
leave_number = declared("test_leave_number", c_int64)
leave_take = declared("test_leave_take", py_object)
type_version = declared("test_type_version", c_uint32, py_object)
keys_version = declared("test_keys_version", c_uint32, py_object)
cached_keys_version = declared("test_cached_keys_version", c_uint32, py_object)
dict_version = declared("test_dict_version", c_uint64, py_object)
has_inline_values = declared("test_has_inline_values", c_int, py_object)
found_everything = declared("test_found_everything", c_int)
local_address = declared("test_local", c_void_p, c_void_p, c_int64)
handled_exception = declared("test_handled_exception", py_object)
instruction = declared("test_instruction", c_int64, c_void_p)
park = c_int.in_dll(LIBRARY, "test_park")
checks = c_int.in_dll(LIBRARY, "test_checks")
calls = c_int.in_dll(LIBRARY, "test_calls")

NOTHING, PARKED_OBJECT, PARKED_NUMBER, RERAISED = range(4)


class Missing:
    def __repr__(self):
        return "<NULL>"


MISSING = Missing()


class Helper:
    """A row of the table as a Python function. Keywords: frame, outputs (how many X outputs), kind of array operands."""

    def __init__(self, symbol, result, params):
        self.symbol, self.result, self.params = symbol, result, params
        types_ = []
        for letter in params:
            types_ += [c_void_p, c_int64] if letter == "A" else [PARAMS[letter]]
        address = test_address(symbol.encode())
        assert address, symbol
        self.function = ctypes.PYFUNCTYPE(RESULTS[result], *types_)(address)

    def __call__(self, *operands, frame=None, outputs=1):
        FORGOTTEN.discard(self.symbol)
        operands = list(operands)
        args, out, keep = [], None, []
        for letter in self.params:
            if letter == "T":
                args.append(test_tstate())
            elif letter == "F":
                args.append(frame)
            elif letter == "A":
                array = (py_object * (len(operands) + 1))()
                for i, operand in enumerate(operands):
                    array[i + 1] = operand
                keep.append(array)
                args += [ctypes.addressof(array) + ctypes.sizeof(c_void_p), len(operands)]
                operands = []
            elif letter in "XYZ":
                out = {"X": c_void_p, "Y": c_int64, "Z": c_double}[letter]
                out = (out * outputs)()
                args.append(ctypes.addressof(out))
            else:
                operand = operands.pop(0)
                args.append(NULL if operand is MISSING else operand)
        assert not operands, (self.symbol, operands)
        result = self.function(*args)
        if self.result in "ON":
            result = take(result)
        for array in keep:  # the scratch slot holds a borrowed reference
            ctypes.memset(ctypes.addressof(array), 0, ctypes.sizeof(c_void_p))
        if out is None:
            return result
        if "X" in self.params:
            return result, [take(pointer) for pointer in out]
        return result, out[0]


def take(pointer):
    """The object of a new reference, or MISSING."""
    if not pointer:
        return MISSING
    value = ctypes.cast(pointer, py_object).value
    ctypes.pythonapi.Py_DecRef(py_object(value))
    return value


class Table:
    def __init__(self):
        with open(TABLE) as file:
            for line in file:
                match = re.match(r"HELPER\((\w+), *(\w+), *'(.)', *\"(\w*)\"", line)
                if match:
                    _, symbol, result, params = match.groups()
                    setattr(self, symbol[3:], Helper(symbol, result, params))
                    FORGOTTEN.add(symbol)


rt = None
NB_ADD, NB_MULTIPLY, NB_SUBTRACT, NB_INPLACE = 0, 5, 10, 13
COMPARISONS = [operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge]
INTS = [0, 1, -1, 2, 7, -5, -6, 256, 257, 2**30 - 1, 2**30, -(2**30), 2**60, -(2**60) - 1, 2**63 - 1, -(2**63), 3**39]
BIG = [2**63, -(2**63) - 1, 2**64, 2**90, -(2**89), 2**200]


def outcome(function, *args):
    """Result or exception, comparable."""
    try:
        return "value", function(*args)
    except BaseException as error:
        return "error", type(error), str(error)


class Case(unittest.TestCase):
    def setUp(self):
        test_expect(1)
        park.value = 0

    def agree(self, helper, expected, *args):
        """helper() and expected() give equal results of equal types, or equal exceptions."""
        got, want = outcome(helper), outcome(expected)
        self.assertEqual(repr(got), repr(want), args)
        if want[0] == "value":
            self.assertIs(type(got[1]), type(want[1]))

    def balanced(self, objects, function, repeat=20):
        """Calling the function leaves the reference counts alone."""
        function()
        before = [sys.getrefcount(o) for o in objects]
        for _ in range(repeat):
            function()
        after = [sys.getrefcount(o) for o in objects]
        self.assertEqual(after, before)


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
        bits = {int: 0, float: 1, bool: 2, type(None): 3, str: 4, bytes: 5, tuple: 6, list: 7, dict: 8, set: 9, slice: 10,
                types.FunctionType: 11, type: 12, types.CellType: 13, type(iter(range(3))): 14}
        other, samples = 20, [1, 1.0, True, None, "", b"", (), [], {}, set(), slice(1), outcome, int, types.CellType(),
                              iter(range(3)), type("L", (list,), {})(), frozenset(), 1j, type("M", (type,), {})("C", (), {})]
        for sample in samples:
            bit = bits.get(type(sample), other)
            for mask in (1 << bit, 0x1FFFFF, 0x1FFFFF & ~(1 << bit), 1 | 1 << bit, 1 << other, 1, 1 << 4 | 1 << other):
                self.assertEqual(rt.has_type(sample, mask), bool(mask >> bit & 1), (sample, hex(mask)))

    def test_to_bool(self):
        class Raises:
            def __bool__(self):
                raise KeyError("no")

        class Sub(int):
            def __bool__(self):
                return False

        for value in [0, 1, -1, 2**70, True, False, None, "", "a", [], [0], {}, {1: 1}, (), (1,), 0.0, 1.0, Sub(3), object()]:
            self.assertEqual(rt.to_bool(value), int(bool(value)), value)
        self.assertRaises(KeyError, rt.to_bool, Raises())

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
        self.balanced([a, b], lambda: (rt.binary_op_int(a, b, 0), rt.compare_int(a, b, 0), rt.unbox_int(b), rt.to_bool(a)))
        x, y = 1.25, 2.5
        self.balanced([x, y], lambda: (rt.binary_op_float(x, y, 0), rt.unbox_float(x), rt.binary_op(x, y, 0)))


class Containers(Case):
    KEYS = [0, 1, 2, -1, -3, -4, 3, 2**40, 2**70, -(2**70), True, "a", None, slice(0, 2)]

    def test_subscript(self):
        helpers = (rt.subscr, rt.subscr_list_int, rt.subscr_tuple_int, rt.subscr_str_int, rt.subscr_dict)
        containers = [[10, "b", 3.5], (10, "b", 3.5), "aéz", "abc", {0: 1, "a": 2}, range(5), collections.defaultdict(int), 7,
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
                for helper in (rt.store_subscr, rt.store_subscr_list_int, rt.store_subscr_dict, rt.store_subscr_list_i64):
                    if helper is rt.store_subscr_list_i64 and (type(key) is not int or abs(key) >= 2**63):
                        continue
                    got, want = make(), make()
                    value = 65 if isinstance(got, bytearray) else "v" if not isinstance(key, slice) else "vw"
                    self.agree(lambda: helper(got, key, value) and None or None, lambda: operator.setitem(want, key, value))
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
        sources = [lambda: iter([1, "b", 2.5]), lambda: iter((1, "b")), lambda: iter(range(300, 310, 3)), lambda: iter(range(0)),
                   lambda: iter({1: 2, 3: 4}), lambda: (i for i in range(3)), lambda: iter("abc"), lambda: map(abs, [-1]),
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
        self.assertEqual(type(rt.get_anext(made)).__name__, "async_generator_asend")
        good = Good()
        self.assertIs(rt.get_aiter(good), good)
        rt.get_anext(good).close()
        for helper, operand, text in (
                (rt.get_aiter, 5, "'async for' requires an object with __aiter__ method, got int"),
                (rt.get_aiter, Bad(), "'async for' received an object from __aiter__ that does not implement __anext__: int"),
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


class Attributes(Case):
    def setUp(self):
        super().setUp()

        class Plain:
            constant = "class constant"

            def __init__(self):
                self.a = "value of a"
                self.b = "value of b"

            def method(self):
                return self

            @property
            def property(self):
                return self.a + "!"

        class Slotted:
            __slots__ = ("x", "y")

        self.Plain, self.Slotted = Plain, Slotted
        for _ in range(20):  # gives the type and its keys versions
            made = Plain()
            made.a, made.method(), made.constant, made.property
            slotted = Slotted()
            slotted.x = 1
            slotted.x

    def test_generic(self):
        made = self.Plain()
        self.assertEqual(rt.load_attr(made, "a"), "value of a")
        self.agree(lambda: rt.load_attr(made, "zz"), lambda: made.zz)
        rt.store_attr(made, "c", 5)
        self.assertEqual(made.c, 5)
        rt.delete_attr(made, "c")
        self.assertFalse(hasattr(made, "c"))
        self.agree(lambda: rt.delete_attr(made, "c"), lambda: delattr(made, "c"))
        self.agree(lambda: rt.store_attr(5, "c", 1), lambda: setattr(5, "c", 1))

    def test_instance_value(self):
        made = self.Plain()
        version = type_version(self.Plain)
        self.assertNotEqual(version, 0)
        self.assertTrue(has_inline_values(made))
        for index, name in enumerate(("a", "b")):
            self.assertEqual(rt.load_attr_instance_value(made, name, version, index), "value of " + name)
            self.assertEqual(rt.load_attr_instance_value(made, name, version + 1, 77), "value of " + name)
        new = object()
        self.assertEqual(rt.store_attr_instance_value(made, "b", new, version, 1), 0)
        self.assertIs(made.b, new)
        self.assertEqual(sys.getrefcount(new), 3)
        del made.a
        self.assertRaises(AttributeError, rt.load_attr_instance_value, made, "a", version, 0)
        self.assertEqual(rt.store_attr_instance_value(made, "a", 1, version, 0), 0)
        self.assertEqual(list(made.__dict__), ["b", "a"])  # insertion order is kept
        self.assertEqual(rt.store_attr_instance_value(made, "a", 2, version, 0), 0)  # now through the dict
        self.assertEqual(made.__dict__["a"], 2)
        self.assertEqual(rt.load_attr_instance_value(made, "a", version, 0), 2)
        made.__dict__ = {"a": 3}
        self.assertEqual(rt.load_attr_instance_value(made, "a", version, 0), 3)
        rt.store_attr_instance_value(made, "a", 4, version, 0)
        self.assertEqual(made.__dict__, {"a": 4})

    def test_insertion_order(self):
        for order in ((0, 1), (1, 0)):
            made = self.Plain.__new__(self.Plain)
            version = type_version(self.Plain)
            for index in order:
                rt.store_attr_instance_value(made, "ab"[index], index, version, index)
            self.assertEqual(list(vars(made).items()), [("ab"[i], i) for i in order])

    def test_old_value_is_released_last(self):
        made, seen = self.Plain(), []

        class Watcher:
            def __del__(self):
                seen.append(made.a)

        made.a = Watcher()
        rt.store_attr_instance_value(made, "a", "new", type_version(self.Plain), 0)
        self.assertEqual(seen, ["new"])

    def test_with_hint(self):
        made = self.Plain()
        version = type_version(self.Plain)
        dictionary = made.__dict__
        for key in range(40):
            dictionary[f"k{key}"] = key  # a dict with entries of its own
        keys = list(dictionary)
        hint = keys.index("k7")
        for h in (hint, hint + 1, 10**6, 0):
            self.assertEqual(rt.load_attr_with_hint(made, "k7", version, h), 7)
            before = dict_version(dictionary)
            old, new = object(), object()
            made.k7 = old
            self.assertEqual(rt.store_attr_with_hint(made, "k7", new, version, h), 0)
            self.assertIs(made.k7, new)
            self.assertNotEqual(dict_version(dictionary), before)
            self.assertEqual(sys.getrefcount(old), 2)
            self.assertEqual(sys.getrefcount(new), 3)
            rt.store_attr_with_hint(made, "k7", 7, version, h)
        del made.k7
        self.assertRaises(AttributeError, rt.load_attr_with_hint, made, "k7", version, hint)
        rt.store_attr_with_hint(made, "k7", 8, version, hint)
        self.assertEqual(made.k7, 8)

    def test_dict_is_tracked_when_it_needs_to_be(self):
        made = self.Plain()
        made.__dict__ = {"a": 1}
        self.assertFalse(gc.is_tracked(made.__dict__))
        rt.store_attr_with_hint(made, "a", [], type_version(self.Plain), 0)
        self.assertTrue(gc.is_tracked(made.__dict__))

    def test_slot(self):
        made = self.Slotted()
        made.x, made.y = "x", "y"
        version = type_version(self.Slotted)
        self.assertNotEqual(version, 0)
        for name, offset in (("x", 16), ("y", 24)):
            self.assertEqual(rt.load_attr_slot(made, name, version, offset), name)
            self.assertEqual(rt.load_attr_slot(made, name, version + 1, 0), name)
            new = object()
            self.assertEqual(rt.store_attr_slot(made, name, new, version, offset), 0)
            self.assertIs(getattr(made, name), new)
            self.assertEqual(sys.getrefcount(new), 3)
            self.assertEqual(rt.store_attr_slot(made, name, 5, version + 1, 0), 0)
            delattr(made, name)
            self.agree(lambda: rt.load_attr_slot(made, name, version, offset), lambda: getattr(made, name))

    def test_module(self):
        def load():
            return math.pi

        for _ in range(20):
            load()
        version = keys_version(math.__dict__)
        self.assertNotEqual(version, 0)
        index = list(math.__dict__).index("pi")
        self.assertEqual(rt.load_attr_module(math, "pi", version, index), math.pi)
        self.assertEqual(rt.load_attr_module(math, "pi", version + 1, 3), math.pi)
        self.assertEqual(rt.load_attr_module(self.Plain(), "a", version, index), "value of a")

    def test_class_and_constants(self):
        made = self.Plain()
        version, keys = type_version(self.Plain), cached_keys_version(self.Plain)
        self.assertNotEqual(keys, 0)
        function = self.Plain.method
        self.assertIs(rt.load_attr_class(self.Plain, "method", function, version), function)
        self.assertIs(rt.load_attr_class(self.Plain, "constant", "other", version + 1), self.Plain.constant)
        self.assertIs(rt.load_attr_class(made, "a", "other", version), made.a)
        constant = self.Plain.constant
        self.assertIs(rt.load_attr_constant(made, "constant", constant, version, keys), constant)
        self.assertIs(rt.load_attr_constant(made, "constant", "other", version, keys + 1), constant)
        self.assertIs(rt.load_attr_constant(made, "constant", constant, version, 0), constant)
        made.__dict__["constant"] = "hidden"
        made.__dict__.update({f"k{i}": i for i in range(40)})
        self.assertEqual(rt.load_attr_constant(made, "constant", constant, version, keys), "hidden")

    def test_methods(self):
        made = self.Plain()
        version, keys = type_version(self.Plain), cached_keys_version(self.Plain)
        function = self.Plain.method
        self.assertEqual(rt.load_method(made, "method"), (function, [made]))
        self.assertEqual(rt.load_method(made, "a"), ("value of a", [MISSING]))
        self.assertRaises(AttributeError, rt.load_method, made, "zz")
        self.assertEqual(rt.load_method_with_values(made, "method", function, version, keys), (function, [made]))
        self.assertEqual(rt.load_method_with_values(made, "method", "other", version, keys + 1), (function, [made]))
        self.assertEqual(rt.load_method_with_values(made, "method", "other", version + 1, keys), (function, [made]))
        self.assertRaises(AttributeError, rt.load_method_with_values, made, "zz", function, version + 1, keys)
        values = []
        append = list.append
        for _ in range(20):
            values.append(1)
        version = type_version(list)
        self.assertEqual(rt.load_method_no_dict(values, "append", append, version), (append, [values]))
        self.assertEqual(rt.load_method_no_dict(made, "method", append, version), (function, [made]))
        self.balanced([values, append], lambda: rt.load_method_no_dict(values, "append", append, version))

    def test_lazy_dict(self):
        class Lazy(list):
            def method(self):
                return 5

        made = Lazy()
        for _ in range(20):
            made.method()
        version, function = type_version(Lazy), Lazy.method
        self.assertEqual(rt.load_method_lazy_dict(made, "method", function, version), (function, [made]))
        made.method = 7
        self.assertEqual(rt.load_method_lazy_dict(made, "method", function, version), (7, [MISSING]))

    def test_property(self):
        made = self.Plain()
        version, getter = type_version(self.Plain), self.Plain.property.fget
        self.assertEqual(rt.load_attr_property(made, "property", getter, version), "value of a!")
        self.assertEqual(rt.load_attr_property(made, "property", "other", version + 1), "value of a!")

    def test_super(self):
        class Base:
            def method(self):
                return "base"

            value = 5

        class Derived(Base):
            def method(self):
                return "derived"

        made = Derived()
        for oparg in (0, 2):
            self.assertEqual(rt.load_super_attr(super, Derived, made, "method", oparg)(), "base")
            self.assertEqual(rt.load_super_method(super, Derived, made, "method", oparg | 1), (Base.method, [made]))
            self.assertEqual(rt.load_super_method(super, Derived, made, "value", oparg | 1), (5, [MISSING]))
        self.assertRaises(AttributeError, rt.load_super_attr, super, Derived, made, "zz", 2)
        self.assertRaises(AttributeError, rt.load_super_method, super, Derived, made, "zz", 3)
        self.assertRaises(TypeError, rt.load_super_method, super, Derived, 5, "method", 3)

        def fake(*args):
            return types.SimpleNamespace(method=args)

        self.assertEqual(rt.load_super_attr(fake, Derived, made, "method", 2), (Derived, made))
        self.assertEqual(rt.load_super_method(fake, Derived, made, "method", 1), ((), [MISSING]))


GLOBAL = "a global"


class OddDict(dict):
    def __missing__(self, key):
        if key == "made_up":
            return "missing"
        raise KeyError(key)


class Names(Case):
    def test_globals(self):
        def use():
            return GLOBAL, len

        for _ in range(20):
            use()
        module, built = keys_version(globals()), keys_version(vars(builtins))
        self.assertTrue(module and built)
        index, builtin_index = list(globals()).index("GLOBAL"), list(vars(builtins)).index("len")
        frame = test_frame()
        self.assertEqual(rt.load_global("GLOBAL", frame=frame), GLOBAL)
        self.assertIs(rt.load_global("len", frame=frame), len)
        self.assertEqual(rt.load_global_module("GLOBAL", module, index, frame=frame), GLOBAL)
        self.assertEqual(rt.load_global_module("GLOBAL", module + 1, 0, frame=frame), GLOBAL)
        self.assertIs(rt.load_global_builtin("len", module, built, builtin_index, frame=frame), len)
        self.assertIs(rt.load_global_builtin("len", module + 1, built, 0, frame=frame), len)
        self.assertIs(rt.load_global_builtin("len", module, built + 1, 0, frame=frame), len)
        with self.assertRaisesRegex(NameError, "^name 'nowhere' is not defined$") as caught:
            rt.load_global("nowhere", frame=frame)
        self.assertEqual(caught.exception.name, "nowhere")
        rt.store_global("ADDED", 5, frame=frame)
        self.assertEqual(ADDED, 5)
        rt.delete_global("ADDED", frame=frame)
        self.assertNotIn("ADDED", globals())
        with self.assertRaisesRegex(NameError, "^name 'ADDED' is not defined$"):
            rt.delete_global("ADDED", frame=frame)

    def run_in(self, text, namespace, globals_=None):
        """Runs class-level code whose frame is at hand as frame()."""
        globals_ = globals_ if globals_ is not None else {}
        globals_.update(rt=rt, frame=test_frame, self=self, MISSING=MISSING)
        globals_.setdefault("__builtins__", builtins)
        exec(text, globals_, namespace)

    def test_names(self):
        namespace = {"x": 1}
        self.run_in("y = rt.load_name('x', frame=frame())\nz = rt.load_name('len', frame=frame())\n"
                    "g = rt.load_name('self', frame=frame())\nrt.store_name('w', 7, frame=frame())\n"
                    "rt.delete_name('x', frame=frame())\nl = rt.load_locals(frame=frame())", namespace)
        self.assertEqual((namespace["y"], namespace["z"], namespace["w"]), (1, len, 7))
        self.assertIs(namespace["g"], self)
        self.assertIs(namespace["l"], namespace)
        self.assertNotIn("x", namespace)
        odd = OddDict()
        self.run_in("m = rt.load_name('made_up', frame=frame())\nrt.store_name('w', 7, frame=frame())", odd)
        self.assertEqual((odd["m"], odd["w"]), ("missing", 7))
        for text in ("rt.load_name('nowhere', frame=frame())", "rt.delete_name('nowhere', frame=frame())"):
            with self.assertRaisesRegex(NameError, "^name 'nowhere' is not defined$"):
                self.run_in(text, {})
        frame = test_frame()  # of a function: no locals dict
        for helper, args, text in ((rt.load_name, ("x",), "no locals found"), (rt.load_locals, (), "no locals found"),
                                   (rt.store_name, ("x", 1), "no locals found when storing 'x'"),
                                   (rt.delete_name, ("x",), "no locals when deleting 'x'"),
                                   (rt.setup_annotations, (), "no locals found when setting up annotations")):
            with self.assertRaisesRegex(SystemError, text):
                helper(*args, frame=frame)

    def test_odd_globals(self):
        function = types.FunctionType((lambda: (rt.load_global("made_up", frame=test_frame()),
                                                rt.load_global("len", frame=test_frame()))).__code__,
                                      OddDict(rt=rt, test_frame=test_frame, __builtins__=builtins))
        self.assertEqual(function(), ("missing", len))
        function = types.FunctionType((lambda: rt.load_global("nowhere", frame=test_frame())).__code__,
                                      OddDict(rt=rt, test_frame=test_frame, __builtins__=builtins))
        with self.assertRaisesRegex(NameError, "^name 'nowhere' is not defined$"):
            function()

    def test_class_namespace(self):
        frame = test_frame()
        self.assertEqual(rt.load_from_dict_or_globals({"GLOBAL": 1}, "GLOBAL", frame=frame), 1)
        self.assertEqual(rt.load_from_dict_or_globals({}, "GLOBAL", frame=frame), GLOBAL)
        with self.assertRaisesRegex(NameError, "^name 'nowhere' is not defined$"):
            rt.load_from_dict_or_globals({}, "nowhere", frame=frame)
        namespace = {}
        self.run_in("rt.setup_annotations(frame=frame())\nrt.setup_annotations(frame=frame())", namespace)
        self.assertEqual(namespace, {"__annotations__": {}})
        self.assertIs(rt.load_build_class(frame=frame), builtins.__build_class__)

    def test_cells(self):
        free = "free value"

        def function(argument):
            free
            cell = types.CellType("content")
            frame = test_frame()
            code = function.__code__
            names = [n for n in code.co_cellvars if n not in code.co_varnames]
            slot = [*code.co_varnames, *names, *code.co_freevars].index("free")
            self.assertEqual(rt.load_closure(0, frame=frame).cell_contents, [function, "free value"][
                function.__code__.co_freevars.index("function") != 0])
            self.assertEqual(rt.load_deref(cell, slot, frame=frame), "content")
            self.assertEqual(rt.load_from_dict_or_deref({}, cell, slot, frame=frame), "content")
            self.assertEqual(rt.load_from_dict_or_deref({"free": 5}, cell, slot, frame=frame), 5)
            new = object()
            rt.store_deref(cell, new)
            self.assertIs(cell.cell_contents, new)
            self.assertEqual(sys.getrefcount(new), 3)
            self.assertEqual(rt.delete_deref(cell, slot, frame=frame), 0)
            self.assertEqual(sys.getrefcount(new), 2)
            text = "cannot access free variable 'free' where it is not associated with a value in enclosing scope"
            for helper in (lambda: rt.load_deref(cell, slot, frame=frame), lambda: rt.delete_deref(cell, slot, frame=frame),
                           lambda: rt.load_from_dict_or_deref({}, cell, slot, frame=frame)):
                with self.assertRaisesRegex(NameError, text):
                    helper()
            rt.store_deref(cell, MISSING)
            with self.assertRaisesRegex(UnboundLocalError, "cannot access local variable 'argument' where it is not"):
                rt.raise_unbound_local(0, frame=frame)

        function(1)
        made = rt.make_cell("x")
        self.assertEqual(made.cell_contents, "x")
        self.assertEqual(sys.getrefcount(made), 2)
        self.assertRaises(ValueError, lambda: rt.make_cell(MISSING).cell_contents)


class Frames(Case):
    def test_counts(self):
        value = object()
        before = sys.getrefcount(value)
        rt.incref(value)
        rt.xincref(value)
        rt.xincref(MISSING)
        self.assertEqual(sys.getrefcount(value), before + 2)
        rt.decref(value)
        rt.xdecref(value)
        rt.xdecref(MISSING)
        self.assertEqual(sys.getrefcount(value), before)
        for immortal in (None, True, 5, ""):
            before = sys.getrefcount(immortal)
            rt.incref(immortal), rt.decref(immortal), rt.decref(immortal)
            self.assertEqual(sys.getrefcount(immortal), before)
        died = []

        class Watcher:
            def __del__(self):
                died.append(1)

        watcher = Watcher()
        rt.incref(watcher)
        box = [watcher]
        del watcher
        rt.decref(box[0])
        self.assertEqual(died, [])
        box.clear()
        self.assertEqual(died, [1])

    def test_slots(self):
        def function(first, second):
            frame = test_frame()
            value, number = object(), 10**9
            before = sys.getrefcount(value)
            self.assertEqual(rt.load_local(0, frame=frame), id(first))
            rt.incref(value)
            rt.store_local(0, value, frame=frame)  # consumes a reference; the old content is immortal
            self.assertIs(first, value)
            rt.incref(value)
            rt.sync_local(1, value, frame=frame)
            self.assertIs(second, value)
            self.assertEqual(sys.getrefcount(value), before + 2)
            self.assertFalse(rt.safepoint_pending())
            test_expect(0)
            self.assertTrue(rt.safepoint_pending())

        function(None, float("3.25"))

    def test_set_instruction(self):
        def function():
            frame = test_frame()
            rt.set_instruction(1, frame=frame)
            return instruction(frame)  # by then the interpreter has set it again

        self.assertGreater(function(), 1)

    def test_concat(self):
        # The opcode that runs is a CALL: its argument stands in for the BINARY_OP's where an operand is no str.
        def function(text, right):
            frame = test_frame()
            address = local_address(frame, 0)
            result = rt.concat_local(0, right, frame=frame)
            self.assertEqual(result, local_address(frame, 0))
            return text

        self.assertEqual(function("ab", "cd"), "abcd")
        text = "x" * 1000
        self.assertEqual(function(text, text), "x" * 2000)
        self.assertEqual(len(text), 1000)

        def grow(count):
            text = "".join(["a", "b"])
            frame = test_frame()
            for _ in range(count):
                rt.concat_local(0 + 1, "c", frame=frame)
            return text

        self.assertEqual(grow(100), "ab" + "c" * 100)

        def double():
            text = "".join(["a", "b"])
            frame = test_frame()
            for _ in range(4):
                rt.concat_local(0, text, frame=frame)
            return text

        self.assertEqual(double(), "ab" * 16)


class Calls(Case):
    ALL = "call call_python call_len call_isinstance call_list_append call_type_1 call_str_1 call_tuple_1 call_builtin call_method_descriptor"

    def each(self):
        return [getattr(rt, name) for name in self.ALL.split()]

    def test_agree(self):
        class Class:
            def __init__(self, *args):
                self.args = args

            def method(self, *args):
                return self, args

            def __call__(self, *args):
                return "called", args

            def __repr__(self):
                return "<Class>"

        def function(*args):
            return args

        def exact(a, b=2):
            return a, b

        made = Class()
        values = [3, 1, 2]
        callables = [(function, 0), (function, 1), (function, 3), (exact, 0), (exact, 1), (exact, 2), (exact, 3),
                     (made.method, 0), (made.method, 2), (Class.method, 1), (Class.method, 0), (made, 2), (len, 1), (len, 0),
                     (len, 2), (isinstance, 2), (isinstance, 1), (type, 1), (str, 1), (str, 0), (tuple, 1), (tuple, 0),
                     (abs, 1), (print, 0), (values.count, 1), (list.count, 2), (list.count, 0), (list.index, 2), (list.copy, 1),
                     (dict.get, 2), (dict.get, 1), (str.join, 2), (str.split, 1), (str.upper, 1), (math.hypot, 2),
                     (max, 2), (sorted, 1), (range, 2), (int, 1), (5, 1), (getattr, 2), (getattr, 3), (divmod, 2), (callable, 1),
                     (str.format, 3), (operator.itemgetter(0), 1), (type("T", (type,), {}), 1)]
        arguments = [[values, 7, 8], ["3", "abc", 1], [5, int, 2], [{}, "k", 0], [made, made, made], ["x", ["a", "b"], 1]]
        for callee, count in callables:
            for args in arguments:
                args = args[:count]
                for helper in self.each():
                    for self_ in (False, True) if args else (False,):
                        operands = (args[0], *args[1:]) if self_ else (MISSING, *args)
                        self.agree(lambda: helper(callee, *operands, frame=test_frame()), lambda: callee(*args), callee, args,
                                   helper.symbol, self_)

    def test_balance(self):
        class Class:
            def method(self, *args):
                return self

        made, value, values = Class(), object(), []
        method = made.method
        cases = [(method, MISSING, value), (Class.method, made, value), (repr, MISSING, value), (list.append, values, value),
                 (list.index, [value], value), (type, MISSING, value), (isinstance, MISSING, value, Class), (len, MISSING, [value]),
                 (tuple, MISSING, [value]), (str, MISSING, value), (isinstance, value, object)]

        def run():
            for case in cases:
                for helper in self.each():
                    helper(*case, frame=test_frame())
            values.clear()

        self.balanced([made, value, values, method, Class], run)

    def test_list_append(self):
        values = []
        self.assertIsNone(rt.call_list_append(list.append, values, 1, frame=test_frame()))
        self.assertIsNone(rt.call_list_append(list.append, MISSING, values, 2, frame=test_frame()))
        self.assertEqual(values, [1, 2])

        class Sub(list):
            pass

        sub = Sub()
        rt.call_list_append(list.append, sub, 1, frame=test_frame())
        self.assertEqual(sub, [1])
        self.assertRaises(TypeError, rt.call_list_append, list.append, 5, 1, frame=test_frame())

    def test_isinstance(self):
        class Meta(type):
            def __instancecheck__(cls, instance):
                return instance == 3

        class Proxy:
            __class__ = property(lambda self: int)

        class Abstract(metaclass=Meta):
            pass

        for value in (1, 3, True, "x", Proxy()):
            for type_ in (int, str, (int, str), Abstract, int | str, 5, Proxy):
                self.agree(lambda: rt.call_isinstance(isinstance, MISSING, value, type_, frame=test_frame()),
                           lambda: isinstance(value, type_))

    def test_keywords(self):
        def function(a, *rest, k=None, **more):
            return a, rest, k, more

        class Class:
            def method(self, a, k=None):
                return self, a, k

            def __repr__(self):
                return "<Class>"

        made = Class()
        frame = test_frame()
        self.assertEqual(rt.call_kw(function, MISSING, ("k", "z"), 1, 2, 3, 4, frame=frame), (1, (2,), 3, {"z": 4}))
        self.assertEqual(rt.call_kw(made.method, MISSING, ("k",), 1, 2, frame=frame), (made, 1, 2))
        self.assertEqual(rt.call_kw(Class.method, made, ("k",), 1, 2, frame=frame), (made, 1, 2))
        self.assertEqual(rt.call_kw(dict, MISSING, ("a", "b"), 1, 2, frame=frame), {"a": 1, "b": 2})
        self.agree(lambda: rt.call_kw(len, MISSING, ("a",), 1, frame=frame), lambda: len(a=1))
        self.balanced([made], lambda: rt.call_kw(Class.method, made, ("k",), 1, made, frame=frame))
        self.assertEqual(rt.call_ex(function, (1, 2), {"k": 3}, frame=frame), (1, (2,), 3, {}))
        self.assertEqual(rt.call_ex(function, [1, 2], MISSING, frame=frame), (1, (2,), None, {}))
        self.agree(lambda: rt.call_ex(function, 5, MISSING, frame=frame), lambda: function(*5))
        self.agree(lambda: rt.call_ex(len, (), MISSING, frame=frame), lambda: len())

    def test_recursion_limit(self):
        def recurse(self_):
            return rt.call_builtin(repr, MISSING, [self_], frame=test_frame())

        class Deep:
            def __repr__(self):
                return recurse(self)

        self.assertRaises(RecursionError, repr, Deep())

    def test_intrinsics(self):
        frame = test_frame()
        self.assertEqual(rt.intrinsic_1([1, 2], 6, frame=frame), (1, 2))
        self.assertEqual(rt.intrinsic_1(True, 5, frame=frame), 1)
        self.assertRaises(TypeError, rt.intrinsic_1, "x", 5, frame=frame)
        namespace = {}
        exec("from math import *", expected := {})
        raw = rt.intrinsic_1.function  # `import *` looks at the running frame
        exec("raw(tstate(), frame(), math, 2)", dict(raw=raw, tstate=test_tstate, frame=test_frame, math=math), namespace)
        self.assertEqual(namespace["pi"], expected["pi"])
        error = ExceptionGroup("g", [ValueError()])
        self.assertEqual(str(rt.intrinsic_2(error, [error], 1, frame=frame)), str(error))

    def test_functions(self):
        def outer(free):
            def inner(a, b=1, *, c=2):
                return a, b, c, free
            return inner

        model = outer("f")
        frame = test_frame()
        made = rt.make_function(model.__code__, frame=frame)
        self.assertIs(made.__globals__, globals())
        rt.set_function_attribute(made, model.__defaults__, 1)
        rt.set_function_attribute(made, model.__kwdefaults__, 2)
        rt.set_function_attribute(made, ("a", int), 4)
        rt.set_function_attribute(made, model.__closure__, 8)
        self.assertEqual(made(5), (5, 1, 2, "f"))
        self.assertEqual(made.__annotations__, {"a": int})
        self.balanced([model.__code__, model.__closure__], lambda: rt.make_function(model.__code__, frame=frame))


class Matching(Case):
    def test_all(self):
        class Point:
            __match_args__ = ("x", "y")

            def __init__(self):
                self.x, self.y, self.z = 1, 2, 3

        made = Point()
        self.assertEqual(rt.match_class(made, Point, (), 2), (1, 2))
        self.assertEqual(rt.match_class(made, Point, ("z",), 1), (1, 3))
        self.assertIsNone(rt.match_class(5, Point, (), 0))
        self.assertIsNone(rt.match_class(made, Point, ("q",), 0))
        self.assertRaises(TypeError, rt.match_class, made, Point, (), 3)
        self.assertRaises(TypeError, rt.match_class, made, 5, (), 0)
        self.assertEqual(rt.match_keys({"a": 1, "b": 2}, ("b", "a")), (2, 1))
        self.assertIsNone(rt.match_keys({"a": 1}, ("z",)))
        self.assertRaises(ValueError, rt.match_keys, {"a": 1}, ("a", "a"))
        self.assertEqual([rt.match_mapping({}), rt.match_mapping([])], [True, False])
        self.assertEqual([rt.match_sequence([]), rt.match_sequence(""), rt.match_sequence({})], [True, False, False])


class Imports(Case):
    def test_import(self):
        frame = test_frame()
        self.assertIs(rt.import_name("math", None, 0, frame=frame), math)
        import os.path
        self.assertIs(rt.import_name("os.path", None, 0, frame=frame), os)
        self.assertIs(rt.import_name("os.path", ("join",), 0, frame=frame), os.path)
        self.agree(lambda: rt.import_name("no_such_module", None, 0, frame=frame), lambda: __import__("no_such_module"))
        replaced = builtins.__import__
        try:
            builtins.__import__ = lambda *args: (args[0], args[3], args[4])
            got = rt.import_name("anything", ("x",), 2, frame=frame)
        finally:
            builtins.__import__ = replaced
        self.assertEqual(got, ("anything", ("x",), 2))

    def statement(self, module, name):
        exec(f"from {module} import {name}", namespace := {})
        return namespace[name]

    def test_from(self):
        self.assertIs(rt.import_from(math, "pi"), math.pi)
        fake = types.ModuleType("fake_package")
        sub = types.ModuleType("fake_package.sub")
        sys.modules["fake_package"], sys.modules["fake_package.sub"] = fake, sub
        self.assertIs(rt.import_from(fake, "sub"), sub)
        odd = types.SimpleNamespace(a=1)
        sys.modules["odd_thing"] = odd
        for name, module in (("math", math), ("fake_package", fake), ("odd_thing", odd), ("collections", collections)):
            got, want = outcome(rt.import_from, module, "zz"), outcome(self.statement, name, "zz")
            self.assertEqual(got, want)
        try:
            rt.import_from(math, "zz")
        except ImportError as error:
            self.assertEqual((error.name, error.name_from), ("math", "zz"))
            traceback, frames = error.__traceback__, []
            while traceback:
                frames.append(traceback.tb_frame.f_code.co_filename)
                traceback = traceback.tb_next
            self.assertNotIn("<import>", frames)

        class Refuses(types.ModuleType):
            def __getattr__(self, name):
                raise ValueError(name)

        self.assertRaises(ValueError, rt.import_from, Refuses("m"), "zz")


class Exceptions(Case):
    def test_raise(self):
        class Makes(Exception):
            def __new__(cls):
                return 5

        error, cause = ValueError("v"), KeyError("k")

        def by_statement(exception, cause):
            if cause is MISSING:
                raise exception
            raise exception from cause

        for exception in (ValueError, error, 5, None, Makes, int):
            for origin in (MISSING, None, cause, KeyError, 5, Makes):
                got, want = outcome(rt.raise_varargs, exception, origin), outcome(by_statement, exception, origin)
                self.assertEqual(got, want)
        for origin in (cause, KeyError, None):
            try:
                rt.raise_varargs(ValueError, origin)
            except ValueError as caught:
                self.assertTrue(caught.__suppress_context__)
                if origin is None:
                    self.assertIsNone(caught.__cause__)
                else:
                    self.assertIsInstance(caught.__cause__, KeyError)
        def once():
            outcome(rt.raise_varargs, error, cause)
            error.__traceback__ = None

        self.balanced([error, cause], once)
        self.assertEqual(leave_kind(), NOTHING)

    def test_reraise(self):
        error = ValueError("v")
        with self.assertRaisesRegex(RuntimeError, "No active exception to reraise"):
            rt.raise_varargs(MISSING, MISSING)
        self.assertEqual(leave_kind(), NOTHING)
        try:
            raise error
        except ValueError:
            with self.assertRaises(ValueError) as caught:
                rt.raise_varargs(MISSING, MISSING)
            self.assertIs(caught.exception, error)
        self.assertEqual(leave_kind(), RERAISED)
        leave_take()
        frame = test_frame()
        for helper, args in ((rt.reraise, (error,)), (rt.reraise_lasti, (error, 3)), (rt.end_async_for, (None, error)),
                             (rt.cleanup_throw, (error,))):
            with self.assertRaises(ValueError) as caught:
                helper(*args, **({"frame": frame} if "F" in helper.params else {}))
            self.assertIs(caught.exception, error)
            self.assertEqual(leave_kind(), RERAISED)
            leave_take()
        with self.assertRaisesRegex(SystemError, "lasti is not an int"):
            rt.reraise_lasti(error, "x", frame=frame)
        self.assertEqual(leave_kind(), NOTHING)

        def once(helper, *args, **keywords):
            try:
                helper(*args, **keywords)
            except ValueError:
                pass
            error.__traceback__ = None
            leave_take()

        self.balanced([error], lambda: (once(rt.reraise, error, frame=frame), once(rt.end_async_for, None, error)))
        self.assertEqual(rt.end_async_for(None, StopAsyncIteration()), 0)
        self.assertEqual(rt.cleanup_throw(StopIteration(7)), 7)
        self.assertEqual(leave_kind(), NOTHING)

    def test_handled(self):
        first, second = ValueError("1"), ValueError("2")
        previous = handled_exception()
        self.assertIsNone(previous)
        self.assertIsNone(rt.push_exc_info(first))
        self.assertIs(handled_exception(), first)
        self.assertIs(sys.exception(), first)
        got = rt.push_exc_info(second)
        self.assertIs(got, first)
        rt.pop_except(got)
        self.assertIs(sys.exception(), first)
        rt.pop_except(None)
        self.assertIsNone(sys.exception())

        def run():
            rt.pop_except(rt.push_exc_info(first))

        self.balanced([first, second], run)

    def test_matching(self):
        error = KeyError("k")
        for type_ in (KeyError, LookupError, ValueError, (ValueError, KeyError), ()):
            want = issubclass(KeyError, type_)
            self.assertEqual(rt.check_exc_match(error, type_), int(want))

        def handle(type_):
            try:
                raise error
            except type_:
                pass

        for type_ in (5, (KeyError, 5), "x"):
            self.agree(lambda: rt.check_exc_match(error, type_) and None, lambda: handle(type_))

    def test_groups(self):
        value, key = ValueError("v"), KeyError("k")
        group = ExceptionGroup("g", [value, key])
        status, (rest, match) = rt.check_eg_match(group, ValueError, outputs=2)
        self.assertEqual((status, rest.exceptions, match.exceptions), (0, (key,), (value,)))
        self.assertIs(sys.exception(), match)
        rt.pop_except(None)
        status, (rest, match) = rt.check_eg_match(group, OSError, outputs=2)
        self.assertEqual((status, rest.exceptions, match), (0, group.exceptions, None))
        status, (rest, match) = rt.check_eg_match(value, ValueError, outputs=2)
        self.assertIsNone(rest)
        self.assertEqual(match.exceptions, (value,))
        rt.pop_except(None)
        self.assertRaises(TypeError, rt.check_eg_match, group, ExceptionGroup, outputs=2)
        self.assertRaises(TypeError, rt.check_eg_match, group, 5, outputs=2)
        self.assertIsNone(sys.exception())

    def test_with(self):
        class Manager:
            def __enter__(self):
                return "entered"

            def __exit__(self, *args):
                return args

            async def __aenter__(self):
                return 1

            async def __aexit__(self, *args):
                return 2

        class NoExit:
            def __enter__(self):
                raise AssertionError

            async def __aenter__(self):
                raise AssertionError

        class Fails(Manager):
            def __enter__(self):
                raise KeyError("enter")

        made = Manager()
        result, (leave,) = rt.before_with(made)
        self.assertEqual(result, "entered")
        self.assertEqual(leave, made.__exit__)
        error = ValueError("v")
        self.assertEqual(rt.with_except_start(leave, error), (ValueError, error, None))
        try:
            raise error
        except ValueError:
            self.assertEqual(rt.with_except_start(leave, error), (ValueError, error, error.__traceback__))
        awaitable, (leave,) = rt.before_async_with(made)
        awaitable.close()
        self.assertEqual(leave, made.__aexit__)

        def block(manager):
            with manager:
                pass

        for manager in (5, NoExit(), Fails()):
            self.agree(lambda: rt.before_with(manager) and None, lambda: block(manager))

        async def async_block(manager):
            async with manager:
                pass

        for manager in (5, NoExit()):
            self.agree(lambda: rt.before_async_with(manager) and None, lambda: asyncio.run(async_block(manager)))
        self.balanced([made], lambda: (rt.before_with(made), outcome(rt.before_with, Fails())))


class Leaving(Case):
    """What a helper does when vm wants native code to be left."""

    def setUp(self):
        super().setUp()
        checks.value = calls.value = 0

    def asked(self, helper, *args, **keywords):
        test_expect(0)
        park.value = 1
        try:
            return helper(*args, **keywords)
        finally:
            park.value = 0
            test_expect(1)

    def test_object(self):
        value = object()
        values = [value]
        before = sys.getrefcount(value)
        self.assertIs(self.asked(rt.subscr, values, 0), MISSING)
        self.assertEqual(leave_kind(), PARKED_OBJECT)
        self.assertEqual(sys.getrefcount(value), before + 1)
        self.assertIs(leave_take(), value)
        self.assertEqual(sys.getrefcount(value), before)
        self.assertEqual((checks.value, calls.value), (1, 0))

    def test_number(self):
        self.assertEqual(self.asked(rt.store_subscr, {}, 1, 2), -1)
        self.assertEqual((leave_kind(), leave_number()), (PARKED_NUMBER, 0))
        leave_take()
        self.assertEqual(self.asked(rt.to_bool, (1,)), -1)
        self.assertEqual((leave_kind(), leave_number()), (PARKED_NUMBER, 1))
        leave_take()

    def test_calls(self):
        for helper in [getattr(rt, name) for name in Calls.ALL.split()]:
            calls.value = 0
            self.assertIs(self.asked(helper, lambda: "result", MISSING, frame=test_frame()), MISSING, helper.symbol)
            self.assertEqual(calls.value, 1)
            self.assertEqual(leave_take(), "result")

    def test_failure_is_not_parked(self):
        self.assertRaises(KeyError, self.asked, rt.subscr, {}, 1)
        self.assertEqual(leave_kind(), NOTHING)
        self.assertRaises(TypeError, self.asked, rt.store_subscr, (), 1, 1)
        self.assertEqual(leave_kind(), NOTHING)
        self.assertEqual(checks.value, 0)

    def test_fast_paths_do_not_ask(self):
        self.assertEqual(self.asked(rt.subscr_list_int, [5], 0), 5)
        self.assertEqual(self.asked(rt.binary_op_int, 2, 3, 0), 5)
        self.assertEqual(self.asked(rt.to_bool, 5), 1)
        self.assertEqual(checks.value, 0)

    def test_helpers_that_never_park(self):
        self.assertEqual(self.asked(rt.for_iter, iter([5])), (1, [5]))
        self.assertEqual(self.asked(rt.unpack_sequence, (1, 2), 2, outputs=2), (0, [2, 1]))
        self.assertEqual(self.asked(rt.load_method, 5, "real"), (5, [MISSING]))
        self.assertEqual(self.asked(rt.check_exc_match, KeyError(), KeyError), 1)
        self.assertEqual(checks.value, 0)


if __name__ == "__main__":
    assert test_initialize() == 0
    test_expect(1)
    rt = Table()
    program = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False)
    ok = program.result.wasSuccessful()
    if ok and len(sys.argv) == 3 and FORGOTTEN:
        print("not tested:", *sorted(FORGOTTEN))
        ok = False
    sys.exit(0 if ok else 1)
