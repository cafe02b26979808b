# SPDX-License-Identifier: MIT
"""Run one pyperformance script in this process and print its steady state as JSON.

    steady.py [--jit] [--warmup SECONDS] [--seconds SECONDS] run_benchmark.py [ARGS of the script]

pyperf starts a process for each sample, which measures warm-up as much as speed; here a benchmark's loop body is called
again and again, first for `warmup` seconds, then in samples for `seconds`. The script is unchanged: it finds a module
`pyperf` that has the part of the interface that pyperformance's scripts use. Prints a list of
{"name", "median", "best", "samples", "first", ...}, seconds per loop.
"""

from __future__ import annotations

import argparse
import json
import runpy
import statistics
import sys
import time
import types

perf_counter = time.perf_counter


class Runner:
    """The part of pyperf.Runner that pyperformance's scripts use."""

    def __init__(self, *args, **kwargs):
        self.metadata: dict = {}
        self.argparser = argparse.ArgumentParser()
        self.args = None
        add = kwargs.get("add_cmdline_args")
        del args, add

    def parse_args(self, args=None):
        if self.args is None:
            self.args = self.argparser.parse_args(args)
        return self.args

    def bench_time_func(self, name, func, *args, inner_loops=1, **_):
        self.parse_args()
        record(name, lambda loops: func(loops, *args), inner_loops or 1)

    def bench_func(self, name, func, *args, inner_loops=1, **_):
        self.parse_args()

        def run(loops):
            start = perf_counter()
            for _ in range(loops):
                func(*args)
            return perf_counter() - start

        record(name, run, inner_loops or 1)

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

        record(name, run, inner_loops or 1)

    def bench_command(self, name, command):
        raise SystemExit(f"{name}: measures whole processes ({command}); not for this tool")


results: list[dict] = []
settings = argparse.Namespace(warmup=2.0, seconds=2.0)


def record(name, run, inner_loops):
    """Warm up, choose a loop count for samples of about 0.1 s, and keep each sample."""
    start = perf_counter()
    first = run(1)
    loops = 1
    latest = first
    while perf_counter() - start < settings.warmup:
        latest = run(loops) / loops
        loops = max(1, min(loops * 4, int(0.1 / max(latest, 1e-9))))
    samples = []
    start = perf_counter()
    while perf_counter() - start < settings.seconds or len(samples) < 3:
        samples.append(run(loops) / loops)
    results.append(
        {
            "name": name,
            "median": statistics.median(samples) / inner_loops,
            "best": min(samples) / inner_loops,
            "first": first / inner_loops,
            "samples": len(samples),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jit", action="store_true")
    parser.add_argument("--warmup", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("script")
    parser.add_argument("args", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    settings.warmup, settings.seconds = options.warmup, options.seconds
    fake = types.ModuleType("pyperf")
    fake.Runner = Runner
    fake.perf_counter = perf_counter
    fake.python_implementation = lambda: "cpython"
    fake.python_has_jit = lambda: False
    sys.modules["pyperf"] = fake
    if options.jit:
        import martlet

        martlet.enable()
    sys.argv = [options.script, *options.args]
    sys.path.insert(0, options.script.rpartition("/")[0])
    runpy.run_path(options.script, run_name="__main__")
    stats = {}
    if options.jit:
        stats = martlet.stats()
    print(json.dumps({"results": results, "stats": stats}))


if __name__ == "__main__":
    main()
