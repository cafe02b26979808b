# SPDX-License-Identifier: MIT
"""The first random programs of fuzz.py, in two modes; MARTLET_FUZZ_SECONDS asks for more, in all of them."""

import os
import unittest

import fuzz


class FuzzTest(unittest.TestCase):
    def test_programs_behave_the_same(self):
        seconds = float(os.environ.get("MARTLET_FUZZ_SECONDS", "0"))
        modes = list(fuzz.MODES) if seconds else ["warm", "exit_every_5"]
        found = list(fuzz.fuzz(0, seconds or 1, modes))
        self.assertEqual([], [f"seed {seed}, mode {mode}:\n{difference}" for seed, mode, difference in found])


if __name__ == "__main__":
    unittest.main()
