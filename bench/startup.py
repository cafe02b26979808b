# SPDX-License-Identifier: MIT
"""What enabling adds to the start of a program, in milliseconds.

    scripts/python bench/startup.py [ROUNDS]

The ways to start take turns. Wall time is what a user sees, but on a busy machine only the processor time says anything.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from activation import enabled

PLAIN = {name: value for name, value in os.environ.items() if name != "MARTLET"}
ENABLED = enabled(PLAIN)

# name -> (words after `python`, name of what it is compared with, environment)
WAYS = {
    "python FILE": (["FILE"], "", PLAIN),
    "python -m martlet FILE": (["-m", "martlet", "FILE"], "python FILE", PLAIN),
    "MARTLET=1 python FILE": (["FILE"], "python FILE", ENABLED),
    "python -c pass": (["-c", "pass"], "", PLAIN),
    "import martlet; enable()": (["-c", "import martlet; martlet.enable()"], "python -c pass", PLAIN),
    "MARTLET=1 python -c pass": (["-c", "pass"], "python -c pass", ENABLED),
}


def started(words: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Wall and processor milliseconds of one process."""
    before = time.perf_counter()
    process = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"startup.py: python {' '.join(words)} failed")
    return (time.perf_counter() - before) * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "empty.py")
        with open(path, "w"):
            pass
        times = {way: [] for way in WAYS}
        for _ in range(rounds + 1):
            for way, (words, _, environment) in WAYS.items():
                times[way].append(started([path if word == "FILE" else word for word in words], environment))
    print(f"CPython {sys.version.split()[0]}, {rounds} rounds; medians, and what is added: median of the rounds")
    print(f"{'':26} {'wall ms':>8} {'added':>7} {'processor ms':>13} {'added':>7}")
    for way, (_, base, _) in WAYS.items():
        cells = []
        for kind in (0, 1):
            values = [row[kind] for row in times[way][1:]]  # the first round fills the caches
            added = ""
            if base:
                added = f"{statistics.median(a - b[kind] for a, b in zip(values, times[base][1:])):+.1f}"
            cells += [f"{statistics.median(values):.1f}", added]
        print(f"{way:26} {cells[0]:>8} {cells[1]:>7} {cells[2]:>13} {cells[3]:>7}")


if __name__ == "__main__":
    main()
