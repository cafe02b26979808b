# SPDX-License-Identifier: MIT
"""scripts/run without a file: runs each example interpreted and under the JIT, and compares time and output."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = [
    ("numeric loop", "numeric_loop.py"),
    ("class-heavy simulation", "class_simulation.py"),
    ("text and dict processing", "text_and_dicts.py"),
    ("generators and closures", "generators_and_closures.py"),
    ("exceptions", "exceptions.py"),
]


def run(command: list[str]) -> tuple[float, int, str, str]:
    started = time.perf_counter()
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return time.perf_counter() - started, result.returncode, result.stdout, result.stderr


def cost(stats: dict) -> str:
    """What compiling cost, from the JIT's own numbers."""
    milliseconds = [1e3 * stats[name] for name in ("compile_seconds_median", "compile_seconds_95")]
    exits = 100 * stats["exit_instructions"] / max(1, stats["ir_instructions"])
    size = stats["emitted_bytes"] / max(1, stats["bytecode_instructions"])
    return f"{stats['compiled']:9} {milliseconds[0]:9.1f} {milliseconds[1]:9.1f} {exits:8.0f} % {size:10.1f}"


def main() -> int:
    print(f"Python {sys.version.split()[0]} ({sys.executable})")
    print(f"{'program':26} {'interpreter':>12} {'JIT':>10} {'ratio':>7}  output")
    different, costs = 0, []
    for title, name in PROGRAMS:
        path = str(HERE / name)
        plain_seconds, *plain = run([sys.executable, path])
        with tempfile.NamedTemporaryFile("r") as file:
            jit_seconds, *jit = run([sys.executable, "-m", "martlet", f"--stats-file={file.name}", path])
            text = file.read()
        if text:  # a program that crashed has none
            costs.append(f"{title:26} {cost(json.loads(text))}")
        same = plain == jit
        different += not same
        print(
            f"{title:26} {plain_seconds:10.2f} s {jit_seconds:8.2f} s {plain_seconds / jit_seconds:6.2f}x"
            f"  {'same output' if same else 'DIFFERENT OUTPUT'}",
            flush=True,
        )
        if not same:
            print(f"--- interpreter: status {plain[0]}\n{plain[1]}{plain[2]}--- JIT: status {jit[0]}\n{jit[1]}{jit[2]}")
    print("Times are of whole processes: start-up and compiling are in them.\n")
    print(f"{'what compiling cost':26} {'functions':>9} {'median ms':>9} {'95 % ms':>9} {'in exits':>10} {'bytes each':>10}")
    print("\n".join(costs))
    print("A loop compiled while it runs counts as a function. Milliseconds: processor time of one compilation, in the")
    print("background, median and 95th percentile. In exits: share of the LLVM instructions emitted that only leave native")
    print("code. Bytes each: native code for each bytecode instruction compiled, all entries and exits included.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
