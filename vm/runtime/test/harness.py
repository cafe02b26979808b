# SPDX-License-Identifier: MIT
"""What the tests share: the helpers as Python functions, and vm's stand-in in module.cpp."""

import ctypes
import operator
import re
import sys
import unittest
from ctypes import c_bool, c_char_p, c_double, c_int, c_int64, c_uint32, c_uint64, c_void_p, py_object

LIBRARY = ctypes.PyDLL(sys.argv[1])
TABLE = sys.argv[2]

NULL = py_object()  # an object operand that is NULL
RESULTS = {"O": c_void_p, "N": c_void_p, "F": c_void_p, "i": c_int, "l": c_int64, "d": c_double, "b": c_bool, "v": None}
PARAMS = {"T": c_void_p, "F": c_void_p, "O": py_object, "N": py_object, "S": py_object, "M": py_object, "C": py_object, "l": c_int64,
          "I": c_int64, "B": c_int64, "d": c_double, "b": c_bool, "K": c_void_p, "X": c_void_p, "Y": c_void_p, "Z": c_void_p}
SITE_CACHE_WORDS = 22  # kSiteCacheBytes
FORGOTTEN = set()
SCRATCH = 2  # words in front of an argument array


def give_away(operand):
    """Makes the reference that a helper consumes."""
    ctypes.pythonapi.Py_IncRef(py_object(operand))



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
test_usual_entry = declared("test_usual_entry", None, py_object)
keys_version = declared("test_keys_version", c_uint32, py_object)
cached_keys_version = declared("test_cached_keys_version", c_uint32, py_object)
dict_version = declared("test_dict_version", c_uint64, py_object)
has_inline_values = declared("test_has_inline_values", c_int, py_object)
found_everything = declared("test_found_everything", c_int)
find_array_type = declared("test_find_array_type", None)
local_address = declared("test_local", c_void_p, c_void_p, c_int64)
handled_exception = declared("test_handled_exception", py_object)
catch = declared("test_catch", py_object, c_void_p, c_int64, py_object)
generator_frame = declared("test_generator_frame", c_void_p, py_object)
stack_top = declared("test_stack_top", c_int, c_void_p)
instruction = declared("test_instruction", c_int64, c_void_p)
park = c_int.in_dll(LIBRARY, "test_park")
checks = c_int.in_dll(LIBRARY, "test_checks")
calls = c_int.in_dll(LIBRARY, "test_calls")

NOTHING, PARKED_OBJECT, PARKED_NUMBER, RERAISED, DECLINED = range(5)


class Missing:
    def __repr__(self):
        return "<NULL>"


MISSING = Missing()


class Helper:
    """A row of the table as a Python function; `outputs` is how many X outputs there are, and `borrowed` the mask."""

    def __init__(self, symbol, result, params):
        self.symbol, self.result, self.params = symbol, result, params
        types_ = []
        for letter in params:
            types_ += [c_void_p, c_int64] if letter in "AV" else [PARAMS[letter]]
        address = test_address(symbol.encode())
        assert address, symbol
        self.function = ctypes.PYFUNCTYPE(RESULTS[result], *types_)(address)
        self.caches = {}  # a site has one name

    def raw(self, *types_):
        """The helper for operands that are addresses and words."""
        FORGOTTEN.discard(self.symbol)
        return ctypes.PYFUNCTYPE(RESULTS[self.result], *types_)(test_address(self.symbol.encode()))

    def __call__(self, *operands, frame=None, outputs=1, borrowed=0):
        FORGOTTEN.discard(self.symbol)
        operands = list(operands)
        args, out, keep = [], None, []
        for letter in self.params:
            if letter == "T":
                args.append(test_tstate())
            elif letter == "F":
                args.append(frame)
            elif letter == "B":
                args.append(borrowed)
            elif letter in "AV":
                array = (py_object * (len(operands) + SCRATCH))()
                for i, operand in enumerate(operands):
                    array[i + SCRATCH] = operand
                    if letter == "V":
                        give_away(operand)
                keep.append(array)
                args += [ctypes.addressof(array) + SCRATCH * ctypes.sizeof(c_void_p), len(operands)]
                operands = []
            elif letter == "K":
                name = next((argument for argument in args if isinstance(argument, str)), "")
                cache = self.caches.setdefault(name, (c_uint64 * SITE_CACHE_WORDS)())
                args.append(ctypes.addressof(cache))
            elif letter in "XYZ":
                out = {"C": c_void_p, "X": c_void_p, "Y": c_int64, "Z": c_double}[letter]
                out = (out * outputs)()
                args.append(ctypes.addressof(out))
            else:
                operand = operands.pop(0)
                args.append(NULL if operand is MISSING else operand)
                if letter == "C" and operand is not MISSING:
                    give_away(operand)
        assert not operands, (self.symbol, operands)
        result = self.function(*args)
        if self.result in "ON":
            result = take(result)
        for array in keep:  # the scratch words hold references that are not the array's
            ctypes.memset(ctypes.addressof(array), 0, SCRATCH * ctypes.sizeof(c_void_p))
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


assert test_initialize() == 0
test_expect(1)
rt = Table()
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
