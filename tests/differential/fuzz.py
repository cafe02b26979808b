# SPDX-License-Identifier: MIT
"""Random programs, interpreted and under the JIT: `fuzz.py [--seconds N] [--seed N] [--mode PATTERN] [--keep FOLDER]`.

A batch of programs is one process in each mode. Prints the first difference of each program that has one, and the
command that shows it again; the status says whether there was any. A seed always makes the same program.
"""

import argparse
import concurrent.futures
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import fuzz_programs  # noqa: E402

FIRST = ["--compile-first-call", "--sync"]
MODES = {
    "first_call": [*FIRST, "--opt-level=0", "--exit-limit=3"],
    "warm": ["--sync", "--size-step=1000000", "--call-threshold=4", "--loop-threshold=6", "--opt-level=0"],
    "warm_full": ["--sync", "--size-step=1000000", "--call-threshold=9", "--loop-threshold=30"],
    "exit_every_1": [*FIRST, "--opt-level=0", "--force-exit-every=1"],
    "exit_every_5": [
        "--sync", "--size-step=1000000", "--call-threshold=3", "--loop-threshold=4", "--opt-level=0", "--force-exit-every=5"
    ],
}
BATCH = 12
TIMEOUT = 240


def run(flags, paths):
    """What a batch prints, by program; a process that dies says so behind what it has printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARTLET")}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *(["-m", "martlet", *flags] if flags is not None else []), os.path.join(HERE, "fuzz_child.py")]
    try:
        result = subprocess.run([*command, *paths], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=TIMEOUT)  # fmt: skip
        text = result.stdout + (f"status {result.returncode}\n{result.stderr}" if result.returncode or result.stderr else "")
    except subprocess.TimeoutExpired:
        text = "timeout\n"
    return re.sub(r"0x[0-9a-f]+", "0x…", text)


def by_program(text):
    parts = re.split(r"^==== (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2])) | {"": parts[0]}


def first_difference(expected, got):
    left, right = expected.splitlines(), got.splitlines()
    for row, (a, b) in enumerate(zip([*left, "<end>"], [*right, "<end>"])):
        if a != b:
            return "\n".join([*("        " + line[:300] for line in left[max(0, row - 3) : row]), f"  python {a[:600]}", f"  jit    {b[:600]}"])
    return "  (no difference)"


def compare_batch(seeds, modes, folder):
    """[(seed, mode, difference)]"""
    paths = []
    for seed in seeds:
        paths.append(os.path.join(folder, f"{seed}.py"))
        with open(paths[-1], "w") as file:
            file.write(fuzz_programs.program(seed)[0])
    found = []
    expected = by_program(run(None, paths))
    for mode in modes:
        answers = by_program(run(MODES[mode], paths))
        bad = [name for name in expected if answers.get(name) != expected[name]]
        # A process that dies takes the rest of its batch with it.
        for name in bad[:1] if len(answers) < len(expected) else bad:
            found.append((name.removesuffix(".py"), mode, first_difference(expected[name], answers.get(name, "<nothing>"))))
    return found


def fuzz(first_seed, seconds, modes, keep=None, batches=None, jobs=1):
    """Yields (seed, mode, difference) until the time is over or `batches` are done."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        done = 0
        while time.monotonic() - started < seconds and (batches is None or done < batches):
            starts = [first_seed + BATCH * (done + i) for i in range(jobs)]
            rows = pool.map(lambda start: compare_batch(range(start, start + BATCH), modes, keep or temporary), starts)
            for found in rows:
                yield from found
            done += jobs
        fuzz.programs = done * BATCH


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batches", type=int)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--mode", default="*")
    parser.add_argument("--keep", help="folder for the programs")
    arguments = parser.parse_args()
    modes = [mode for mode in MODES if fnmatch.fnmatch(mode, arguments.mode)]
    count = 0
    for seed, mode, difference in fuzz(arguments.seed, arguments.seconds, modes, arguments.keep, arguments.batches, arguments.jobs):
        count += 1
        print(f"seed {seed}, mode {mode}:\n{difference}", flush=True)
    print(f"{fuzz.programs} programs from seed {arguments.seed} in {len(modes)} modes, {count} differences")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
