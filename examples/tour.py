# SPDX-License-Identifier: MIT
"""scripts/run without a file: runs each example interpreted and under the JIT, and compares time and output."""

from __future__ import annotations

import subprocess
import sys
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


def main() -> int:
    print(f"Python {sys.version.split()[0]} ({sys.executable})")
    print(f"{'program':26} {'interpreter':>12} {'JIT':>10} {'ratio':>7}  output")
    different = 0
    for title, name in PROGRAMS:
        path = str(HERE / name)
        plain_seconds, *plain = run([sys.executable, path])
        jit_seconds, *jit = run([sys.executable, "-m", "martlet", path])
        same = plain == jit
        different += not same
        print(
            f"{title:26} {plain_seconds:10.2f} s {jit_seconds:8.2f} s {plain_seconds / jit_seconds:6.2f}x"
            f"  {'same output' if same else 'DIFFERENT OUTPUT'}",
            flush=True,
        )
        if not same:
            print(f"--- interpreter: status {plain[0]}\n{plain[1]}{plain[2]}--- JIT: status {jit[0]}\n{jit[1]}{jit[2]}")
    print("Times are of whole processes: start-up and compiling are in them.")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
