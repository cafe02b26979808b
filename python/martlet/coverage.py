# SPDX-License-Identifier: MIT
"""python -m martlet.coverage: compiles, without running it, every code object of the standard library.

Prints how many compiled, the share for the code objects of functions, the most frequent reasons for the rest, and what
compiling cost. The work is done in child processes: a crash of the compiler costs one code object and is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType

_CO_OPTIMIZED = 0x1  # set for functions, lambdas, comprehensions, generators; not for modules and class bodies
_TEST_FOLDERS = {"test", "tests", "idle_test"}


@dataclass
class Totals:
    """Sums over everything that was compiled."""

    files: int = 0
    unreadable: int = 0
    functions: int = 0
    functions_compiled: int = 0
    others: int = 0
    others_compiled: int = 0
    bytecode_bytes: int = 0
    native_bytes: int = 0
    seconds: list[float] = field(default_factory=list)
    gil_seconds: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def add(self, row: dict) -> None:
        compiled = "reason" not in row
        if row["function"]:
            self.functions += 1
            self.functions_compiled += compiled
        else:
            self.others += 1
            self.others_compiled += compiled
        if compiled:
            self.seconds.append(row["seconds"])
            self.gil_seconds.append(row["gil_seconds"])
            self.bytecode_bytes += row["bytecode_bytes"]
            self.native_bytes += row["code_bytes"]
        else:
            self.reasons[row["reason"]] += 1
            self.failures.append(f"{row['name']}: {row['reason']}")


# ---- the child: one file after the other, one line of JSON for each code object ---------------------------------------


def _code_objects(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code_objects(constant)


def _compile_file(path: str, skip: int, options: dict[str, int]) -> None:
    """Compile the code objects of a file after the first `skip` (they were done by a child that crashed)."""
    from martlet import _martlet

    try:
        with tokenize.open(path) as file:
            module = compile(file.read(), path, "exec", dont_inherit=True)
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        _emit({"unreadable": f"{path}: {error}"})
        return
    for number, code in enumerate(_code_objects(module)):
        if number < skip:
            continue
        name = f"{path}:{code.co_firstlineno} {code.co_qualname}"
        _emit({"begin": name})
        result = dict(_martlet.compile_code(code, **options))
        result.update(name=name, function=bool(code.co_flags & _CO_OPTIMIZED), bytecode_bytes=len(code.co_code))
        _emit(result)


def _emit(row: dict) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _child(options: dict[str, int]) -> None:
    warnings.simplefilter("ignore")  # invalid escapes in old sources are not our subject
    for line in sys.stdin:
        path, skip = json.loads(line)
        _compile_file(path, skip, options)
        _emit({"end": path})


# ---- the parent -------------------------------------------------------------------------------------------------------


def _start_child(options: dict[str, int]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "martlet.coverage", "--child", json.dumps(options)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _compile_share(paths: list[str], options: dict[str, int], totals: Totals, limit: int) -> None:
    """Feed one share of the files to a child, and to its successor where one crashes."""
    child = _start_child(options)
    for path in paths:
        if limit and totals.functions >= limit:
            break
        totals.files += 1
        done: int | None = 0
        while (done := _compile_one(child, path, done, totals)) is not None:
            # The code object it was at is lost; go on with the next one in a new process.
            totals.crashes[-1] += f" (status {child.wait()})"
            child = _start_child(options)
    if child.stdin:
        child.stdin.close()
    child.wait()


def _compile_one(child: subprocess.Popen[str], path: str, skip: int, totals: Totals) -> int | None:
    """One file after its first `skip` code objects; if the child crashes, returns how many are behind us then."""
    assert child.stdin is not None and child.stdout is not None
    done, at = skip, f"{path} (while reading it)"
    try:
        child.stdin.write(json.dumps([path, skip]) + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        pass
    for line in child.stdout:
        row = json.loads(line)
        if "end" in row:
            return None
        if "begin" in row:
            at = row["begin"]
        elif "unreadable" in row:
            totals.unreadable += 1
        else:
            done += 1
            totals.add(row)
    totals.crashes.append(at)
    totals.functions += 1
    return done + 1


def _python_files(roots: list[str], tests: bool) -> list[str]:
    found = []
    for root in roots:
        if os.path.isfile(root):
            found.append(root)
            continue
        for folder, names, files in os.walk(root):
            names[:] = sorted(
                name for name in names
                if name not in ("site-packages", "dist-packages", "__pycache__", "lib2to3")
                and (tests or name not in _TEST_FOLDERS)
            )  # fmt: skip
            found += [os.path.join(folder, name) for name in sorted(files) if name.endswith(".py")]
    return found


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _percent(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100.0 * part / whole:.2f} %)" if whole else "none"


def _print_report(totals: Totals, show_failures: int) -> None:
    print(f"files: {totals.files}" + (f", {totals.unreadable} not compilable by Python" if totals.unreadable else ""))
    print(f"function code objects compiled: {_percent(totals.functions_compiled, totals.functions)}")
    print(f"module and class bodies compiled: {_percent(totals.others_compiled, totals.others)}")
    print(f"crashes: {len(totals.crashes)}")
    for crash in totals.crashes[:20]:
        print(f"  {crash}")
    print("most frequent reasons for the rest:" if totals.reasons else "no reasons: everything compiled")
    for reason, count in totals.reasons.most_common(10):
        print(f"  {count:6}  {reason}")
    for failure in totals.failures[:show_failures]:
        print(f"  {failure}")
    for title, values in (("compile time", totals.seconds), ("time under the GIL", totals.gil_seconds)):
        median, high = 1e3 * _percentile(values, 0.5), 1e3 * _percentile(values, 0.95)
        print(f"{title}: median {median:.3f} ms, 95th percentile {high:.3f} ms, sum {sum(values):.1f} s")
    if totals.bytecode_bytes:
        ratio = totals.native_bytes / totals.bytecode_bytes
        print(f"native code: {totals.native_bytes} bytes, {ratio:.1f} for each byte of bytecode")


def main() -> int:
    if sys.argv[1:2] == ["--child"]:
        _child(json.loads(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(prog="python -m martlet.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="stop after about N functions")
    parser.add_argument("--opt-level", type=int, default=2, help="LLVM's optimization level (default: 2)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compile")
    parser.add_argument("--tests", action="store_true", help="with the library's own tests")
    parser.add_argument("--failures", type=int, default=0, metavar="N", help="also name N functions that did not compile")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders instead of the standard library")
    arguments = parser.parse_args()
    for path in arguments.paths:
        if not os.path.exists(path):
            parser.error(f"{path} does not exist")

    paths = _python_files(arguments.paths or [sysconfig.get_path("stdlib")], arguments.tests)
    jobs = max(1, min(arguments.jobs, len(paths)))
    # Every jobs-th file, so that the shares are alike.
    shares = [Totals() for _ in range(jobs)]
    limit = -(-arguments.limit // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(
            lambda number: _compile_share(
                paths[number::jobs], {"opt_level": arguments.opt_level}, shares[number], limit
            ),
            range(jobs),
        ))  # fmt: skip
    totals = Totals()
    for share in shares:
        for name, value in vars(share).items():
            if isinstance(value, Counter):
                getattr(totals, name).update(value)
            else:
                setattr(totals, name, getattr(totals, name) + value)
    _print_report(totals, arguments.failures)
    return 1 if totals.crashes else 0


if __name__ == "__main__":
    sys.exit(main())
