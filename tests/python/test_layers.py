# SPDX-License-Identifier: MIT
"""The walls between the folders hold."""

import os
import subprocess
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class LayersTest(unittest.TestCase):
    def test_layers(self):
        script = os.path.join(ROOT, "scripts", "check_layers")
        result = subprocess.run([sys.executable, script], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
