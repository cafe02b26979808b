# SPDX-License-Identifier: MIT
"""What the programs share: running a function several times over rows of arguments, and counting references."""

import gc
import re
import sys

ROUNDS = 4


class Noisy:
    """Notes its end."""

    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Noisy.log.append(self.name)


class Key:
    """Equal to what its value is equal to, as Python code says, or does not say but raises."""

    log = []

    def __init__(self, value, error=None):
        self.value, self.error = value, error

    def __hash__(self):
        Key.log.append("hash")
        return hash(self.value)

    def __eq__(self, other):
        Key.log.append("eq")
        given(self.error)
        return self.value == (other.value if isinstance(other, Key) else other)

    def __repr__(self):
        return f"Key({self.value!r})"


def given(value):
    """The value, if it is no exception."""
    if isinstance(value, Exception):
        raise value
    return value


def attempt(function, *arguments, **keywords):
    """What a call gives, as text: its result, or its exception with the notes and the chain's types."""
    try:
        return repr(function(*arguments, **keywords))
    except BaseException as error:
        chain, link = "", error
        while link.__cause__ is not None or link.__context__ is not None:
            mark = "<=" if link.__cause__ is not None else "<-"
            link = link.__cause__ if link.__cause__ is not None else link.__context__
            chain += f" {mark} {type(link).__name__}: {link}"
        line = error.__traceback__
        while line.tb_next is not None:
            line = line.tb_next
        where = line.tb_frame.f_code.co_name, line.tb_lineno - line.tb_frame.f_code.co_firstlineno
        notes = getattr(error, "__notes__", [])
        return f"{type(error).__name__}: {error} at {where[0]}+{where[1]}{chain}{notes or ''}"


def table(function, *rows, rounds=ROUNDS):
    """Calls the function with each row, in several rounds, so that later rounds run what earlier ones got compiled."""
    first = [attempt(function, *row) for row in rows]
    for _ in range(rounds - 1):
        again = [attempt(function, *row) for row in rows]
        for row, before, after in zip(rows, first, again):
            if before != after:
                show(f"{function.__name__}{row!r} changed: {before} then {after}")
    for row, text in zip(rows, first):
        show(f"{function.__name__}{row!r} = {text}")


def show(text):
    """Prints without addresses."""
    print(re.sub(r" at 0x[0-9a-f]+", "", text))


def say(value):
    show(repr(value))


def pairs(function, values):
    """The function over all pairs of values."""
    table(function, *[(left, right) for left in values for right in values])


def refcheck(function, *objects, rounds=60, blocks=True):
    """References to the objects, and memory blocks, gained for each call: 0 unless something leaks or is freed twice.

    The division forgives what a compilation keeps once.
    """
    for _ in range(8):
        attempt(function)
    gc.collect()
    before, allocated = [sys.getrefcount(item) for item in objects], sys.getallocatedblocks()
    for _ in range(rounds):
        attempt(function)
    gc.collect()
    gained = [round((sys.getrefcount(item) - count) / rounds) for item, count in zip(objects, before)]
    more = round((sys.getallocatedblocks() - allocated) / rounds)
    print(f"{function.__name__}: references gained {gained}" + (f", blocks {more}" if blocks else ""))
