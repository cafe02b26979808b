# SPDX-License-Identifier: MIT
"""Run one pyperformance script in this process, as one side of bench/compare.py or by itself.

    steady.py [--jit] [--warmup SECONDS] [--seconds SECONDS] run_benchmark.py [ARGS of the script]

pyperf starts a process for each sample, which measures warm-up as much as speed; here a benchmark's loop body is called
again and again in one process. The script is unchanged: it finds a module `pyperf` that has the part of the interface
that pyperformance's scripts use.

By itself (to profile, say) it warms up for `warmup` seconds, takes samples for `seconds`, and prints JSON with the
medians. With --lockstep it works only when it is told to, by lines on stdin, and answers each with a line of JSON on
stdout:

    -> {"ready": NAME}                 the script has come to a benchmark
    sample SECONDS -> {"seconds": ...} one sample of about that length; seconds per loop, and the JIT's numbers so far
    next           -> {"ready": NAME} or {"end": true}
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import statistics
import subprocess
import sys
import time
import types

perf_counter = time.perf_counter
STATS = ("compiled", "failed", "queued", "recompiled", "compile_seconds", "gil_seconds", "code_bytes", "exits")


class Body:
    """A benchmark's loop body: run(loops) returns the seconds that count (preparation does not)."""

    def __init__(self, name, run, inner_loops):
        self.name = name
        self.run = run
        self.inner_loops = inner_loops or 1
        self.per_loop = 0.0

    def sample(self, target: float) -> tuple[float, float]:
        """Seconds per loop of a sample of about `target` seconds, and how long it really took."""
        loops = max(1, int(target / self.per_loop)) if self.per_loop else 1
        start = perf_counter()
        seconds = self.run(loops) / loops
        elapsed = perf_counter() - start
        # By the time that really goes by: preparation may take longer than what is measured. Grown slowly, because the
        # first loops are of no use as a measure.
        self.per_loop = max(elapsed / loops, self.per_loop / 4, 1e-9)
        return seconds / self.inner_loops, elapsed


class Runner:
    """The part of pyperf.Runner that pyperformance's scripts use."""

    def __init__(self, *_, **__):
        self.metadata: dict = {}
        self.argparser = argparse.ArgumentParser()
        self.args = None

    def parse_args(self, args=None):
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def bench_time_func(self, name, func, *args, inner_loops=1, **_):
        self.parse_args()
        measure(Body(name, lambda loops: func(loops, *args), inner_loops))

    def bench_func(self, name, func, *args, inner_loops=1, **_):
        self.parse_args()

        def run(loops):
            start = perf_counter()
            for _ in range(loops):
                func(*args)
            return perf_counter() - start

        measure(Body(name, run, inner_loops))

    def bench_async_func(self, name, func, *args, inner_loops=1, loop_factory=None, **_):
        import asyncio

        self.parse_args()

        async def body(loops):
            start = perf_counter()
            for _ in range(loops):
                await func(*args)
            return perf_counter() - start

        def run(loops):
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                return runner.run(body(loops))

        measure(Body(name, run, inner_loops))

    def bench_command(self, name, command):
        """Whole processes; with the JIT they have it from their start, as `MARTLET=1 scripts/python` gives it to them."""
        self.parse_args()

        def run(loops):
            start = perf_counter()
            for _ in range(loops):
                subprocess.run(
                    command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=settings.environment
                )
            return perf_counter() - start

        measure(Body(name, run, 1))


def jit_stats() -> dict:
    if not settings.jit:
        return {}
    import martlet

    now = martlet.stats()
    return {name: now[name] for name in STATS}


# ---- by itself --------------------------------------------------------------------------------------------------------

results: list[dict] = []
settings = argparse.Namespace(jit=False, environment=None)


def measure_alone(body: Body) -> None:
    start = perf_counter()
    while perf_counter() - start < settings.warmup:
        body.sample(0.1)
    samples = []
    start = perf_counter()
    while perf_counter() - start < settings.seconds or len(samples) < 3:
        samples.append(body.sample(0.1)[0])
    results.append(
        {"name": body.name, "median": statistics.median(samples), "best": min(samples), "samples": len(samples)}
    )


# ---- in lockstep ------------------------------------------------------------------------------------------------------


class Control:
    """The pipes to compare.py. The script's own output goes to stderr, and it has no input."""

    def __init__(self) -> None:
        self.commands = os.fdopen(os.dup(0), "r")
        self.answers = os.fdopen(os.dup(1), "w")
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)

    def say(self, row: dict) -> None:
        self.answers.write(json.dumps(row) + "\n")
        self.answers.flush()

    def measure(self, body: Body) -> None:
        self.say({"ready": body.name})
        for line in self.commands:
            word, _, argument = line.partition(" ")
            if word != "sample":
                return
            seconds, elapsed = body.sample(float(argument))
            self.say({"seconds": seconds, "elapsed": elapsed, **jit_stats()})
        sys.exit(1)  # compare.py is gone


measure = measure_alone


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--lockstep", action="store_true")
    parser.add_argument("--warmup", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("script")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    global measure, settings
    parser.set_defaults(environment=None)
    settings = parser.parse_args()
    control = Control() if settings.lockstep else None
    if control:
        measure = control.measure
    fake = types.ModuleType("pyperf")
    fake.Runner = Runner
    fake.perf_counter = perf_counter
    fake.python_implementation = lambda: "cpython"
    fake.python_has_jit = lambda: False
    sys.modules["pyperf"] = fake
    if settings.jit:
        import martlet
        from activation import enabled

        settings.environment = enabled(dict(os.environ))
        martlet.enable()
    sys.argv = [settings.script, *settings.args]
    sys.path[0] = os.path.dirname(os.path.abspath(settings.script))
    runpy.run_path(settings.script, run_name="__main__")
    if control:
        control.say({"end": True})
    else:
        print(json.dumps({"results": results, "stats": jit_stats()}))


if __name__ == "__main__":
    main()
