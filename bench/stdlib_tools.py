# SPDX-License-Identifier: MIT
"""A real program: tokenize, ast.unparse and difflib over the standard library's own sources.

    scripts/python bench/stdlib_tools.py [FILES]              the interpreter
    scripts/python -m martlet bench/stdlib_tools.py [FILES]   the JIT

Prints a digest of everything computed, which has to be the same, and on stderr the seconds of each third.
"""

import ast
import difflib
import glob
import hashlib
import io
import os
import sys
import sysconfig
import time
import tokenize


def work(path: str, digest) -> int:
    with open(path, "rb") as file:
        raw = file.read()
    tokens = list(tokenize.tokenize(io.BytesIO(raw).readline))
    for token in tokens:
        digest.update(b"%d %s %d %d;" % (token.type, token.string.encode(), *token.start))
    text = raw.decode()
    unparsed = ast.unparse(ast.parse(text))
    digest.update(unparsed.encode())
    matcher = difflib.SequenceMatcher(None, text.splitlines()[:400], unparsed.splitlines()[:400])
    digest.update(repr(matcher.get_opcodes()).encode())
    return len(tokens)


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    folder = sysconfig.get_path("stdlib")
    paths = sorted(glob.glob(os.path.join(folder, "*.py")))[:limit]
    digest = hashlib.sha256()
    tokens = 0
    marks = [time.perf_counter()]
    for index, path in enumerate(paths):
        tokens += work(path, digest)
        if (index + 1) * 3 // len(paths) > len(marks) - 1:
            marks.append(time.perf_counter())
    print(len(paths), "files", tokens, "tokens", digest.hexdigest())
    print(*(f"{b - a:.2f} s" for a, b in zip(marks, marks[1:])), file=sys.stderr)


if __name__ == "__main__":
    main()
