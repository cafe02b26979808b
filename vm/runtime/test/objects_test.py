# SPDX-License-Identifier: MIT
"""Attributes, names, frame slots."""

import array
import builtins
import ctypes
import gc
import math
import sys
import types
from ctypes import c_double, c_int64, c_void_p

from harness import (
    MISSING,
    Case,
    cached_keys_version,
    dict_version,
    find_array_type,
    generator_frame,
    give_away,
    has_inline_values,
    instruction,
    keys_version,
    local_address,
    rt,
    stack_top,
    test_expect,
    test_frame,
    type_version,
)


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
        for _ in range(3):
            self.assertEqual(rt.load_attr(made, "property"), "value of a!")

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


class Arrays(Case):
    EDGES = {"b": (-128, 127), "B": (0, 255), "h": (-2**15, 2**15 - 1), "H": (0, 2**16 - 1), "i": (-2**31, 2**31 - 1),
             "I": (0, 2**32 - 1), "l": (-2**63, 2**63 - 1), "q": (-2**63, 2**63 - 1)}

    def setUp(self):
        super().setUp()
        find_array_type()

    def test_floats(self):
        values = array.array("d", [1.5, -0.0, float("inf")])
        for i, value in enumerate(values):
            self.assertEqual(rt.array_float(values, i), (True, value))
        self.assertTrue(rt.array_store_float(values, 1, 2.25))
        self.assertEqual(values[1], 2.25)

        class Sub(array.array):
            pass

        for other in (array.array("f", [1.0]), array.array("i", [1]), Sub("d", [1.0]), [1.0], 5):
            self.assertFalse(rt.array_float(other, 0)[0])
            self.assertFalse(rt.array_store_float(other, 0, 1.0))
        for index in (3, 2**62):
            self.assertFalse(rt.array_float(values, index)[0])
            self.assertFalse(rt.array_store_float(values, index, 1.0))

    def test_ints(self):
        for code, (low, high) in self.EDGES.items():
            values = array.array(code, [0, 0])
            for value in (low, high, 1):
                self.assertTrue(rt.array_store_int(values, 1, ord(code), value))
                self.assertEqual(values.tolist(), [0, value])
                self.assertEqual(rt.array_int(values, 1, ord(code)), (True, value))
            for value in (low - 1, high + 1):
                if -2**63 <= value < 2**63:
                    self.assertFalse(rt.array_store_int(values, 0, ord(code), value))
            self.assertFalse(rt.array_int(values, 2, ord(code))[0])
            self.assertFalse(rt.array_int(array.array("d", [1.0]), 0, ord(code))[0])
            self.assertEqual(values[0], 0)

    def test_learning(self):
        class Other:
            pass

        class Method:
            def __getitem__(self, key):
                return key

            __setitem__ = None

            def __add__(self, other):
                return other

        numbers, load, store, add = 0, 1, 2, 3
        for use in (numbers, load, store, add):
            self.assertTrue(all(rt.operands_unlearned(Other(), 0, use) for _ in range(6000)))
            rt.operands_unlearned.caches.clear()
            self.assertFalse(all(rt.operands_unlearned([1], 0, use) for _ in range(6000)))
            rt.operands_unlearned.caches.clear()
        for use, learns in ((load, True), (store, False), (numbers, False), (add, True)):
            rt.operands_unlearned.caches.clear()
            seen = [rt.operands_unlearned(Method(), 0, use) for _ in range(6000)]
            self.assertEqual(not all(seen), learns, use)

    def test_getitem(self):
        class Box:
            def __getitem__(self, key):
                return [self, key][key]

        class Sub(list):
            def __getitem__(self, key):
                return "own", key

        for container in (Box(), Sub([1]), [1, 2], {0: "zero", 1: "one"}, "ab"):
            for key in (0, 1):
                self.agree(lambda: rt.subscr_getitem(container, key), lambda: container[key])
        self.agree(lambda: rt.subscr_getitem(Box(), 5), lambda: Box()[5])
        self.agree(lambda: rt.subscr_getitem(5, 5), lambda: (lambda n: n[5])(5))
        box = Box()
        self.balanced([box], lambda: rt.subscr_getitem(box, 0))


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
            self.assertEqual(rt.cell_content(cell), "content")
            self.assertEqual(rt.load_from_dict_or_deref({}, cell, slot, frame=frame), "content")
            self.assertEqual(rt.load_from_dict_or_deref({"free": 5}, cell, slot, frame=frame), 5)
            new = object()
            rt.store_deref(cell, new)
            self.assertIs(cell.cell_contents, new)
            self.assertEqual(sys.getrefcount(new), 3)
            self.assertEqual(rt.delete_deref(cell, slot, frame=frame), 0)
            self.assertEqual(sys.getrefcount(new), 2)
            text = "cannot access free variable 'free' where it is not associated with a value in enclosing scope"
            for helper in (lambda: rt.load_deref(cell, slot, frame=frame),
                           lambda: rt.delete_deref(cell, slot, frame=frame),
                           lambda: rt.load_from_dict_or_deref({}, cell, slot, frame=frame)):
                with self.assertRaisesRegex(NameError, text):
                    helper()
            rt.store_deref(cell, MISSING)
            self.assertIs(rt.cell_content(cell), MISSING)
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

    def test_last_release(self):
        kind_object, kind_int, kind_float, kind_bool = range(4)
        shared, conditional = 4, 8
        seen = []

        class Watcher:
            def __del__(self):
                frame = sys._getframe(1)
                values = dict(frame.f_locals)
                seen.append([values[name] for name in ("whole", "real", "same", "flag", "text")])
                seen.append((values["real"] is values["same"], frame.f_lineno - frame.f_code.co_firstlineno))

        def function(whole, real, same, flag, text):
            frame = test_frame()
            watcher = Watcher()
            give_away(watcher)
            address = id(watcher)
            self.assertFalse(rt.xdrop(MISSING) or rt.drop(None) or rt.xdrop(None))
            rt.incref(watcher)
            self.assertFalse(rt.drop(watcher))
            rt.incref(watcher)
            self.assertFalse(rt.xdrop(watcher))
            del watcher
            self.assertTrue(rt.drop.raw(c_void_p)(address))
            self.assertFalse(rt.end_quietly.raw(c_void_p)(address))
            number = float("1.25")
            place, number = id(number), give_away(number)
            rt.drop.raw(c_void_p)(place)
            self.assertTrue(rt.end_quietly.raw(c_void_p)(place))
            bits = c_int64.from_buffer(c_double(2.5)).value
            words = [kind_int, 10**12, 1 << 4 | kind_float, bits, 2 << 4 | shared | kind_float, bits]
            words += [3 << 4 | kind_bool, 1, 4 << 4 | kind_object, id("text")]
            words += [conditional | kind_int, 5, 0, 3 << 4 | conditional | kind_bool, 0, 1]
            array = (c_int64 * len(words))(*words)
            release = rt.release_last.raw(c_void_p, c_void_p, c_int64, c_void_p, c_int64)
            shown, line = instruction(frame), sys._getframe().f_lineno - function.__code__.co_firstlineno
            self.assertEqual(seen, [])
            release(frame, address, shown, ctypes.addressof(array), len(words))
            self.assertEqual(seen, [[10**12, 2.5, 2.5, False, "text"], (True, line)])
            return whole, real, same, flag, text

        self.assertEqual(function(1000, 0.5, 1.5, 7.5, 9.5), (10**12, 2.5, 2.5, False, "text"))

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
            rt.sync_int_if(1, False, 7, frame=frame)
            rt.sync_float_if(1, False, 7.5, frame=frame)
            self.assertIs(second, value)
            rt.sync_int_if(1, True, 10**12, frame=frame)
            self.assertEqual((second, sys.getrefcount(value)), (10**12, before + 1))
            rt.sync_float_if(1, True, 7.5, frame=frame)
            self.assertEqual(second, 7.5)
            self.assertIs(rt.take_local(0, True, frame=frame), MISSING)
            rt.copy_local(1, 0, True, frame=frame)
            rt.copy_local(1, 0, False, frame=frame)
            self.assertIs(rt.take_local(1, False, frame=frame), value)
            self.assertIs(rt.take_local(0, False, frame=frame), value)
            self.assertEqual((rt.load_local(0, frame=frame), sys.getrefcount(value)), (None, before))
            rt.store_local(0, None, frame=frame)
            rt.frame_is_seen(frame=frame)
            self.assertTrue(rt.frame_has_globals(globals(), globals()["__builtins__"], frame=frame))
            self.assertFalse(rt.frame_has_globals(dict(globals()), globals()["__builtins__"], frame=frame))
            self.assertFalse(rt.frame_has_globals(globals(), {}, frame=frame))
            self.assertFalse(rt.safepoint_pending())
            test_expect(0)
            self.assertTrue(rt.safepoint_pending())

        function(None, float("3.25"))

    def test_end_shown(self):
        seen = []

        class Watcher:
            def __del__(self):
                seen.append(sys._getframe(1).f_lasti)

        def function():
            frame = test_frame()
            watcher = Watcher()
            give_away(watcher)
            address = id(watcher)
            del watcher
            self.assertTrue(rt.drop.raw(c_void_p)(address))
            rt.end_shown.raw(c_void_p, c_void_p, c_int64)(frame, address, 3)

        function()
        self.assertEqual(seen, [2 * 3])

    def test_unpack_to_slots(self):
        def function(a, b, c, d, e, source):
            # Slots 4 to 0; c, d and e are stored by the instruction behind the one that stores a and b.
            where, slots = instruction(test_frame()) << 32 | 0b100 << 8 | 5, 0x0001020304
            status = rt.unpack_to_slots(source, where, slots, 0, frame=test_frame())
            return status, (e, d, c, b, a)

        def five(values):
            a, b, c, d, e = values

        def in_a_row(a, b, c, d, e, source):
            where = instruction(test_frame()) << 32 | 1 << 24 | 5
            return rt.unpack_to_slots(source, where, 0x0403020100, 0, frame=test_frame()), (a, b, c, d, e)

        class Noisy:
            def __del__(self):
                frame = sys._getframe()
                while frame.f_code not in (function.__code__, in_a_row.__code__):
                    frame = frame.f_back
                gone.append(frame.f_locals["e"])

        items = [object() for _ in range(5)]
        for source in (tuple(items), list(items), iter(items), dict.fromkeys(items)):
            gone = []
            self.assertEqual(function(Noisy(), 1, None, Noisy(), 5, source), (0, tuple(items)))
            self.assertEqual(gone, [items[0]] * 2)
        for source in (tuple(items), list(items), iter(items)):
            gone = []
            self.assertEqual(in_a_row(items[0], Noisy(), None, Noisy(), 5, source), (0, tuple(items)))
            self.assertEqual(gone, [5, 5])
        self.balanced(items, lambda: in_a_row(*items, items))
        for wrong in (items[1:], tuple(items * 2), 5):
            self.agree(lambda: function(1, 2, 3, 4, 5, wrong) and None, lambda: five(wrong))
        self.balanced(items, lambda: function(*items, tuple(items)))
        self.balanced(items, lambda: function(*items, [1.5] * 5))

    def test_set_instruction(self):
        def function():
            frame = test_frame()
            rt.set_instruction(1, frame=frame)
            return instruction(frame)  # by then the interpreter has set it again

        self.assertGreater(function(), 1)

    def test_suspend_frame(self):
        def generate():
            yield

        generator = generate()
        next(generator)
        frame = generator_frame(generator)
        before = instruction(frame), stack_top(frame)
        rt.suspend_frame(before[0] - 1, before[1] + 1, frame=frame)
        self.assertEqual((instruction(frame), stack_top(frame)), (before[0] - 1, before[1] + 1))
        rt.suspend_frame(*before, frame=frame)

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
