# SPDX-License-Identifier: MIT
"""Each program of programs/ has to behave the same interpreted and under the JIT, in every mode.

Compared are the output (with reference counts that the programs print), the error output with its tracebacks, and the
exit status. The interpreter's answer is the oracle. MARTLET_TEST_PROGRAMS and MARTLET_TEST_MODES (patterns) choose;
SLOW_MODES run only where MARTLET_TEST_MODES is given.
"""

import concurrent.futures
import fnmatch
import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")
TIMEOUT = 300

# The size step has small programs learn what large code would have to meet more often.
WARM = ["--sync", "--size-step=1000000"]
FIRST = ["--compile-first-call", *WARM]
MODES = {
    "first_call_quick": [*FIRST, "--opt-level=0"],
    # What has never run is left out: a low limit has it compiled after all, and then again.
    "warm": [*WARM, "--call-threshold=2", "--loop-threshold=2", "--opt-level=0", "--exit-limit=2"],
    "warm_full": [*WARM, "--call-threshold=3", "--loop-threshold=5", "--opt-level=2"],
    "exit_every_1": [*FIRST, "--opt-level=0", "--force-exit-every=1"],
    "exit_every_2": [*FIRST, "--opt-level=0", "--force-exit-every=2"],
    "exit_every_3": [*FIRST, "--opt-level=0", "--force-exit-every=3"],
    "exit_every_7": [*FIRST, "--opt-level=0", "--force-exit-every=7"],
    "warm_exits": [
        "--sync", "--size-step=1000000", "--call-threshold=2", "--loop-threshold=3", "--opt-level=0", "--force-exit-every=5"
    ],
    "background": ["--size-step=1000000", "--least-rate=0", "--call-threshold=2", "--loop-threshold=10"],
}
SLOW_MODES = {"first_call_full": [*FIRST, "--opt-level=2"]}
# Where a tool is switched on in a native callee of a frame that runs interpreted, the interpreter takes the call for one
# of a C function, and tells other offsets; forced exits bring that about everywhere, and so does code that was left out.
LEFT_OUT = {("monitoring_exceptions", mode) for mode in MODES if "exit" in mode or mode == "warm_full"}
if "MARTLET_TEST_MODES" in os.environ:
    MODES |= SLOW_MODES


def chosen(names, variable):
    pattern = os.environ.get(variable, "*")
    return [name for name in names if fnmatch.fnmatch(name, pattern)]


def programs():
    names = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(PROGRAMS, "*.py")))
    return chosen([name for name in names if name != "support"], "MARTLET_TEST_PROGRAMS")


def run(command):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET")}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = subprocess.run(
                command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            return "timeout", "", ""
    # Addresses differ from run to run.
    texts = [re.sub(r"0x[0-9a-f]+", "0x…", raw.decode(errors="replace")) for raw in (result.stdout, result.stderr)]
    return result.returncode, *texts


def command_of(program, mode):
    path = os.path.join(PROGRAMS, program + ".py")
    if mode is None:
        return [sys.executable, path]
    return [sys.executable, "-m", "martlet", *MODES[mode], path]


class DifferentialTest(unittest.TestCase):
    maxDiff = 4000
    pool: concurrent.futures.ThreadPoolExecutor
    runs: dict

    @classmethod
    def setUpClass(cls):
        # All runs are started at once, in the order in which the tests ask for them.
        cls.pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
        cls.runs = {
            (program, mode): cls.pool.submit(run, command_of(program, mode))
            for program in programs()
            for mode in (None, *chosen(MODES, "MARTLET_TEST_MODES"))
        }

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown(cancel_futures=True)

    def check(self, program, mode):
        status, output, errors = self.runs[program, None].result()
        jit_status, jit_output, jit_errors = self.runs[program, mode].result()
        self.assertEqual((jit_errors, jit_status), (errors, status))
        self.assertMultiLineEqual(jit_output, output)


def add_tests():
    for program in programs():
        for mode in chosen(MODES, "MARTLET_TEST_MODES"):
            if (program, mode) in LEFT_OUT:
                continue

            def test(self, program=program, mode=mode):
                self.check(program, mode)

            setattr(DifferentialTest, f"test_{program}_{mode}", test)


add_tests()

if __name__ == "__main__":
    unittest.main()
