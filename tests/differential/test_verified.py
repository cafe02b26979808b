# SPDX-License-Identifier: MIT
"""What the programs of programs/ are compiled to is consistent after each pass: a function that is not is left to the
interpreter, so that the comparison of outputs would not show it. MARTLET_TEST_PROGRAMS (a pattern) chooses."""

import concurrent.futures
import os
import sys
import unittest

from test_differential import PROGRAMS, programs, run

CHILD = """
import atexit, contextlib, io, os, runpy, sys
import martlet
path = sys.argv.pop(1)
sys.path.insert(0, os.path.dirname(path))
answer = sys.stdout
atexit.register(lambda: print(*(reason for reason in martlet.reasons() if "inconsistent" in reason), sep="\\n", file=answer))
martlet.enable(verify=True, sync=True, size_step=10**6, call_threshold=2, loop_threshold=3, opt_level=0)
with contextlib.redirect_stdout(io.StringIO()):
    runpy.run_path(path, run_name="__main__")
"""


def complaints(program):
    status, output, _ = run([sys.executable, "-c", CHILD, os.path.join(PROGRAMS, program + ".py")])
    if status == "timeout":
        return [status]
    return [line for line in output.splitlines() if "inconsistent" in line]  # programs print at their end, too


class VerifiedTest(unittest.TestCase):
    def test_programs(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = dict(zip(programs(), pool.map(complaints, programs())))
        self.assertEqual({}, {program: text for program, text in found.items() if text})


if __name__ == "__main__":
    unittest.main()
