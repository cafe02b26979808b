# SPDX-License-Identifier: MIT
"""What the JIT costs where it cannot help.

    scripts/python bench/compare.py bench/cold.py
    scripts/python bench/cold.py --processor-time [ROUNDS]

Like a command-line tool this loads some dozens of modules, runs through a bit of each, and ends; most of the rest of its
time goes to C functions. A life of the program is one round, with code objects that have never run.

`nothing_hot`: each life in a forked child, so that nothing adds up from one to the next, and with its regular
expressions compiled before. No function reaches a threshold: a life in which one was compiled is an error. What is left
is counting.
`little_hot`: one life after the other in the same process. What they share (regular expressions, imports, the frame
around) gets hot in time and is compiled.

`--processor-time`: lives of `nothing_hot` by turns without and with the JIT, on a machine that is too busy for the clock.
"""

from __future__ import annotations

import importlib.util
import io
import json
import marshal
import os
import random
import sys
import time
import types

# In the order in which they can be loaded; what they import besides is shared and stays.
MODULES = """
types operator keyword reprlib collections functools contextlib copy textwrap string gettext argparse shlex
json.scanner json.decoder json.encoder json csv configparser numbers fractions bisect heapq statistics
token tokenize linecache traceback logging pprint html html.parser difflib urllib.parse
dataclasses graphlib calendar sched queue colorsys fnmatch base64 uuid
""".split()

CONFIG = "\n".join(f"[part{i}]\nname = value {i}\npath = /usr/share/{i}\nlevel = {i % 7}\n" for i in range(4))
ROWS = "\n".join(f"{i},name {i},{i * 0.5},{'x' * (i % 9)}" for i in range(60))
PAGE = "<html><body>" + "".join(f"<p class='c{i}'>text {i} &amp; more</p>" for i in range(12)) + "</body></html>"
SOURCE = "def f(a, b):\n    return [a + i * b for i in range(10)]  # a comment\n" * 3
NUMBERS = random.Random(1).sample(range(10**9), 12000)


def code_of_modules() -> list[tuple[str, bool, bytes]]:
    found = []
    for name in MODULES:
        spec = importlib.util.find_spec(name)
        code = spec.loader.get_code(name)
        found.append((name, spec.submodule_search_locations, marshal.dumps(code)))
    return found


def load(codes) -> dict:
    """Fresh modules, put in the place of the process's own."""
    fresh = {}
    for name, locations, blob in codes:
        module = types.ModuleType(name)
        module.__package__ = name if locations else name.rpartition(".")[0]
        if locations:
            module.__path__ = locations
        sys.modules[name] = fresh[name] = module
        exec(marshal.loads(blob), vars(module))
        parent, _, child = name.rpartition(".")
        if parent in fresh:
            setattr(fresh[parent], child, module)
    return fresh


def read_arguments(m):
    parser = m["argparse"].ArgumentParser(prog="tool", description="a tool")
    for name in ("input", "output", "level", "format"):
        parser.add_argument("--" + name, default=name, help=f"the {name}")
    parser.add_argument("files", nargs="*")
    return parser.parse_args(m["shlex"].split("--input a --level=3 one two 'three four'"))


def read_input(m):
    config = m["configparser"].ConfigParser()
    config.read_string(CONFIG)
    rows = list(m["csv"].reader(io.StringIO(ROWS)))
    values = {name: dict(config[name]) for name in config.sections()}
    text = m["json"].dumps({"config": values, "rows": rows}, indent=None, sort_keys=True)
    return m["json"].loads(text), text


def work(m, data, text):
    """Most of it in C: sorting, searching, splitting, formatting."""
    numbers = sorted(NUMBERS)
    numbers.sort(key=str)
    words = text.split()
    total = sum(numbers) + len(set(words)) + text.count("name") + len(" ".join(reversed(words)).encode().hex())
    table = dict(zip(map(str, numbers), numbers))
    return total + len(table) + len(str(data)) + len(zlib_of(m, text * 8))


