# SPDX-License-Identifier: MIT
"""What stands in the place of inlined calls: checks of classes and functions, attributes by place, quiet operators."""

import sys

from harness import (
    COMPARISONS,
    DECLINED,
    INTS,
    MISSING,
    Case,
    cached_keys_version,
    give_away,
    has_inline_values,
    leave_kind,
    leave_take,
    rt,
    test_usual_entry,
    type_version,
)
from known_test import FLOATS, ODD

SLOT = 2  # a bit of a place


class Plain:
    def __init__(self):
        self.a = 1.5
        self.b = "b"

    def method(self):
        return self


class Slotted:
    __slots__ = ("x",)


def field(owner, place, value):
    """The harness gives up a reference that a borrowed result does not have."""
    give_away(value)
    return rt.field(owner, place) == (True, [value])


def store(owner, place, value):
    give_away(value)
    rt.store_field(owner, place, value)


class Fields(Case):
    def setUp(self):
        super().setUp()
        for _ in range(20):  # gives the classes and their keys versions
            made = Plain()
            made.a, made.method()
            slotted = Slotted()
            slotted.x = 1
            slotted.x
        self.made = Plain()

    def test_versions(self):
        version = type_version(Plain)
        self.assertTrue(rt.has_type_version(self.made, version))
        self.assertFalse(rt.has_type_version(Slotted(), version))
        self.assertTrue(rt.is_class_of_version(Plain, version))
        self.assertFalse(rt.is_class_of_version(Slotted, version))
        self.assertFalse(rt.is_class_of_version(self.made, version))
        keys = cached_keys_version(Plain)
        self.assertTrue(rt.hides_nothing(self.made, keys))
        self.assertFalse(rt.hides_nothing(self.made, keys + 1))
        self.made.__dict__ = {"method": 1}
        self.assertFalse(rt.hides_nothing(self.made, keys))

    def test_load(self):
        self.assertTrue(has_inline_values(self.made))
        self.assertTrue(field(self.made, 0, 1.5))
        self.assertTrue(field(self.made, 1 << 2, "b"))
        del self.made.b
        self.assertFalse(rt.field(self.made, 1 << 2)[0])
        self.made.__dict__ = {}
        self.assertFalse(rt.field(self.made, 0)[0])

    def test_store(self):
        value = object()
        count = sys.getrefcount(value)
        self.assertTrue(rt.may_store_field(self.made, 0))
        store(self.made, 0, value)
        self.assertIs(self.made.a, value)
        self.assertEqual(sys.getrefcount(value), count + 1)
        self.made.a = object()
        self.assertFalse(rt.may_store_field(self.made, 0))  # it would be the last reference
        kept = self.made.a
        self.assertTrue(rt.may_store_field(self.made, 0))
        del kept, self.made.a, self.made.b
        self.assertTrue(rt.may_store_field(self.made, 0))
        store(self.made, 1 << 2, 2)
        store(self.made, 0, 1)
        self.assertEqual(list(vars(self.made)), ["b", "a"])
        self.assertFalse(rt.may_store_field(self.made, 0))  # there is a dict now

    def test_slot(self):
        made = Slotted()
        place = object.__basicsize__ << 2 | SLOT
        self.assertFalse(rt.field(made, place)[0])
        self.assertTrue(rt.may_store_field(made, place))
        store(made, place, "x")
        self.assertEqual(made.x, "x")
        self.assertTrue(field(made, place, "x"))

    def test_new_instance(self):
        made = rt.new_instance(Plain)
        self.assertIs(type(made), Plain)
        self.assertEqual(vars(made), {})


class Functions(Case):
    def test_code_and_scope(self):
        def function():
            return 1

        def other():
            return 2

        test_usual_entry(function)
        self.assertTrue(rt.runs_code(function, function.__code__))
        self.assertFalse(rt.runs_code(function, other.__code__))
        self.assertFalse(rt.runs_code(len, other.__code__))
        function.__code__ = other.__code__
        self.assertTrue(rt.runs_code(function, other.__code__))
        self.assertTrue(rt.has_scope(function, globals(), function.__builtins__))
        self.assertFalse(rt.has_scope(function, {}, function.__builtins__))
        self.assertFalse(rt.has_scope(function, globals(), {}))

    def test_properties(self):
        def get(self):
            return 1

        def put(self, value):
            self.value = value

        both, none = property(get, put), property()
        self.assertEqual(rt.property_function(both, 0), id(get))
        self.assertEqual(rt.property_function(both, 1), id(put))
        self.assertEqual(rt.property_function(none, 0), id(none))
        self.assertEqual(rt.property_function(none, 1), id(none))
        self.assertTrue(rt.property_unlearned())

    def test_defaults(self):
        def function(a, b=[1], c="c"):
            return a

        self.assertIs(rt.default_argument(function, 1), function.__defaults__[1])
        self.assertIs(rt.default_argument(function, 2), function.__defaults__[0])
        for defaults, place in ((function.__defaults__, 3), (None, 1)):
            function.__defaults__ = defaults
            self.assertIs(rt.default_argument(function, place), MISSING)
            self.assertEqual(leave_kind(), DECLINED)
            leave_take()

    def test_recursion_room(self):
        self.assertTrue(rt.has_recursion_room(8))
        self.assertFalse(rt.has_recursion_room(1 << 40))


class Quiet(Case):
    NUMBERS = [*INTS[:6], *FLOATS, *ODD, True, False]

    def test_operators(self):
        operators = {0: "+", 10: "-", 5: "*", 11: "/", 2: "//", 6: "%", 1: "&", 13: "+="}
        for a in self.NUMBERS:
            for b in self.NUMBERS:
                for argument, sign in operators.items():
                    plain = sign.rstrip("=")
                    self.agree(lambda: rt.binary_op_quiet(a, b, argument), lambda: eval(f"a {plain} b", {"a": a, "b": b}))
        for pair in (("a", "b"), (1, "b"), ([], []), (1j, 1)):
            self.assertIs(rt.binary_op_quiet(*pair, 0), MISSING)
            self.assertEqual(leave_kind(), DECLINED)
            leave_take()

    def test_comparisons(self):
        words = ["", "a", "b", "\u20ac"]
        for values in (self.NUMBERS, words):
            for a in values:
                for b in values:
                    for i, compare in enumerate(COMPARISONS):
                        self.assertEqual(rt.compare_quiet(a, b, i), (True, compare(a, b)))
        for pair in ((1, "a"), ([], []), (b"", b""), (None, 1), (Plain, [])):
            self.assertFalse(rt.compare_quiet(*pair, 2)[0])
        same = [None, Plain, Plain(), int]
        for a in same:
            for b in same:
                self.assertEqual(rt.compare_quiet(a, b, 2), (True, a is b), (a, b))
                self.assertEqual(rt.compare_quiet(a, b, 3), (True, a is not b))
                self.assertFalse(rt.compare_quiet(a, b, 0)[0])
