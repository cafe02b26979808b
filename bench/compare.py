# SPDX-License-Identifier: MIT
"""Compare interpreter and JIT on pyperformance's scripts, in one run.

    compare.py --benchmarks FOLDER [--runs N] [--warmup S] [--seconds S] [NAME[:ARGS] ...]

FOLDER is pyperformance's data-files/benchmarks. Each run starts a fresh process for the interpreter and one for the
JIT in turn, so that a drift of the machine's speed meets both; the table shows the ratio of the medians of each run
(interpreter / JIT: above 1 the JIT is faster), its range, and what compiling cost.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys

STEADY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "steady.py")
DEFAULT = (
    "nbody fannkuch float richards deltablue chaos go nqueens pyflate json_loads logging:format logging:silent "
    "spectral_norm scimark:sor hexiom raytrace mdp unpack_sequence comprehensions generators"
).split()


def measure(python: str, folder: str, spec: str, options: argparse.Namespace, jit: bool) -> dict:
    name, _, args = spec.partition(":")
    script = os.path.join(folder, "bm_" + name, "run_benchmark.py")
    command = [python, STEADY, "--warmup", str(options.warmup), "--seconds", str(options.seconds)]
    command += ["--jit"] * jit + [script] + shlex.split(args)
    done = subprocess.run(command, capture_output=True, text=True, cwd=os.path.dirname(script))
    if done.returncode != 0:
        raise RuntimeError(f"{spec}: {'JIT' if jit else 'interpreter'} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--benchmarks", required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--warmup", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("names", nargs="*", default=DEFAULT)
    options = parser.parse_args()
    print(f"CPython {sys.version.split()[0]}, {options.runs} runs; ratio = interpreter / JIT, medians")
    print(f"{'benchmark':28} {'interp ms':>10} {'jit ms':>10} {'ratio':>6} {'range':>12} {'compile s':>9} {'fns':>4} {'exits':>7}")
    failures = 0
    for spec in options.names:
        try:
            pairs = [
                (measure(sys.executable, options.benchmarks, spec, options, False),
                 measure(sys.executable, options.benchmarks, spec, options, True))
                for _ in range(options.runs)
            ]
        except RuntimeError as error:
            failures += 1
            print(error)
            continue
        for index, result in enumerate(pairs[0][0]["results"]):
            ratios = [a["results"][index]["median"] / b["results"][index]["median"] for a, b in pairs]
            plain = statistics.median(a["results"][index]["median"] for a, _ in pairs)
            native = statistics.median(b["results"][index]["median"] for _, b in pairs)
            stats = pairs[-1][1]["stats"]
            print(
                f"{result['name'][:28]:28} {plain * 1e3:10.3f} {native * 1e3:10.3f} {statistics.median(ratios):6.2f} "
                f"{min(ratios):5.2f}-{max(ratios):5.2f}  {stats['compile_seconds']:9.2f} {stats['compiled']:4} {stats['exits']:7}",
                flush=True,
            )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
