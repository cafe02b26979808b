# SPDX-License-Identifier: MIT
"""Generator, coroutine and async generator bodies run natively: entered at a resume, left at a yield."""

import gc
import unittest
import weakref

import martlet
from martlet_testing import FIRST, Counted, JitTestCase, define, jit


class GeneratorTest(JitTestCase):
    def test_body_is_native(self):
        generate = define("def g(n):\n  i = 0\n  while i < n:\n    yield i * i\n    i += 1\n  return 'end'")["g"]
        with jit(**FIRST):
            list(generate(5))
            self.assertTrue(martlet.is_compiled(generate))
            with Counted() as counted:
                self.assertEqual(sum(generate(100)), sum(i * i for i in range(100)))
        self.assertGreaterEqual(counted["resume_entries"], 90)

    def test_send_throw_close(self):
        source = """
            def g(log):
                while True:
                    try:
                        log.append((yield len(log)))
                    except ValueError as e:
                        log.append(str(e))
                    finally:
                        log.append("f")
        """
        generate = define(source)["g"]
        with jit(**FIRST):
            for _ in range(5):
                log = []
                generator = generate(log)
                self.assertEqual(next(generator), 0)
                self.assertEqual(generator.send("x"), 2)
                self.assertEqual(generator.throw(ValueError("v")), 4)
                generator.close()
                self.assertEqual(log, ["x", "f", "v", "f", "f"])
                self.assertIsNone(generator.gi_frame)

    def test_stop_iteration_becomes_runtime_error(self):
        generate = define("def g():\n  yield 1\n  next(iter(()))")["g"]
        with jit(**FIRST):
            for _ in range(5):
                generator = generate()
                next(generator)
                with self.assertRaisesRegex(RuntimeError, "generator raised StopIteration") as caught:
                    next(generator)
                self.assertIsInstance(caught.exception.__cause__, StopIteration)

    def test_return_value(self):
        names = define("def g(n):\n  for i in range(n): yield i\n  return n\ndef h(n):\n  a = yield from g(n)\n  b = yield from g(2)\n  return a, b")
        with jit(**FIRST):
            for n in (0, 1, 5, 50):
                generator, seen = names["h"](n), []
                while True:
                    try:
                        seen.append(next(generator))
                    except StopIteration as stop:
                        self.assertEqual(stop.value, (n, 2))
                        break
                self.assertEqual(seen, [*range(n), 0, 1])

    def test_abandoned_generators_are_freed(self):
        names = define("class O: pass\ndef g():\n  o = O()\n  yield o\n  yield 2")
        with jit(**FIRST):
            for _ in range(10):
                generator = names["g"]()
                reference = weakref.ref(next(generator))
                self.assertIsNotNone(reference())
                del generator
                self.assertIsNone(reference())

    def test_collected_in_a_cycle(self):
        names = define("class O: pass\ndef g(box):\n  o = O()\n  box.append(o)\n  yield o\n  yield 1")
        with jit(**FIRST):
            box = []
            generator = names["g"](box)
            reference = weakref.ref(next(generator))
            box.append(generator)
            del box, generator
            gc.collect()
            self.assertIsNone(reference())

    def test_coroutines(self):
        source = """
            class Wait:
                def __await__(self):
                    return (yield "wait")
            async def inner(x):
                return await Wait() + x
            async def outer(n):
                total = 0
                for i in range(n):
                    total += await inner(i)
                return total
            async def agen(n):
                for i in range(n):
                    yield i
                    await Wait()
            async def consume(n):
                return [x async for x in agen(n) if x % 2], {x: 1 async for x in agen(2)}
            def run(c, value):
                steps = 0
                try:
                    c.send(None)
                    while True:
                        steps += 1
                        c.send(value)
                except StopIteration as stop:
                    return steps, stop.value
        """
        names = define(source)
        with jit(**FIRST), Counted() as counted:
            for _ in range(3):
                self.assertEqual(names["run"](names["outer"](20), 1), (20, 210))
                self.assertEqual(names["run"](names["consume"](10), 0), (12, ([1, 3, 5, 7, 9], {0: 1, 1: 1})))
        self.assertGreater(counted["resume_entries"], 50)

    def test_never_awaited_warning(self):
        names = define("async def c(): pass")
        with jit(**FIRST), self.assertWarnsRegex(RuntimeWarning, "never awaited"):
            names["c"]()

    def test_generator_shared_by_two_threads(self):
        import threading

        names = define("def g(n):\n  for i in range(n): yield i")
        with jit(**FIRST):
            generator, lock, seen = names["g"](2000), threading.Lock(), []

            def work():
                while True:
                    with lock:
                        value = next(generator, None)
                    if value is None:
                        return
                    seen.append(value)

            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(sorted(seen), list(range(2000)))


if __name__ == "__main__":
    unittest.main()
