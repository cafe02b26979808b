# SPDX-License-Identifier: MIT
"""A program in which nothing gets hot: what the JIT costs where it cannot help.

    scripts/python bench/compare.py bench/cold.py

Like a command-line tool it loads some dozens of modules, runs through a bit of each, and ends; most of the rest of its
time goes to C functions. Each round is a new life of the program: the modules are loaded again, with code objects that
have never run. In the table the number of functions compiled has to stay small: those of the frame around the program,
which itself lives on.
"""

from __future__ import annotations

import importlib.util
import io
import marshal
import random
import sys
import time
import types

import pyperf

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


def bench_lives(loops: int, codes) -> float:
    own = {name: sys.modules.get(name) for name in MODULES}
    seconds = 0.0
    for _ in range(loops):
        start = time.perf_counter()
        try:
            one_life(codes)
        finally:
            for name, module in own.items():
                if module is None:
                    sys.modules.pop(name, None)
                else:
                    sys.modules[name] = module
        seconds += time.perf_counter() - start
    return seconds


if __name__ == "__main__":
    runner = pyperf.Runner()
    runner.parse_args()
    runner.bench_time_func("cold", bench_lives, code_of_modules())
