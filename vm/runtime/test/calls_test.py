# SPDX-License-Identifier: MIT
"""Calls, matching, imports, exceptions, and leaving native code."""

import asyncio
import builtins
import collections
import math
import operator
import sys
import types

from harness import (
    Case, DECLINED, MISSING, NB_ADD, NOTHING, PARKED_NUMBER, PARKED_OBJECT, RERAISED, calls, catch, checks,
    generator_frame, handled_exception, instruction, leave_kind, leave_number, leave_take, outcome, park, rt, test_expect,
    test_frame, test_tstate,
)


class Calls(Case):
    GENERAL = "call call_builtin call_method_descriptor"
    ALL = GENERAL + " call_len call_isinstance call_list_append call_type_1 call_str_1 call_tuple_1"

    def each(self):
        return [getattr(rt, name) for name in self.ALL.split()]

    def call(self, helper, callee, self_, *args):
        """The call, also where the helper leaves it to the interpreter."""
        result = helper(callee, self_, *args, frame=test_frame())
        if result is MISSING and leave_kind() == DECLINED:
            self.assertNotIn(helper.symbol, ["rt_" + name for name in self.GENERAL.split()])
            leave_take()
            return callee(*args) if self_ is MISSING else callee(self_, *args)
        return result

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
                     (made.method, 0), (made.method, 2), (Class.method, 1), (Class.method, 0), (made, 2), (len, 1),
                     (len, 0), (len, 2), (isinstance, 2), (isinstance, 1), (type, 1), (str, 1), (str, 0), (tuple, 1),
                     (tuple, 0), (abs, 1), (print, 0), (values.count, 1), (list.count, 2), (list.count, 0),
                     (list.index, 2), (list.copy, 1), (dict.get, 2), (dict.get, 1), (str.join, 2), (str.split, 1),
                     (str.upper, 1), (math.hypot, 2), (max, 2), (sorted, 1), (range, 2), (int, 1), (5, 1),
                     (getattr, 2), (getattr, 3), (divmod, 2), (callable, 1), (str.format, 3),
                     (operator.itemgetter(0), 1), (type("T", (type,), {}), 1)]
        arguments = [[values, 7, 8], ["3", "abc", 1], [5, int, 2], [{}, "k", 0], [made, made, made],
                     ["x", ["a", "b"], 1]]
        for callee, count in callables:
            for args in arguments:
                args = args[:count]
                for helper in self.each():
                    for self_ in (False, True) if args else (False,):
                        operands = (args[0], *args[1:]) if self_ else (MISSING, *args)
                        self.agree(lambda: self.call(helper, callee, *operands), lambda: callee(*args),
                                   callee, args, helper.symbol, self_)

    def test_balance(self):
        class Class:
            def method(self, *args):
                return self

        made, value, values = Class(), object(), []
        method = made.method
        cases = [(method, MISSING, value), (Class.method, made, value), (repr, MISSING, value),
                 (list.append, values, value), (list.index, [value], value), (type, MISSING, value),
                 (isinstance, MISSING, value, Class), (len, MISSING, [value]), (tuple, MISSING, [value]),
                 (str, MISSING, value), (isinstance, value, object)]

        def run():
            for case in cases:
                for helper in self.each():
                    self.call(helper, *case)
            values.clear()

        self.balanced([made, value, values, method, Class], run)

    def test_list_append(self):
        values = []
        self.assertIsNone(rt.call_list_append(list.append, values, 1))
        self.assertIsNone(self.call(rt.call_list_append, list.append, MISSING, values, 2))
        self.assertEqual(values, [1, 2])

        class Sub(list):
            pass

        sub = Sub()
        rt.call_list_append(list.append, sub, 1)
        self.assertEqual(sub, [1])
        self.assertRaises(TypeError, self.call, rt.call_list_append, list.append, 5, 1)

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

    def test_borrowed_operands_are_held(self):
        class Counter:
            def __add__(self, other):
                return sys.getrefcount(self)

            __getattr__ = __getitem__ = __add__

        x, frame, count = Counter(), test_frame(), sys.getrefcount

        def extra(helper, *operands, bit):
            """What the mask adds to what foreign code sees."""
            without, with_mask = (helper(*operands, borrowed=mask) for mask in (0, 1 << bit))
            return with_mask - without

        self.assertEqual(extra(rt.binary_op, x, 1, NB_ADD, bit=0), 1)
        self.assertEqual(extra(rt.binary_op, x, 1, NB_ADD, bit=1), 0)
        self.assertEqual(extra(rt.load_attr, x, "anything", bit=0), 1)
        self.assertEqual(extra(rt.subscr, x, 1, bit=0), 1)

        self.balanced([x], lambda: rt.call(count, MISSING, x, frame=frame))

    def test_intrinsics(self):
        frame = test_frame()
        self.assertEqual(rt.intrinsic_1([1, 2], 6, frame=frame), (1, 2))
        self.assertEqual(rt.intrinsic_1(True, 5, frame=frame), 1)
        self.assertRaises(TypeError, rt.intrinsic_1, "x", 5, frame=frame)
        namespace = {}
        exec("from math import *", expected := {})
        raw = rt.intrinsic_1.function  # `import *` looks at the running frame
        names = dict(raw=raw, tstate=test_tstate, frame=test_frame, math=math)
        exec("raw(tstate(), frame(), 0, math, 2)", names, namespace)
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

    def test_caught(self):
        error = ValueError("1")

        def suspended():
            yield

        frame = generator_frame(generator := suspended())
        self.assertIs(catch(frame, 3, error), error)
        self.assertEqual(instruction(frame), 3)
        self.balanced([error], lambda: catch(frame, 2, error))
        # Raised again: the frame shows what it did.
        with self.assertRaises(ValueError):
            rt.reraise(error, frame=frame)
        self.assertIs(catch(frame, 4, error), error)
        self.assertEqual((leave_kind(), instruction(frame)), (NOTHING, 2))
        # Nothing to catch, and events that the vm has to look at first.
        self.assertIs(rt.catch_exception(4, frame=frame), MISSING)
        test_expect(0)
        try:
            self.assertIsNone(catch(frame, 4, error))
        finally:
            test_expect(1)
        self.assertEqual(instruction(frame), 2)
        del generator

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
        values = collections.deque([value])
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
        for helper in [getattr(rt, name) for name in Calls.GENERAL.split()]:
            calls.value = 0
            self.assertIs(self.asked(helper, lambda: "result", MISSING, frame=test_frame()), MISSING, helper.symbol)
            self.assertEqual(calls.value, 1)
            self.assertEqual(leave_take(), "result")

    def test_id(self):
        value = object()
        self.assertEqual(rt.id_of(value), id(value))
        self.assertIs(self.asked(rt.id_of, value), MISSING)
        self.assertEqual(calls.value, 1)
        self.assertEqual(leave_take(), id(value))

    def test_quiet_calls(self):
        self.assertIs(self.asked(rt.call_quiet, str.upper, 0, "a"), MISSING)
        self.assertEqual(calls.value, 1)
        self.assertEqual(leave_take(), "A")
        self.assertIs(self.asked(rt.call_quiet, int, 0, object()), MISSING)  # the interpreter's
        self.assertEqual((calls.value, leave_kind()), (1, DECLINED))
        leave_take()

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
