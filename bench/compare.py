# SPDX-License-Identifier: MIT
"""Compare interpreter and JIT on pyperformance's scripts, in lockstep.

    compare.py --benchmarks FOLDER [--all] [--runs N] [--pairs N] [--markdown FILE] [NAME | SCRIPT:ARGS ...]

FOLDER is pyperformance's data-files/benchmarks. NAME is one of pyperformance's names (`--list` prints them);
SCRIPT:ARGS gives a script its arguments ("logging:silent"), and SCRIPT may be a path of a file like pyperformance's.

The speed of a machine that is shared, or gets hot, drifts by more within seconds than what is to be measured. So an
interpreter and a JIT process are alive at once and take turns in short samples, the one that waits being stopped, its
compiler thread included. Each pair of neighboring samples gives one ratio (interpreter / JIT: above 1 the JIT is
faster). The warm-up is done in turns, too.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field

STEADY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steady.py")
DEFAULT = (
    "nbody fannkuch float richards deltablue chaos go nqueens pyflate json_loads logging:format logging:silent "
    "spectral_norm scimark:sor hexiom raytrace mdp unpack_sequence comprehensions generators"
).split()
QUIET_SAMPLES = 5  # as many without a new compilation end the warm-up


class Failure(Exception):
    """A benchmark that does not run here; the text says why."""


# ---- which benchmarks there are ---------------------------------------------------------------------------------------


@dataclass
class Benchmark:
    name: str
    script: str
    args: list[str]


def all_benchmarks(folder: str) -> dict[str, Benchmark]:
    """pyperformance's names: each of a script's .toml files is a benchmark, some with arguments of their own."""
    found = {}
    for entry in sorted(os.listdir(folder)) if folder else ():
        inside = os.path.join(folder, entry)
        script = os.path.join(inside, "run_benchmark.py")
        if not entry.startswith("bm_") or not os.path.exists(script):
            continue
        for metafile in sorted(os.listdir(inside), key=lambda name: (name != "pyproject.toml", name)):
            if metafile.endswith(".toml"):
                with open(os.path.join(inside, metafile), "rb") as file:
                    table = tomllib.load(file).get("tool", {}).get("pyperformance", {})
                name = table.get("name", entry[3:])
                found[name] = Benchmark(name, script, list(table.get("extra_opts", ())))
    return found


def find_benchmark(folder: str, known: dict[str, Benchmark], spec: str) -> Benchmark:
    name, colon, args = spec.partition(":")
    if not colon and name in known:
        return known[name]
    script = os.path.join(folder or "", "bm_" + name, "run_benchmark.py")
    if name.endswith(".py"):
        script = os.path.abspath(name)
        spec = os.path.basename(spec)
    if not os.path.exists(script):
        raise SystemExit(f"compare.py: no benchmark {name!r} in {folder}; --list prints those that there are")
    return Benchmark(spec, script, shlex.split(args))


# ---- one process ------------------------------------------------------------------------------------------------------


class Side:
    """One process, stopped whenever it is not its turn."""

    def __init__(self, benchmark: Benchmark, jit: bool, timeout: float) -> None:
        self.title = "JIT" if jit else "interpreter"
        self.timeout = timeout
        self.errors = tempfile.TemporaryFile()
        command = [sys.executable, STEADY, "--lockstep"] + ["--jit"] * jit + [benchmark.script, *benchmark.args]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            cwd=os.path.dirname(benchmark.script),
        )  # fmt: skip
        self.at = self.answer()

    def answer(self) -> dict:
        """Its next line; then it is stopped."""
        ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.close()
            raise Failure(f"{self.title}: " + (self.reason() if ready else f"no answer in {self.timeout:.0f} s"))
        self.process.send_signal(signal.SIGSTOP)
        return json.loads(line)

    def ask(self, command: str) -> dict:
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def reason(self) -> str:
        """The last line of what it said on stderr; with -v all of it is there."""
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        lines = text.splitlines() or [f"ended with status {self.process.returncode}"]
        return text if VERBOSE else lines[-1]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


# ---- a pair of processes ----------------------------------------------------------------------------------------------


@dataclass
class Pair:
    """What one pair of processes found for one benchmark."""

    plain: list[float] = field(default_factory=list)  # seconds per loop
    native: list[float] = field(default_factory=list)
    warm_up: list[tuple[float, float]] = field(default_factory=list)  # (the JIT's own time, ratio)
    cost: dict = field(default_factory=dict)

    def ratios(self) -> list[float]:
        return [plain / native for plain, native in zip(self.plain, self.native)]

    def seconds_to_steady(self) -> float:
        """The JIT process's own time until 90 % of its steady speed: one sample, and most of the next few.

        Speed is relative to the interpreter's neighboring sample, for the drift's sake.
        """
        steady = statistics.median(self.ratios())
        good = [ratio >= 0.9 * steady for _, ratio in self.warm_up]
        for index, (spent, _) in enumerate(self.warm_up):
            ahead = good[index : index + 4]
            if good[index] and sum(ahead) * 2 > len(ahead):
                return spent
        return self.warm_up[-1][0]


def take_turns(sides: tuple[Side, Side], count: int, seconds: float) -> tuple[dict, dict]:
    """One sample of each; who is first alternates, so that a steady drift cancels out."""
    order = (0, 1) if count % 2 == 0 else (1, 0)
    answers = {index: sides[index].ask(f"sample {seconds}") for index in order}
    return answers[0], answers[1]


def measure(sides: tuple[Side, Side], before: dict, options: argparse.Namespace) -> Pair:
    pair = Pair()
    spent, quiet, compiled, turn = 0.0, 0, -1, 0
    # Until nothing was compiled or waiting for it for a while; some scripts never come to an end.
    while spent < options.warmup or (quiet < QUIET_SAMPLES and spent < 4 * options.warmup):
        plain, native = take_turns(sides, turn, options.sample)
        turn += 1
        spent += native["elapsed"]
        pair.warm_up.append((spent, plain["seconds"] / native["seconds"]))
        now = native["compiled"] + native["failed"]
        is_quiet = now == compiled and native["queued"] == 0
        quiet, compiled = quiet + 1 if is_quiet else 0, now
    spent = 0.0
    while len(pair.plain) < options.pairs and (len(pair.plain) < 5 or spent < options.seconds):
        plain, native = take_turns(sides, turn, options.sample)
        turn += 1
        spent += native["elapsed"]
        pair.plain.append(plain["seconds"])
        pair.native.append(native["seconds"])
    pair.cost = {name: value - before.get(name, 0) for name, value in native.items() if name in before}
    before.update({name: native[name] for name in before})
    return pair


def run_pair(benchmark: Benchmark, options: argparse.Namespace) -> dict[str, Pair]:
    """All benchmarks of a script, in a fresh pair of processes."""
    found: dict[str, Pair] = {}
    sides: list[Side] = []
    before = dict.fromkeys(("compiled", "recompiled", "compile_seconds", "gil_seconds", "code_bytes", "exits"), 0)
    try:
        for jit in (False, True):
            sides.append(Side(benchmark, jit, options.timeout))
        plain, native = sides
        while "ready" in plain.at:
            found[plain.at["ready"]] = measure((plain, native), before, options)
            plain.at, native.at = plain.ask("next"), native.ask("next")
        if "ready" in native.at or not found:
            raise Failure("the script measured nothing, or the two sides measured different things")
    finally:
        for side in sides:
            side.close()
    return found


# ---- the report -------------------------------------------------------------------------------------------------------

COLUMNS = (
    ("benchmark", "<26"), ("interp ms", ">10"), ("JIT ms", ">10"), ("ratio", ">6"), ("quartiles", ">11"),
    ("runs", ">11"), ("90 % after s", ">12"), ("compile s", ">9"), ("GIL s", ">7"), ("functions", ">9"),
    ("code KB", ">8"), ("exits", ">8"),
)  # fmt: skip


def row_of(name: str, pairs: list[Pair]) -> list[str]:
    ratios = [ratio for pair in pairs for ratio in pair.ratios()]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    medians = [statistics.median(pair.ratios()) for pair in pairs]
    plain = statistics.median(value for pair in pairs for value in pair.plain)
    native = statistics.median(value for pair in pairs for value in pair.native)
    cost = {key: statistics.median(pair.cost[key] for pair in pairs) for key in pairs[0].cost}
    steady = statistics.median(pair.seconds_to_steady() for pair in pairs)
    return [
        name, f"{plain * 1e3:.4g}", f"{native * 1e3:.4g}", f"{middle:.2f}", f"{low:.2f}-{high:.2f}",
        f"{min(medians):.2f}-{max(medians):.2f}", f"{steady:.2f}", f"{cost['compile_seconds']:.2f}",
        f"{cost['gil_seconds']:.3f}", f"{cost['compiled']:.0f}", f"{cost['code_bytes'] / 1024:.0f}",
        f"{cost['exits']:.0f}",
    ]  # fmt: skip


def text_line(cells: list[str]) -> str:
    return " ".join(f"{cell:{width}}" for cell, (_, width) in zip(cells, COLUMNS))


def write_markdown(path: str, rows: list[list[str]], notes: list[str]) -> None:
    with open(path, "w") as file:
        print("|" + "|".join(f" {title} " for title, _ in COLUMNS) + "|", file=file)
        print("|" + "|".join("---" if width[0] == "<" else "--:" for _, width in COLUMNS) + "|", file=file)
        for row in rows:
            print("|" + "|".join(f" {cell} " for cell in row) + "|", file=file)
        print(file=file)
        for note in notes:
            print(f"* {note}", file=file)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--benchmarks", metavar="FOLDER", help="pyperformance's data-files/benchmarks")
    parser.add_argument("--all", action="store_true", help="all that run here; the others are named, with the reason")
    parser.add_argument("--list", action="store_true", help="print the names, and do nothing else")
    parser.add_argument("--runs", type=int, default=3, help="fresh pairs of processes (default: 3)")
    parser.add_argument("--pairs", type=int, default=20, help="pairs of samples in a run, after the warm-up (20)")
    parser.add_argument("--sample", type=float, default=0.1, metavar="S", help="length of a sample (0.1)")
    parser.add_argument("--warmup", type=float, default=3.0, metavar="S", help="a side's warm-up, at least (3)")
    parser.add_argument("--seconds", type=float, default=8.0, metavar="S", help="no new pairs after that, but 5 (8)")
    parser.add_argument("--timeout", type=float, default=120.0, metavar="S", help="for one answer (120)")
    parser.add_argument("--markdown", metavar="FILE", help="write the table there, too")
    parser.add_argument("-v", "--verbose", action="store_true", help="what a failing script said, in full")
    parser.add_argument("names", nargs="*", default=DEFAULT, metavar="NAME")
    return parser.parse_args()


VERBOSE = False


def main() -> int:
    global VERBOSE
    options = parse_options()
    VERBOSE = options.verbose
    known = all_benchmarks(options.benchmarks)
    if options.list:
        print("\n".join(known))
        return 0
    chosen = list(known.values()) if options.all else [
        find_benchmark(options.benchmarks, known, spec) for spec in options.names
    ]  # fmt: skip
    title = (
        f"CPython {sys.version.split()[0]}, {options.runs} pairs of processes, up to {options.pairs} pairs of samples of "
        f"{options.sample} s each; ratio = interpreter / JIT, median of the pairs"
    )
    print(title)
    print(text_line([name for name, _ in COLUMNS]), flush=True)
    rows, failures, ratios = [], [], []
    for benchmark in chosen:
        try:
            runs = [run_pair(benchmark, options) for _ in range(options.runs)]
        except Failure as failure:
            failures.append(f"{benchmark.name} does not run: {failure}")
            print(failures[-1], flush=True)
            continue
        for name in runs[0]:
            rows.append(row_of(name, [run[name] for run in runs]))
            ratios.append(float(rows[-1][3]))
            print(text_line(rows[-1]), flush=True)
    notes = [title]
    if ratios:
        notes.append(f"geometric mean of {len(ratios)} ratios: {statistics.geometric_mean(ratios):.2f}")
        print(notes[-1])
    if options.markdown:
        write_markdown(options.markdown, rows, notes + failures)
    # With --all it is no error that a package is missing; a JIT that fails where the interpreter works is one.
    wrong = [text for text in failures if "JIT: " in text] if options.all else failures
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
