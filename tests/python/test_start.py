# SPDX-License-Identifier: MIT
"""The JIT from a process's start (MARTLET=1 scripts/python), and what of it is loaded when."""

import os
import shutil
import tempfile
import textwrap
import unittest

from martlet_testing import martlet, run_python

PACKAGE = os.path.dirname(martlet.__file__)
ACTIVATE = os.path.join(os.path.dirname(os.path.dirname(PACKAGE)), "activate")
# Hot in the main loop, and then in native code.
HOT = """
import time
def f(n):
    total = 0
    for i in range(n): total += i
    return total
for _ in range(3000): f(10)
import martlet
deadline = time.monotonic() + 60
while not martlet.is_compiled(f) and time.monotonic() < deadline: f(1000)
print(martlet.is_enabled(), martlet.is_compiled(f), f(100))
"""
OURS = "print(*sorted(name for name in sys.modules if 'martlet' in name or name in ('sitecustomize', 'atexit')))\n"


class StartTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(textwrap.dedent(text))

    def start(self, program, *folders, **variables):
        """A process as `scripts/python` starts it for MARTLET=1; `folders` come behind ours on PYTHONPATH."""
        environment = {"MARTLET": "1", "PYTHONPATH": os.pathsep.join([ACTIVATE, *folders])} | variables
        return run_python("-c", "import sys\n" + program, env=environment)

    def test_nothing_but_counting_is_loaded(self):
        self.write("sitecustomize.py", "")
        maps = "print('_martlet.' in open('/proc/self/maps').read())\n"
        self.assertEqual(self.start(OURS + maps, self.folder), (0, "sitecustomize\nFalse\n", ""))
        program = "print(sys.monitoring.get_tool(5)); import martlet; print(martlet.is_enabled())\n" + maps
        self.assertEqual(self.start(program, self.folder), (0, "martlet\nTrue\nFalse\n", ""))
        plain = run_python("-c", "import sys; print(sys.path)", env={"PYTHONPATH": self.folder})
        here = self.start("print([entry for entry in sys.path if entry != %r])" % ACTIVATE, self.folder)
        self.assertEqual(here, plain)

    def test_what_is_hot_is_compiled(self):
        self.assertEqual(self.start(HOT), (0, "True True 4950\n", ""))
        program = HOT.replace("import martlet\n", "import martlet\nmartlet.disable()\nmartlet.enable()\n")
        self.assertEqual(self.start(program), (0, "True True 4950\n", ""))

    def test_not_wanted(self):
        program = "print(sys.monitoring.get_tool(5)); import martlet; print(martlet.is_enabled())"
        for value in ("0", ""):
            self.assertEqual(self.start(program, MARTLET=value), (0, "None\nFalse\n", ""))

    def test_options(self):
        function = "import martlet\ndef f(): return 1\nf()\nprint(martlet.is_compiled(f))"
        variables = {"MARTLET_COMPILE_FIRST_CALL": "1", "MARTLET_SYNC": "yes", "MARTLET_OPT_LEVEL": "0"}
        self.assertEqual(self.start(function, **variables)[1], "True\n")
        status, _, errors = self.start("", MARTLET_CALL_THRESHOLD="often")
        self.assertEqual(status, 0)  # as after any error in a sitecustomize
        self.assertIn("Error in sitecustomize", errors)
        self.assertIn("MARTLET_CALL_THRESHOLD has to be a whole number, not 'often'", errors)

    def test_the_other_sitecustomize_runs(self):
        self.write("sitecustomize.py", "import sys\nprint('theirs', sys.monitoring.get_tool(5))\nNAME = 'theirs'\n")
        program = "import sitecustomize; print(sitecustomize.NAME, sys.monitoring.get_tool(5))"
        self.assertEqual(self.start(program, self.folder), (0, "theirs None\ntheirs martlet\n", ""))
        self.write("sitecustomize.py", "import no_such_module")
        _, output, errors = self.start("print(sys.path[1])", self.folder)
        self.assertEqual(output, ACTIVATE + "\n")
        plain = run_python("-c", "", env={"PYTHONPATH": self.folder})[2]
        self.assertEqual(errors.splitlines()[-1], plain.splitlines()[-1])

    def test_another_tool_before_anything_is_hot(self):
        program = """
def f(): return 1
seen = []
sys.monitoring.use_tool_id(1, "other")
sys.monitoring.register_callback(1, sys.monitoring.events.PY_START, lambda code, offset: seen.append(code.co_name))
sys.monitoring.set_local_events(1, f.__code__, sys.monitoring.events.PY_START)
print(sys.monitoring.get_events(1), sys.monitoring.get_events(5), sys.monitoring._all_events())
for _ in range(5000): f()
print(len(seen))
"""
        self.assertEqual(self.start(program), (0, "0 0 {}\n5000\n", ""))

    def test_subinterpreters_go_without(self):
        program = """
import _interpreters
there = _interpreters.create()
error = _interpreters.run_string(there, "import sys; print(sys.monitoring.get_tool(5))")
_interpreters.destroy(there)
print(error, sys.monitoring.get_tool(5))
"""
        self.assertEqual(self.start(program), (0, "None\nNone martlet\n", ""))

    def test_without_the_engine(self):
        """What is missing or does not fit is said once, and the program goes on."""
        for name in os.listdir(PACKAGE):
            if name.startswith("_start.") and name.endswith(".so"):
                shutil.copy(os.path.join(PACKAGE, name), os.path.join(self.folder, "sitecustomize" + name[len("_start") :]))
        program = "def f(): return 1\nfor _ in range(5000): f()\nprint(sys.monitoring.get_tool(5))"
        status, output, errors = run_python(
            "-c", "import sys\n" + program, env={"MARTLET": "1", "PYTHONPATH": self.folder}
        )
        self.assertEqual((status, output), (0, "None\n"))
        self.assertEqual(errors.count("martlet, which is disabled from here on"), 1)
        self.assertIn("_martlet.", errors)

    def test_hot_while_exiting(self):
        """An engine that nobody would stop any more is not loaded."""
        program = """
import atexit
def f(): return 1
def end():
    for _ in range(10000): f()
    print("_martlet." in open("/proc/self/maps").read())
atexit.register(end)
"""
        self.assertEqual(self.start(program), (0, "True\n", ""))
        enabled_later = program + "import martlet; martlet.enable()"
        self.assertEqual(run_python("-c", enabled_later), (0, "False\n", ""))


if __name__ == "__main__":
    unittest.main()