def zlib_of(m, text):
    import zlib

    return m["base64"].b64encode(zlib.compress(text.encode(), 6))


def report(m, total):
    lines = m["textwrap"].fill("some words that are to be filled into lines " * 4, 40).splitlines()
    lines += m["difflib"].unified_diff(["a\n", "b\n", "c\n"], ["a\n", "c\n", "d\n"])
    lines.append(m["pprint"].pformat({"total": total, "list": list(range(10))}))
    lines.append(str(m["statistics"].mean([1, 2, 3]) + m["fractions"].Fraction(1, 3)))
    lines.append(m["urllib.parse"].urlencode({"a": total, "b": "x y"}))
    lines += (str(token) for token in m["tokenize"].generate_tokens(io.StringIO(SOURCE).readline))
    parser = m["html.parser"].HTMLParser()
    parser.feed(PAGE)
    log = io.StringIO()
    logger = m["logging"].getLogger("tool")
    logger.addHandler(m["logging"].StreamHandler(log))
    for number in range(10):
        logger.warning("line %d of %s", number, "the log")
    record = m["dataclasses"].make_dataclass("Record", ["name", "value", "other"])
    return lines + [log.getvalue(), repr(record("a", 1, lines[:2])), m["string"].Template("$a-$b").substitute(a=1, b=2)]


def one_life(codes):
    m = load(codes)
    read_arguments(m)
    data, text = read_input(m)
    return "\n".join(report(m, work(m, data, text)))


def timed_life(codes, clock=time.perf_counter) -> float:
    own = {name: sys.modules.get(name) for name in MODULES}
    start = clock()
    try:
        one_life(codes)
    finally:
        for name, module in own.items():
            if module is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = module
    return clock() - start


def bench_little_hot(loops: int, codes) -> float:
    return sum(timed_life(codes) for _ in range(loops))


def compiled() -> int:
    jit = sys.modules.get("martlet")
    return jit.stats()["compiled"] if jit else 0


def forked_life(codes, clock=time.perf_counter, enable=False) -> float:
    """Seconds of a life in a child, which has to compile nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        if enable:
            sys.modules["martlet"].enable()
        before = compiled()
        seconds = timed_life(codes, clock)
        report = {"seconds": seconds, "compiled": compiled() - before}
        os.write(writer, json.dumps(report).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        report = json.loads(answer.read())
    os.waitpid(child, 0)
    if report["compiled"]:
        raise SystemExit(f"cold.py: {report['compiled']} functions got hot")
    return report["seconds"]


def bench_nothing_hot(loops: int, codes) -> float:
    return sum(forked_life(codes) for _ in range(loops))


def prepare(codes) -> None:
    """The first life fills the caches of `re` and its like, uncounted."""
    jit = sys.modules.get("martlet")
    enabled = jit is not None and jit.is_enabled()
    if enabled:
        jit.disable()
    timed_life(codes)
    if enabled:
        jit.enable()


def compare_processor_time(rounds: int) -> None:
    import martlet  # noqa: F401  (forked_life enables it)

    codes = code_of_modules()
    timed_life(codes)
    lives = [[forked_life(codes, time.process_time, enable) for enable in (False, True)] for _ in range(rounds)]
    plain, jit = (min(column) * 1e3 for column in zip(*lives))
    print(f"least of {rounds} lives: interpreter {plain:.2f} ms, JIT {jit:.2f} ms of processor time: {jit / plain - 1:+.1%}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--processor-time"]:
        compare_processor_time(int(sys.argv[2]) if len(sys.argv) > 2 else 150)
        sys.exit()
    import pyperf

    runner = pyperf.Runner()
    runner.parse_args()
    codes = code_of_modules()
    prepare(codes)
    runner.bench_time_func("nothing_hot", bench_nothing_hot, codes)
    runner.bench_time_func("little_hot", bench_little_hot, codes)
