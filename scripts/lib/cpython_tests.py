# SPDX-License-Identifier: MIT
"""Runs CPython's own test modules with and without the JIT and compares the outcome of every single test.

With the JIT every function is compiled at its first call, on the program's thread. Differences that are allowed stand
in tests/cpython_differences.txt, each with its reason. A test in which the interpreter itself hangs or crashes says
nothing about the JIT: it is named, and not compared.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import fnmatch
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import martlet

ROOT = Path(__file__).resolve().parents[2]
ACTIVATE = Path(martlet.__file__).parents[2] / "activate"  # as for MARTLET=1 scripts/python
RUNNER = Path(__file__).with_name("cpython_runner.py")
DIFFERENCES = ROOT / "tests" / "cpython_differences.txt"
MAX_CRASHES = 25  # of one module; each costs a new process
TEST_SECONDS = 200  # what a single test may take

# Short ones first: a time box then leaves out as few as possible.
MODULES = """
test_grammar test_opcodes test_bool test_unary test_binop test_augassign test_compare test_richcmp test_contains
test_unpack test_unpack_ex test_keywordonlyarg test_positional_only_arg test_funcattrs test_scope test_listcomps
test_genexps test_generators test_coroutines test_asyncgen test_with test_contextlib test_exceptions
test_exception_group test_except_star test_raise test_traceback test_exception_variations test_patma test_class
test_descr test_property test_super test_dataclasses test_enum test_slice test_range test_enumerate test_iter
test_extcall test_call test_int test_float test_complex test_list test_tuple test_dict test_set test_functools
test_operator test_frame test_sys_settrace test_sys_setprofile test_monitoring test_weakref test_json test_collections
test_heapq test_bytes test_gc test_str test_sys test_itertools test_long test_threading
""".split()


@dataclass
class Run:
    """One side of a comparison: outcome and detail of each test."""

    outcomes: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    stats: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    cut_off: bool = False  # its time was over before it was through


@dataclass
class Comparison:
    module: str
    plain: Run
    jit: Run
    different: list[str]
    allowed: list[str]
    unknown: list[str]

    @property
    def same(self) -> int:
        others = len(self.different) + len(self.allowed) + len(self.unknown)
        return len(self.plain.outcomes.keys() | self.jit.outcomes.keys()) - others


def read_events(path: Path, run: Run) -> tuple[str | None, bool]:
    """Adds what a process reported; returns the test that was running at its end, and whether it ended by itself."""
    running, done = None, False
    for line in path.read_text().splitlines() if path.exists() else ():
        event = json.loads(line)
        match event["event"]:
            case "start":
                running = event["id"]
            case "end":
                running = None
                run.outcomes[event["id"]] = event["outcome"]
                run.details[event["id"]] = event["detail"]
            case "stats":
                run.stats = event["stats"]
            case "done":
                done = True
    return running, done


def wait(process: subprocess.Popen[bytes], events: Path, deadline: float) -> int | None:
    """The exit status; None where a test, or all of them, take too long."""
    size, last = -1, time.monotonic()
    while True:
        try:
            return process.wait(1.0)
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if events.exists() and events.stat().st_size != size:
            size, last = events.stat().st_size, now
        if now > deadline or now - last > TEST_SECONDS:
            return None


def run_module(module: str, jit: dict[str, object] | None, timeout: float, children: bool) -> Run:
    run = Run()
    environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")
    if jit is not None and children:
        environment["PYTHONPATH"] = os.pathsep.join([str(ACTIVATE), environment["PYTHONPATH"]])
        environment |= {"MARTLET": "1"} | {f"MARTLET_{name.upper()}": str(int(value)) for name, value in jit.items()}
    started = time.monotonic()
    # A crash, or a test that hangs, ends one process; the tests after it run in another one.
    for _ in range(MAX_CRASHES):
        with tempfile.TemporaryDirectory(prefix="martlet-cpython-") as folder:
            events, output = Path(folder) / "events", Path(folder) / "output"
            command = [sys.executable, str(RUNNER), module, str(events), json.dumps(sorted(run.outcomes)),
                       json.dumps(jit)]  # fmt: skip
            with output.open("wb") as stream:
                # A session of its own: what a test leaves behind ends with it.
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=folder,
                    env=environment | {"TMPDIR": folder}, start_new_session=True,
                )  # fmt: skip
                status = wait(process, events, started + timeout)
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
            running, done = read_events(events, run)
            if done:
                break
            victim = running or f"{module} (outside of tests)"
            run.outcomes[victim] = "timeout" if status is None else f"crash (status {status})"
            run.details[victim] = output.read_text(errors="replace")[-3000:]
            run.cut_off = time.monotonic() - started > timeout
            if run.cut_off or running is None:
                break
    run.seconds = time.monotonic() - started
    return run


def read_allowed() -> list[tuple[str, str]]:
    """Pattern of test ids and reason, from lines `PATTERN  # REASON`."""
    rows = []
    for line in DIFFERENCES.read_text().splitlines() if DIFFERENCES.exists() else ():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        pattern, mark, reason = line.partition("#")
        if not mark or not reason.strip():
            raise SystemExit(f"{DIFFERENCES}: no reason given: {line}")
        rows.append((pattern.strip(), reason.strip()))
    return rows


def is_unknown(plain: Run, name: str) -> bool:
    """True if the interpreter hangs or crashes in a test, or in one before it until its time was over."""
    outcome = plain.outcomes.get(name)
    return plain.cut_off if outcome is None else outcome == "timeout" or outcome.startswith("crash")


def compare(module: str, jit: dict[str, object], timeout: float, children: bool) -> Comparison:
    plain, native = run_module(module, None, timeout, False), run_module(module, jit, timeout, children)
    ids = sorted(plain.outcomes.keys() | native.outcomes.keys())
    different = [name for name in ids if plain.outcomes.get(name) != native.outcomes.get(name)]
    unknown = [name for name in different if is_unknown(plain, name)]
    different = [name for name in different if name not in unknown]
    patterns = [pattern for pattern, _ in read_allowed()]
    allowed = [name for name in different if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)]
    return Comparison(module, plain, native, [name for name in different if name not in allowed], allowed, unknown)


def describe(result: Comparison, verbose: bool) -> str:
    compiled = result.jit.stats.get("compiled", 0)
    lines = [
        f"{result.module}: {result.same} same, {len(result.different)} different"
        + (f", {len(result.allowed)} allowed" if result.allowed else "")
        + f" ({result.plain.seconds:.1f} s plain, {result.jit.seconds:.1f} s JIT, {compiled} compiled)"
    ]
    lines += [f"  {name}: not compared, the interpreter itself does not get through" for name in result.unknown]
    for name in result.different:
        lines.append(f"  {name}: {result.plain.outcomes.get(name)} -> {result.jit.outcomes.get(name)}")
        detail = result.jit.details.get(name) or result.plain.details.get(name, "")
        tail = detail.strip().splitlines()
        lines += ["      " + line for line in (tail if verbose else tail[-4:])]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/cpython_tests", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="modules that run at a time")
    parser.add_argument("--quick", action="store_true", help="LLVM's code generation at level 0")
    parser.add_argument("--timeout", type=float, default=300, help="seconds for one side of one module")
    parser.add_argument("--seconds", type=float, default=0, help="start no further module after so many seconds")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="another option of the JIT")
    parser.add_argument("--children", action="store_true", help="processes that tests start have the JIT, too")
    parser.add_argument("--verbose", action="store_true", help="whole tracebacks of tests that differ")
    parser.add_argument("--result", type=Path, help="write the counts to this file, as JSON")
    parser.add_argument("modules", nargs="*", help="such as test_int; default: the list that has to have no difference")
    arguments = parser.parse_args()

    jit: dict[str, object] = {"compile_first_call": True, "sync": True}
    if arguments.quick:
        jit["opt_level"] = 0
    table = {option.name: option for option in martlet.options()}
    for text in arguments.option:
        name, _, value = text.partition("=")
        if name not in table:
            parser.error(f"unknown option {name}; the options are {', '.join(table)}")
        jit[name] = martlet._parse(table[name], value, name)
    started = time.monotonic()
    unstarted: list[str] = []
    lock = threading.Lock()

    def job(module: str) -> Comparison | None:
        if arguments.seconds and time.monotonic() - started > arguments.seconds:
            with lock:
                unstarted.append(module)
            return None
        return compare(module, jit, arguments.timeout, arguments.children)

    same = allowed = unknown = 0
    failures: list[str] = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        futures = [pool.submit(job, module) for module in arguments.modules or MODULES]
        for future in concurrent.futures.as_completed(futures):
            result = future.result()
            if result is None:
                continue
            print(describe(result, arguments.verbose), flush=True)
            same += result.same
            allowed += len(result.allowed)
            unknown += len(result.unknown)
            failures += [f"CPython's {name} differs under the JIT" for name in result.different]
    if unstarted:
        print(f"no time for: {' '.join(unstarted)}")
    print(
        f"{same} tests the same with and without the JIT, {len(failures)} different, {allowed} allowed differences"
        + (f", {unknown} not compared" if unknown else "")
    )
    if arguments.result:
        counts = {"passed": same, "failed": len(failures), "skipped": allowed + unknown, "failures": failures}
        arguments.result.write_text(json.dumps(counts))
    return 1 if failures or not same else 0


if __name__ == "__main__":
    sys.exit(main())
