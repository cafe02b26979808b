# SPDX-License-Identifier: MIT
"""What martlet_micro measures, as pairs of Python functions: CASES maps a name to a function that prepares the pair.

A case returns (measured, baseline, operations, counter): both functions take a number of rounds; what they differ by is
`operations` times a round what the case is named after. `counter`, where there is one, names the number in
martlet.stats() that has to grow by about one for each operation, so that a case cannot come to measure something else
unnoticed. Nothing but what a case compiles is compiled: the driving loops stay interpreted.
"""

from __future__ import annotations

import difflib
import posixpath
import re

import martlet

NEVER = 1_000_000_000
QUIET = {"call_threshold": NEVER, "loop_threshold": NEVER, "exit_limit": NEVER}


def define(source: str, name: str, **names):
    """A function with a code object and a namespace of its own."""
    exec(source, names)
    return names[name]


def repeated(statement: str, **names):
    """An interpreted function that runs a statement ten times a round."""
    body = "".join(f"        {statement}\n" for _ in range(10))
    return define(f"def run(rounds):\n    for i in range(rounds):\n{body}", "run", **names)


def compiled(function, *warm_up):
    """Compiled after the interpreter has specialized it for the given arguments."""
    for _ in range(30):
        function(*warm_up)
    if not martlet.compile(function):
        raise RuntimeError(f"{function.__name__} does not compile: {martlet.reasons()}")
    return function


CALLEE = "def callee(x): return x"


def call_by_interpreter():
    martlet.disable()
    return repeated("callee(i)", callee=define(CALLEE, "callee")), repeated("i"), 10, None


def call_counted():
    return repeated("callee(i)", callee=define(CALLEE, "callee")), repeated("i"), 10, None


def entry():
    callee = compiled(define(CALLEE, "callee"), 1)
    return repeated("callee(i)", callee=callee), repeated("i"), 10, "entries"


def native_call():
    # Not one that could be taken for its value: the loop is there to be called.
    source = "def callee(x):\n    for x in (x,): pass\n    return x\n"
    callee = compiled(define(source, "callee"), 1)
    caller = "def caller(rounds):\n    for i in range(rounds): callee(i)\n"
    inline = "def caller(rounds):\n    for i in range(rounds):\n        for x in (i,): pass\n"
    return compiled(define(caller, "caller", callee=callee), 100), compiled(define(inline, "caller"), 100), 1, None


def over_items(statement: str, items: list, **names):
    """A compiled loop over the items; `statement` sees each as `item`."""
    source = f"def run(rounds):\n    s = 0\n    for _ in range(rounds):\n        for item in items: {statement}\n    return s\n"
    return compiled(define(source, "run", items=items, **names), 3)


def guard():
    numbers = list(range(1000, 1100))
    return over_items("s ^= item", numbers), over_items("s ^= 1", numbers), 100, None


def attribute_of(classes: int):
    types = [type(f"C{i}", (), {"__init__": lambda self: setattr(self, "x", 5)}) for i in range(classes)]
    objects = [types[i % classes]() for i in range(96)]
    return over_items("s ^= item.x", objects), over_items("s ^= 5", objects), 96, None


def failing_guard():
    source = "def callee(x): return x + 1"
    callee, other = compiled(define(source, "callee"), 5), compiled(define(source, "callee"), 5)
    return repeated("callee(1.5)", callee=callee), repeated("callee(1)", callee=other), 10, "exits"


def on_stack_replacement():
    # One jump, at which the one is entered and the other is not.
    source = "def callee():\n    i = 2\n    while i: i -= 1\n"
    callee, other = define(source, "callee"), define(source, "callee")
    martlet.enable(**QUIET | {"loop_threshold": 20, "sync": True})
    for _ in range(100):
        callee()
    martlet.enable(**QUIET)
    for _ in range(100):
        other()
    return repeated("callee()", callee=callee), repeated("other()", other=other), 10, "osr_entries"


CASES = {
    "call_by_interpreter": call_by_interpreter,
    "call_counted": call_counted,
    "entry": entry,
    "native_call": native_call,
    "guard": guard,
    "cache_hit/one_class": lambda: attribute_of(1),
    "cache_hit/four_classes": lambda: attribute_of(4),
    "cache_miss/sixteen_classes": lambda: attribute_of(16),
    "exit": failing_guard,
    "osr_entry": on_stack_replacement,
}

COMPILED = {
    "small": posixpath.isabs,
    "medium": difflib.Differ._fancy_replace,
    "large": re._compiler._compile,
}
