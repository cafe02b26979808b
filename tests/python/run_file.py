# SPDX-License-Identifier: MIT
"""Runs one unittest file and writes its counts to $MARTLET_TEST_RESULT (a helper of scripts/test)."""

import importlib.util
import json
import os
import sys
import unittest


class CountingResult(unittest.TextTestResult):
    """Counts tests and subtests that passed, too."""

    def __init__(self, *arguments, **keywords):
        super().__init__(*arguments, **keywords)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.passed += 1


def main() -> int:
    path = os.path.abspath(sys.argv[1])
    sys.path[0:0] = [os.path.dirname(path), os.path.dirname(os.path.abspath(__file__))]
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=1, resultclass=CountingResult).run(suite)
    bad = [str(test) for test, _ in result.failures + result.errors]
    bad += [f"{test}: unexpected success" for test in result.unexpectedSuccesses]
    target = os.environ.get("MARTLET_TEST_RESULT")
    if target:
        with open(target, "w", encoding="utf-8") as file:
            json.dump(
                {"passed": result.passed, "failed": len(bad), "skipped": len(result.skipped), "failures": bad}, file
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
