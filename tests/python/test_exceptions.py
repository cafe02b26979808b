# SPDX-License-Identifier: MIT
"""Exceptions through native code: handlers, tracebacks, context, and code behind a handler that runs natively again."""

import sys
import traceback
import unittest

import martlet
from martlet_testing import FIRST, Counted, JitTestCase, define, jit


class ExceptionTest(JitTestCase):
    def lines(self, function, *arguments):
        try:
            function(*arguments)
        except BaseException as error:
            return [(frame.f_code.co_name, line) for frame, line in traceback.walk_tb(error.__traceback__)][1:], repr(error)
        self.fail("nothing was raised")

    def test_traceback_lines(self):
        source = """
            def f(x):
                y = x
                if x == 1:
                    return g(
                        y,
                        0,
                    )
                return [
                    y,
                    y / 0,
                ]

            def g(a, b):
                c = 1
                return c + (
                    a // b
                )
        """
        names = define(source)
        plain = self.lines(names["f"], 1), self.lines(names["f"], 2)
        self.compiled(names["f"])
        self.compiled(names["g"])
        with Counted() as counted:
            self.assertEqual((self.lines(names["f"], 1), self.lines(names["f"], 2)), plain)
        self.assertEqual(counted["entries"], 3)
        self.assertGreaterEqual(counted["exits_Helper"], 3)

    def test_handler_goes_on(self):
        source = """
            def f(n):
                caught = 0
                for i in range(n):
                    try:
                        if i % 4 == 0:
                            raise ValueError(i)
                        [][i]
                    except ValueError as e:
                        caught += e.args[0]
                    except IndexError:
                        caught -= 1
                    finally:
                        caught += 1000
                return caught
        """
        expected = define(source)["f"](200)
        function = self.compiled(define(source)["f"])
        self.assertEqual([function(200) for _ in range(5)], [expected] * 5)

    def test_handled_without_leaving(self):
        source = """
            def f(d, n):
                missed = 0
                for i in range(n):
                    try:
                        d[i]
                    except KeyError:
                        missed += 1
                return missed
        """
        function = self.compiled(define(source)["f"])
        with Counted() as counted:
            self.assertEqual(function({3: 3}, 100), 99)
        self.assertEqual((counted["caught"], counted["exceptions"], counted["handler_entries"]), (99, 99, 0))
        self.assertEqual(counted["exits_Helper"], 0)

    def test_raised_again_without_leaving(self):
        source = """
            class Suppress:
                def __enter__(self): return self
                def __exit__(self, *args): return False
            def f(n):
                log = []
                for i in range(n):
                    try:
                        try:
                            with suppress:
                                [][i]
                        except KeyError:
                            log.append("no")
                        finally:
                            log.append(i)
                    except IndexError as e:
                        log.append(e.__traceback__.tb_lineno)
                return log
        """
        names = define(source)
        names["suppress"] = names["Suppress"]()
        expected = names["f"](30)
        function = self.compiled(names["f"])
        with Counted() as counted:
            self.assertEqual(function(30), expected)
        self.assertGreaterEqual(counted["caught"], 30 * 4)
        self.assertEqual(counted["handler_entries"], 0)

    def test_handler_in_use_is_learned(self):
        """Code that was compiled before anything failed in it."""
        source = """
            def f(d, key):
                try:
                    return d[key]
                except KeyError:
                    return None
        """
        function = define(source)["f"]
        with jit(sync=True, call_threshold=10, size_step=10**6):
            for _ in range(20):
                function({1: 2}, 1)
            with Counted() as counted:
                for _ in range(200):
                    self.assertIsNone(function({}, 1))
            self.assertGreater(counted["caught"], 100)
            self.assertLess(counted["exits_Helper"], 60)

    def test_exc_info_is_clean_afterwards(self):
        source = """
            import sys
            def f():
                try:
                    1 / 0
                except ZeroDivisionError:
                    inside = sys.exc_info()[0]
                return inside, sys.exc_info()
        """
        function = self.compiled(define(source)["f"])
        self.assertEqual(function(), (ZeroDivisionError, (None, None, None)))
        try:
            raise KeyError
        except KeyError:
            self.assertIs(function()[1][0], KeyError)
        self.assertEqual(sys.exc_info(), (None, None, None))

    def test_context_and_cause(self):
        source = """
            def f(how):
                try:
                    {}["k"]
                except KeyError as e:
                    if how == 0:
                        raise ValueError("v")
                    if how == 1:
                        raise ValueError("v") from e
                    if how == 2:
                        raise ValueError("v") from None
                    raise
        """
        function = self.compiled(define(source)["f"])
        for how in range(4):
            with self.assertRaises((ValueError, KeyError)) as caught:
                function(how)
            error = caught.exception
            if how == 3:
                self.assertIsInstance(error, KeyError)
                continue
            self.assertIsInstance(error.__context__, KeyError)
            self.assertIs(error.__cause__, error.__context__ if how == 1 else None)
            self.assertEqual(error.__suppress_context__, how != 0)

    def test_recursion_limit(self):
        source = """
            def f(n):
                return 0 if n == 0 else 1 + f(n - 1)
            def depth():
                n = 0
                def g():
                    nonlocal n
                    n += 1
                    g()
                try:
                    g()
                except RecursionError as e:
                    return n, str(e)
        """
        plain = define(source)
        expected, message = plain["depth"]()
        native = define(source)
        with jit(**FIRST):
            self.assertEqual(native["f"](500), 500)
            self.assertRaises(RecursionError, native["f"], 10**6)
            self.assertEqual(native["depth"](), (expected, message))
            self.assertEqual(native["f"](500), 500)
            limit = sys.getrecursionlimit()
            try:
                sys.setrecursionlimit(300)
                self.assertRaises(RecursionError, native["f"], 400)
                sys.setrecursionlimit(5000)
                self.assertEqual(native["f"](4000), 4000)
            finally:
                sys.setrecursionlimit(limit)

    def test_memory_error_in_the_middle(self):
        function = self.compiled(define("def f(n):\n  x = [1]\n  try:\n    return x * n\n  except MemoryError:\n    return len(x)")["f"])
        self.assertEqual(function(2**60), 1)

    def test_exception_holds_its_frame(self):
        function = self.compiled(define("def f(a):\n  b = [a]\n  a = 2\n  c = b[5]")["f"])
        try:
            function(1)
        except IndexError as error:
            frame = error.__traceback__.tb_next.tb_frame
        self.assertEqual(dict(frame.f_locals), {"a": 2, "b": [1]})
        frame.clear()
        self.assertEqual(dict(frame.f_locals), {})

    def test_finally_overrides(self):
        source = """
            def f(x):
                while True:
                    try:
                        if x: raise ValueError
                        return "try"
                    finally:
                        if x == 1: break
                        if x == 2: return "finally"
                return "after"
        """
        function = self.compiled(define(source)["f"])
        self.assertEqual([function(0), function(1), function(2)], ["try", "after", "finally"])
        self.assertRaises(ValueError, function, 3)


if __name__ == "__main__":
    unittest.main()
