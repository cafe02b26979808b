# SPDX-License-Identifier: MIT
"""python -m martlet behaves like python: the interpreter's answer to the same words is the oracle."""

import os
import re
import signal
import sys
import tempfile
import textwrap
import unittest
import zipfile

from martlet_testing import run_python

STATE = """
import sys
print(__name__, sys.argv, list(globals()), globals().get("__file__"), __spec__ and __spec__.name, type(__loader__).__name__)
print(sys.path[0], sys.modules["__main__"].__dict__ is globals(), __builtins__, __annotations__, __doc__)
print(sys._getframe().f_back, globals().get("__cached__"), __package__)
"""


class MainTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def write(self, name, text):
        os.makedirs(os.path.dirname(os.path.join(self.folder, name)), exist_ok=True)
        with open(name, "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))
        return name

    def check_same(self, *words, **keywords):
        """The same status, output and errors as without -m martlet."""
        plain = run_python(*words, **keywords)
        jit = run_python("-m", "martlet", "--compile-first-call", "--sync", "--opt-level=0", *words, **keywords)
        normal = [tuple(re.sub("0x[0-9a-f]+", "0x", str(part)) for part in answer) for answer in (jit, plain)]
        self.assertEqual(*normal)
        return plain

    def test_script(self):
        self.write("state.py", '"""The docstring."""\nx: int = 1\n' + STATE)
        self.check_same("state.py", "a", "-b", "--call-threshold=3", "--least-rate=0")
        self.check_same(os.path.join(self.folder, "state.py"))
        self.check_same(os.path.join(".", "state.py"), "-m")

    def test_original_words(self):
        self.write("words.py", "import sys; print(sys.orig_argv)")
        for words in (["words.py"], ["words.py", "-m", "words.py"], ["-m", "words", "a"], ["-mwords", "--", "b"]):
            self.check_same(*words)
        self.check_same("-c", "import sys; print(sys.orig_argv)", "-c", "x")
        self.check_same("-cimport sys; print(sys.orig_argv)", "-c")
        plain = run_python("-I", "-X", "dev", "words.py", "a", plain=True)
        for ours in (["-mmartlet"], ["-m", "martlet"]):
            self.assertEqual(run_python("-X", "dev", *ours, "words.py", "a")[1], plain[1].replace("'-I', ", ""))

    def test_files_that_are_no_source(self):
        for number, source in enumerate((b'print(1)\nx = "\xff"\n', b"# coding: nonsense\n", b"x = 1\0\n", b"x = (\n",
                                         b"# coding: latin-1\nprint('\xe4', __file__, sorted(globals()), __loader__)\n")):
            with open(f"bad{number}.py", "wb") as file:
                file.write(source)
            self.check_same(f"bad{number}.py")

    def test_start_is_cheap(self):
        # What is imported or loaded before the program starts is what enabling costs: bench/startup.py measures it.
        names = "import sys; print(*sorted(sys.modules))"
        _, before, _ = run_python("-c", "import runpy, importlib.util; " + names, plain=True)
        _, after, _ = run_python("-m", "martlet", "-c", names)
        ours = {"linecache", "martlet", "martlet._launcher", "martlet._start"}
        self.assertLessEqual(set(after.split()) - set(before.split()), ours)
        _, maps, _ = run_python("-m", "martlet", "-c", "print(open('/proc/self/maps').read())")
        self.assertNotIn("LLVM", maps)
        self.assertNotIn("/_martlet.", maps)

    def test_script_elsewhere(self):
        self.write("sub/state.py", STATE + "import neighbour\n")
        self.write("sub/neighbour.py", "print('neighbour', __name__)\n")
        self.check_same("sub/state.py")
        os.symlink("sub/state.py", "link.py")
        self.check_same("link.py")

    def test_module(self):
        self.write("package/__init__.py", "")
        self.write("package/__main__.py", STATE)
        self.write("package/part.py", STATE)
        self.check_same("-m", "package", "x", "-y")
        self.check_same("-m", "package.part")
        self.check_same("-mpackage.part", "a")
        self.check_same("-m", "no_such_module")
        self.check_same("-m", "package.nothing")

    def test_command(self):
        self.check_same("-c", STATE, "a", "-b")
        self.check_same("-cprint(1)")
        self.check_same("-c", "import sys; print(sys.argv)", "-c", "x")

    def test_standard_input(self):
        self.check_same("-", "a", "-b", input=STATE)
        self.check_same("-", input="print(1)\nimport nothing_of_that_name\n")
        self.check_same("-", input="print(1)\nx = (\n")
        self.check_same("-", input="")

    def test_folder_and_archive(self):
        self.write("app/__main__.py", STATE)
        self.check_same("app", "x")
        with zipfile.ZipFile("app.zip", "w") as archive:
            archive.writestr("__main__.py", STATE)
        self.check_same("app.zip", "y")
        os.mkdir("empty")
        self.check_same("empty")

    def test_compiled_file(self):
        self.write("state.py", STATE)
        run_python("-c", "import py_compile; py_compile.compile('state.py', 'state.pyc')")
        self.check_same("state.pyc", "x")

    def test_missing_file(self):
        status, _, errors = self.check_same("no_such_file.py")
        self.assertEqual(status, 2)
        self.assertIn("can't open file", errors)

    def test_exit_status(self):
        for code in ("0", "3", "None", "'message'", "256 + 7", "-1", "1.5", "(1, 2)", ""):
            with self.subTest(code):
                self.check_same("-c", f"import sys; print(1); sys.exit({code})")
        self.check_same("-c", "raise SystemExit(4)")
        self.check_same("-c", "import os; os._exit(9)")
        self.check_same("-c", "import atexit, sys; atexit.register(print, 'bye'); sys.exit(2)")

    def test_tracebacks(self):
        self.write(
            "bad.py",
            """
            def f(n):
                return 1 // n if n == 0 else f(n - 1)

            try:
                f(2)
            except ZeroDivisionError as e:
                raise KeyError("chained") from e
            """,
        )
        self.assertEqual(self.check_same("bad.py")[0], 1)
        self.check_same("-m", "bad")
        self.check_same("-c", "def f():\n    1/0\nf()")
        self.check_same("-c", "raise ExceptionGroup('g', [ValueError(1), KeyError(2)])")
        self.check_same("-c", "e = ValueError('x'); e.add_note('a note'); raise e")

    def test_syntax_errors(self):
        self.write("bad.py", "def f(:\n    pass\n")
        self.write("encoding.py", "# -*- coding: latin-1 -*-\nprint('\\xe9')\n")
        self.check_same("bad.py")
        self.check_same("-c", "x = = 1")
        self.check_same("encoding.py")
        self.write("future.py", "from __future__ import annotations\nx: y = 1\nprint(__annotations__)\n")
        self.check_same("future.py")

    def test_keyboard_interrupt(self):
        self.assertEqual(self.check_same("-c", "raise KeyboardInterrupt")[0], -signal.SIGINT)
        self.check_same("-c", "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(5)")

    def test_excepthook(self):
        self.check_same("-c", "import sys\nsys.excepthook = lambda t, e, tb: print(t, e, tb.tb_frame.f_code.co_name)\n1/0")
        self.check_same("-c", "import sys\nsys.excepthook = lambda *a: 1/0\nundefined")
        self.check_same("-c", "import sys, atexit\natexit.register(lambda: print(sys.last_exc, sys.last_traceback.tb_next))\n1/0")
        self.check_same("-c", "import sys\ndef hook(*a): sys.exit(5)\nsys.excepthook = hook\n1/0")

    def test_threads_and_finalization(self):
        self.check_same("-c", "import threading, time\nthreading.Thread(target=lambda: (time.sleep(.1), print('late'))).start()\nprint('main')")
        self.check_same("-c", "class A:\n  def __del__(self): print('del', __name__)\na = A()\nb = [a]")
        self.check_same("-c", "import threading\nt = threading.Thread(target=lambda: 1/0, name='worker')\nt.start(); t.join()")

    def test_input_and_warnings(self):
        self.check_same("-c", "print(input() + '!')", input="text\n")
        self.check_same("-c", "import warnings\ndef f(): warnings.warn('careful', stacklevel=2)\nf()\nwarnings.warn('top', stacklevel=3)")
        self.check_same("-c", "import traceback\ndef f(): traceback.print_stack()\nf()")

    def test_recursion_limit(self):
        self.check_same(
            "-c", "import sys\nn = 0\ndef f():\n  global n\n  n += 1\n  f()\ntry: f()\nexcept RecursionError as e: print(n, e)"
        )

    def test_pickling_of_main(self):
        self.write(
            "pickled.py",
            """
            import pickle
            class Thing:
                pass
            print(pickle.loads(pickle.dumps(Thing())).__class__ is Thing)
            """,
        )
        self.check_same("pickled.py")

    def test_multiprocessing(self):
        self.write(
            "workers.py",
            """
            import multiprocessing

            def square(x):
                return x * x

            if __name__ == "__main__":
                for method in "fork", "spawn":
                    with multiprocessing.get_context(method).Pool(2) as pool:
                        print(method, pool.map(square, range(10)))
            """,
        )
        self.check_same("workers.py")

    def test_bad_usage(self):
        for words, text in (
            (["--no-such-option", "x.py"], "unknown option --no-such-option"),
            (["--call-threshold=many", "x.py"], "--call-threshold"),
            (["--call-threshold=-5", "x.py"], "call_threshold"),
            (["--call-threshold"], "argument expected"),
            (["--dump-stages=hir,assembler", "x.py"], "no stage 'assembler'"),
            (["--stats-file=/no/such/folder", "x.py"], "cannot write '/no/such/folder'"),
            (["-m"], "argument expected"),
            ([], "no program"),
        ):
            with self.subTest(words):
                status, output, errors = run_python("-m", "martlet", *words)
                self.assertEqual((status, output), (2, ""))
                self.assertIn(text, errors)
                self.assertIn("usage:", errors)
                self.assertNotIn("Traceback", errors)

    def test_help(self):
        status, output, _ = run_python("-m", "martlet", "--help")
        self.assertEqual(status, 0)
        for word in ("--call-threshold", "MARTLET_SYNC", "--dump"):
            self.assertIn(word, output)

    def test_environment(self):
        script = "import martlet, sys; print(martlet.is_enabled())"
        self.assertEqual(run_python("-c", script)[1], "False\n")
        self.assertEqual(run_python("-c", script, env={"MARTLET": "1"})[1], "True\n")
        self.assertEqual(run_python("-c", script, env={"MARTLET": "0"})[1], "False\n")
        self.assertEqual(run_python("-m", "martlet", "-c", script)[1], "True\n")
        function = "import martlet\ndef f(): return 1\nf()\nprint(martlet.is_compiled(f))"
        variables = {"MARTLET_COMPILE_FIRST_CALL": "1", "MARTLET_SYNC": "yes", "MARTLET_OPT_LEVEL": "0"}
        self.assertEqual(run_python("-m", "martlet", "-c", function, env=variables)[1], "True\n")
        status, _, errors = run_python("-m", "martlet", "-c", "", env={"MARTLET_CALL_THRESHOLD": "often"})
        self.assertEqual(status, 2)
        self.assertIn("MARTLET_CALL_THRESHOLD", errors)

    def test_other_pythons_are_refused(self):
        init = sys.modules["martlet_testing"].martlet.__file__
        script = f"import sys\nsys.version_info = (3, 12, 0)\nsys.path.insert(0, {os.path.dirname(os.path.dirname(init))!r})\nimport martlet"
        status, _, errors = run_python("-c", script)
        self.assertEqual(status, 1)
        self.assertIn("ImportError: martlet needs CPython 3.13; this is cpython 3.12", errors)


if __name__ == "__main__":
    unittest.main()
