# SPDX-License-Identifier: MIT
"""Calls every helper of helpers.def and compares it with what the interpreter does.

    python helpers_test.py <module built from module.cpp> <helpers.def> [unittest arguments]
"""

import sys
import unittest

from calls_test import *  # noqa: F403
from harness import FORGOTTEN
from inlined_test import *  # noqa: F403
from known_test import *  # noqa: F403
from objects_test import *  # noqa: F403
from values_test import *  # noqa: F403

if __name__ == "__main__":
    program = unittest.main(argv=sys.argv[:1] + sys.argv[3:], exit=False)
    ok = program.result.wasSuccessful()
    if ok and len(sys.argv) == 3 and FORGOTTEN:
        print("not tested:", *sorted(FORGOTTEN))
        ok = False
    sys.exit(0 if ok else 1)
