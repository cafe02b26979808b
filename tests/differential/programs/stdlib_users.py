# SPDX-License-Identifier: MIT
"""The standard library's own Python code at work."""

import argparse
import ast
import base64
import configparser
import csv
import difflib
import fnmatch
import heapq
import io
import json
import logging
import pickle
import random
import re
import shlex
import statistics
import string
import textwrap
import tokenize
import urllib.parse
from xml.etree import ElementTree

from support import table

SOURCE = '''
def f(a, *b, c=1, **d) -> int:
    """Doc."""
    async def g():
        async with a as b: return [x async for x in y if x]
    try:
        return lambda q, /: {**d, "k": f"{a!r:>{c}}"}
    except* (ValueError, TypeError) as e:
        match e:
            case {"x": [1, *_]} | None if a < b < c: pass
    finally:
        del a[1:2], b.c
'''


def parse_and_unparse():
    tree = ast.parse(SOURCE)
    text = ast.unparse(tree)
    return text == ast.unparse(ast.parse(text)), len(ast.dump(tree)), sum(1 for _ in ast.walk(tree))


def tokens():
    return [(t.type, t.string) for t in tokenize.generate_tokens(io.StringIO(SOURCE).readline)][:40]


def jsons(value):
    text = json.dumps(value, indent=1, sort_keys=True)
    encoder = json.encoder.JSONEncoder(indent=2)
    return json.loads(text) == value, "".join(encoder.iterencode(value))


def bad_json(text):
    return json.loads(text)


def regexes(text):
    pattern = re.compile(r"(?P<word>\w+)\s*=\s*(?:\"([^\"]*)\"|(\d+))")
    return [m.groupdict() | {"span": m.span()} for m in pattern.finditer(text)], re.sub(r"\d+", lambda m: str(int(m[0]) * 2), text)


def diffs(a, b):
    matcher = difflib.SequenceMatcher(None, a, b)
    return list(difflib.unified_diff(a.split(), b.split(), lineterm="")), matcher.get_opcodes(), round(matcher.ratio(), 4)


def arguments(words):
    parser = argparse.ArgumentParser(prog="p", exit_on_error=False)
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("--flag", action="store_true")
    parser.add_argument("files", nargs="*")
    return vars(parser.parse_args(words))


def configuration():
    c = configparser.ConfigParser()
    c.read_string("[a]\nx = 1\ny = %(x)s2\n[b]\nz: yes\n")
    return c.getint("a", "x"), c["a"]["y"], c.getboolean("b", "z"), c.sections()


def tables():
    out = io.StringIO()
    w = csv.DictWriter(out, ["a", "b"])
    w.writeheader()
    w.writerows([{"a": 1, "b": 'x,"y"'}, {"a": None, "b": 2.5}])
    return out.getvalue(), list(csv.reader(io.StringIO(out.getvalue())))


def pickles(value):
    buffer = io.BytesIO()
    pickle._Pickler(buffer, 4).dump(value)
    return pickle._Unpickler(io.BytesIO(buffer.getvalue())).load() == value


def logs(n):
    stream = io.StringIO()
    logger = logging.getLogger(f"test{n}")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(funcName)s %(lineno)d %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
    logger.warning("value %d", n)
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("failed")
    logger.removeHandler(handler)
    return stream.getvalue()


def randoms(seed):
    r = random.Random(seed)
    values = [r.randint(1, 100) for _ in range(5)]
    r.shuffle(values)
    return values, r.choice("abc"), r.sample(range(50), 4), round(r.gauss(0, 1), 9), r.choices("xy", [1, 3], k=4)


def numbers(values):
    return statistics.mean(values), statistics.median(values), round(statistics.pstdev(values), 9), statistics.mode(values)


def xml():
    root = ElementTree.fromstring("<a x='1'><b>text</b><b/>tail</a>")
    ElementTree.SubElement(root, "c", {"k": "v"}).text = "é<"
    return ElementTree.tostring(root, encoding="unicode"), [e.tag for e in root.iter()], root.find("b").text


def texts():
    return (
        textwrap.fill("the quick brown fox jumps over the lazy dog " * 2, 30, initial_indent="* "),
        textwrap.dedent("  a\n    b\n"),
        string.Template("$a ${b} $$").safe_substitute(a=1),
        shlex.split("a 'b c' \"d\\\"e\" f#g"),
        fnmatch.filter(["a.py", "b.txt"], "*.py"),
        urllib.parse.urlencode({"a": "b c", "d": "é"}),
        urllib.parse.urlsplit("http://u:p@h:80/p;x?q#f"),
        base64.b32encode(b"hello"),
    )


def heaps():
    h = []
    for x in (5, 1, 4, 2, 3):
        heapq.heappush(h, x)
    return [heapq.heappop(h) for _ in range(5)], heapq.nlargest(2, [3, 1, 2], key=lambda x: -x), list(heapq.merge([1, 4], [2, 3], reverse=False))


table(parse_and_unparse, ())
table(tokens, ())
table(jsons, ({"a": [1, 2.5, None, True, "é\n"], "b": {}},), ([],), (1.5,))
table(bad_json, ("{",), ("[1,]",), ('{"a": }',), ("nul",), ("[1e5, -0, \"\\u00e9\"]",))
table(regexes, ('a = 1 b="x y" c =22',), ("",))
table(diffs, ("the quick brown fox", "the slow brown dog"), ("", "a b"))
table(arguments, ([],), (["-n", "5", "--flag", "x", "y"],), (["-n", "five"],))
table(configuration, ())
table(tables, ())
table(pickles, ([1, "a", {"k": (None, 2.5, b"x")}],), ({1, 2},))
table(logs, (1,))
table(randoms, (1,), ("seed",))
table(numbers, ([1, 2, 2, 5],), ([1.5, 2.5, 2.5],), ([],))
table(xml, ())
table(texts, ())
table(heaps, ())
