# SPDX-License-Identifier: MIT
"""Runs every test and sums them up; scripts/test calls this with the chosen Python and the build folder.

Each Python test file runs in a process of its own, so that a crash of native code costs one file and is reported as a
failure. The last line is `N passed, N failed[, N skipped]`.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITES = (ROOT / "tests" / "python", ROOT / "tests" / "differential")
FILE_TIMEOUT = 1200  # seconds; far above what any file needs


@dataclass
class Summary:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: Summary) -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def preload() -> dict[str, str]:
    """A sanitizer's runtime has to be in a process before the modules that were built with it."""
    library = os.environ.get("MARTLET_TEST_PRELOAD")
    return {"LD_PRELOAD": library} if library else {}


def run_unit_tests(build: Path) -> Summary:
    """The C++ tests, through CTest."""
    report = build / "unit-tests.xml"
    report.unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | preload()
    subprocess.run(
        ["ctest", "--test-dir", str(build), "--output-on-failure", "--output-junit", str(report), "--parallel",
         str(os.cpu_count() or 1)],
        env=environment,
        check=False,
    )  # fmt: skip
    summary = Summary()
    if not report.exists():
        return Summary(failed=1, failures=["ctest wrote no report"])
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        status = case.get("status")
        if status == "run":
            summary.passed += 1
        elif status in ("disabled", "notrun") or case.find("skipped") is not None:
            summary.skipped += 1
        else:
            summary.failed += 1
            summary.failures.append(f"unit test {case.get('name')}")
    return summary


def run_python_file(path: Path) -> tuple[Path, Summary, str, float]:
    """One test file in its own process."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="martlet-test-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-X", "faulthandler", str(ROOT / "tests" / "python" / "run_file.py"), str(path)]
        environment = os.environ | {"MARTLET_TEST_RESULT": str(result), "TMPDIR": folder} | preload()
        try:
            process = subprocess.run(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=FILE_TIMEOUT,
                stdin=subprocess.DEVNULL, errors="replace", text=True, check=False,
            )  # fmt: skip
            output, status = process.stdout, process.returncode
        except subprocess.TimeoutExpired as error:
            partial = error.stdout or b""
            output = partial.decode(errors="replace") if isinstance(partial, bytes) else partial
            status = None
        summary = Summary()
        if result.exists():
            counts = json.loads(result.read_text())
            summary = Summary(counts["passed"], counts["failed"], counts["skipped"], counts["failures"])
        complete = result.exists() and (status == 0 or (status == 1 and summary.failed))
        if not complete:
            what = "timed out" if status is None else f"ended with status {status}"
            summary.failed += 1
            summary.failures.append(f"{path.name}: {what}")
    return path, summary, output, time.monotonic() - started


def run_python_files(paths: list[Path], jobs: int) -> Summary:
    total = Summary()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(run_python_file, path) for path in paths]):
            path, summary, output, seconds = future.result()
            print(f"{path.relative_to(ROOT)}: {summary} ({seconds:.1f} s)", flush=True)
            if summary.failed:
                print(output, flush=True)
            total.add(summary)
    return total


def run_cpython_tests(seconds: int) -> Summary:
    with tempfile.TemporaryDirectory(prefix="martlet-cpython-") as folder:
        result = Path(folder) / "result.json"
        command = [str(ROOT / "scripts" / "cpython_tests"), "--quick", "--seconds", str(seconds)]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment["PYTHON"] = sys.executable
        subprocess.run([*command, "--result", str(result)], env=environment, check=False)
        if not result.exists():
            return Summary(failed=1, failures=["scripts/cpython_tests did not finish"])
        counts = json.loads(result.read_text())
    return Summary(counts["passed"], counts["failed"], counts["skipped"], counts["failures"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--with-unit-tests", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="test files that run at a time")
    parser.add_argument("--cpython-seconds", type=int, default=0, help="also CPython's own tests, for so many seconds")
    parser.add_argument("patterns", nargs="*", help="parts of Python test files' names")
    arguments = parser.parse_args()

    paths = [path for suite in SUITES for path in sorted(suite.glob("test_*.py"))]
    if arguments.patterns:
        paths = [path for path in paths if any(pattern in path.stem for pattern in arguments.patterns)]
    total = Summary()
    if not arguments.patterns or arguments.with_unit_tests:
        total.add(run_unit_tests(arguments.build))
    total.add(run_python_files(paths, arguments.jobs))
    if arguments.cpython_seconds:
        total.add(run_cpython_tests(arguments.cpython_seconds))
    for failure in total.failures:
        print(f"FAILED {failure}")
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
