# SPDX-License-Identifier: MIT
"""Random programs for fuzz.py: the same program for the same seed.

Functions end soon (loops are short, calls use up fuel, numbers are cut back), mix the types of their variables, and tell
all they see through `log`; fuzz_child.py has what they call. Must not know: how programs are run and compared.
"""

import random

NUMBERS = ["i0", "i1", "i2", "x0", "x1"]
OBJECTS = ["o0", "o1"]
LOCALS = [*NUMBERS, *OBJECTS, "xs", "d", "s"]
CONSTANTS = [
    "0", "1", "2", "-1", "3", "7", "255", "256", "257", "-6", "1000", "2**30", "2**31 - 1", "-2**31", "2**62", "2**63 - 1",
    "-2**63", "2**64", "10**20", "0.0", "-0.0", "0.5", "1.0", "-2.5", "1e308", "float('nan')", "float('inf')", "2.0**53",
    "True", "False", "MyInt(5)", "MyFloat(1.5)",
]  # fmt: skip
ERRORS = ["ValueError", "KeyError", "ZeroDivisionError", "TypeError", "IndexError", "Exception", "(OverflowError, NameError)",
          "AttributeError"]  # fmt: skip


class Writer:
    """One program's text."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.indent = 0
        self.functions = []  # (name, kind) that may be called from what is written now
        self.loops = 0
        self.handlers = 0
        self.generator = False
        self.closure = False

    def line(self, text):
        self.lines.append("    " * self.indent + text)

    def choose(self, *options):
        return self.random.choice(options)

    def chance(self, probability):
        return self.random.random() < probability

    # Expressions.

    def number(self, depth=2):
        kind = self.random.randrange(20) if depth > 0 else self.random.randrange(8)
        if kind < 5:
            return self.choose(*NUMBERS)
        if kind < 8:
            return self.choose(*CONSTANTS) if self.chance(0.4) else str(self.random.randrange(-10, 30))
        if kind < 13:
            operator = self.choose("+", "-", "+", "-", "/", "//", "%")
            return f"({self.number(depth - 1)} {operator} {self.number(depth - 1)})"
        if kind == 13:
            return f"({self.choose(*NUMBERS)} * {self.number(0)})"
        if kind == 14:
            return f"({self.choose(*NUMBERS)} {self.choose('&', '|', '^', '>>')} {self.number(0)})"
        if kind == 15:
            return f"({self.choose('i0', 'i1', 'i2')} << ({self.number(0)} & 31))"
        if kind == 16:
            return self.choose("-{}", "+{}", "~{}", "abs({})", "int({})", "float({})", "({})**2").format(self.choose(*NUMBERS))
        if kind == 17:
            return self.choose("len(xs)", "len(s)", "xs[{n} % 5]", "xs[-1]", "d[{n}]", "d.get({n}, {n})", "o0.n", "o1.n",
                               "o0.double({n})", "g0", "s.count('a')", "sum(xs)", "round({n}, 1)").format(n=self.number(0))  # fmt: skip
        if kind == 18:
            return f"({self.number(depth - 1)} if {self.condition(depth - 1)} else {self.number(depth - 1)})"
        return self.call(depth - 1)

    def condition(self, depth=2):
        kind = self.random.randrange(12) if depth > 0 else 0
        if kind < 6:
            operator = self.choose("<", "<=", "==", "!=", ">", ">=")
            return f"{self.number(depth - 1)} {operator} {self.number(depth - 1)}"
        if kind == 6:
            return f"{self.condition(depth - 1)} {self.choose('and', 'or')} {self.condition(depth - 1)}"
        if kind == 7:
            return f"not ({self.condition(depth - 1)})"
        if kind == 8:
            return f"{self.choose('o0', 'o1', 'None')} {self.choose('is', 'is not')} {self.choose('o0', 'o1', 'None')}"
        if kind == 9:
            return self.choose("{n} in xs", "{n} in d", "'a' in s", "{n} not in d", "s == 'ab'", "s < 'b'", "xs == []",
                               "isinstance({n}, int)", "{n}", "xs", "s", "d", "o0 == o1").format(n=self.number(0))  # fmt: skip
        if kind == 10:
            return f"{self.number(0)} < {self.number(0)} <= {self.number(0)}"
        return f"{self.choose(*NUMBERS)}"

    def call(self, depth=1):
        callable_ = [name for name, kind in self.functions if kind == "function"]
        if not callable_:
            return self.choose(*NUMBERS)
        name = self.random.choice(callable_)
        a, b = self.number(depth), self.number(0)
        return self.choose(f"{name}({a}, {b})", f"{name}({a}, {b}, o0)", f"{name}({a})", f"{name}({a}, o1=o0)",
                           f"{name}(*({a}, {b}))", f"{name}({a}, **{{'i1': {b}}})", f"{name}({a}, i1={b}, o1=o1)",
                           f"max({a}, {b})", f"o1.through({name}, {a})", f"add({a}, {b})")  # fmt: skip

    def generator_call(self):
        names = [name for name, kind in self.functions if kind == "generator"]
        return f"{self.random.choice(names)}({self.number(1)}, {self.number(0)})" if names else f"iter(xs[:{self.number(0)}])"

    # Statements.

    def block(self, depth, count=None):
        self.indent += 1
        for _ in range(count or self.random.randrange(1, 4)):
            self.statement(depth)
        self.indent -= 1

    def statement(self, depth):
        compound = [self.if_, self.for_, self.while_, self.try_, self.with_, self.for_, self.try_, self.if_]
        if depth > 0 and self.chance(0.4):
            self.random.choice(compound)(depth - 1)
        else:
            self.simple()

    def simple(self):
        name = self.choose(*NUMBERS)
        kind = self.random.randrange(34)
        n = self.number
        if kind < 8:
            self.line(f"{name} = {n()}")
        elif kind < 13:
            self.line(f"{name} {self.choose('+', '-', '+', '/', '//', '%')}= {n(1)}")
        elif kind == 13:
            a, b = self.choose(*NUMBERS), self.choose(*NUMBERS)
            self.line(f"{a}, {b} = {self.choose(b, n(1))}, {self.choose(a, n(1))}")
        elif kind == 14:
            self.line(self.choose(f"xs.append({n(1)})", f"xs[{n(0)} % 4] = {n(1)}", "xs.pop()", f"xs = [{n(0)}, {n(0)}, {name}]",
                                  f"del xs[{n(0)}:]", "xs.reverse()", "xs = xs[:6] + [1]"))  # fmt: skip
        elif kind == 15:
            self.line(self.choose(f"d[{n(0)}] = {n(1)}", f"d[s] = {name}", f"del d[{n(0)}]", f"d = {{{n(0)}: {n(0)}, 's': s}}"))
        elif kind == 16:
            self.line(self.choose(f"s = s[:20] + str({n(0)})", "s = s[:20]; s += 'a'", f"s = f'{{{name}!r}}{{len(xs):>3}}'",
                                  "s = 'ab'[::-1]", f"s = s[{n(0)}]", "s = s.upper()"))  # fmt: skip
        elif kind == 17:
            self.line(self.choose("o0 = Obj(1)", "o0, o1 = o1, o0", "o1 = o0", f"o0 = Obj({n(0)})", "o0 = None", "o1 = Sub(3)"))
        elif kind == 18:
            self.line(self.choose(f"o0.n = {n(1)}", f"o0.n += {n(0)}", "o1.other = o0", "o0 += o1", f"o0 = o0 + {n(0)}", "del o0.n"))
        elif kind == 19:
            self.line(f"log({name}, {self.choose(*LOCALS)})")
        elif kind == 20:
            self.line(self.choose(f"raise ValueError({n(0)})", f"raise {self.choose('KeyError', 'IndexError')}(s)", "assert i0, xs")
                      if self.chance(0.4) else f"log({n(0)}, live())")  # fmt: skip
        elif kind == 21:
            self.line(f"xs = [{n(1)} for {name} in {self.choose(f'range({self.random.randrange(6)})', 'xs[:4]')} if {self.condition(1)}]")
        elif kind == 22:
            self.line(self.choose("peek()", f"poke('{name}', {n(0)})", f"log(list({self.generator_call()}))"))
        elif kind == 23:
            self.line(f"{name} = {self.call()}")
        elif kind == 24:
            self.line(self.choose(f"{name} = next({self.generator_call()})", f"log(drive({self.generator_call()}, {n(0)}))",
                                  f"{name} = sum(v for v in xs if v == v)"))  # fmt: skip
        elif kind == 25 and self.loops:
            self.line(f"if {self.condition(1)}: {self.choose('break', 'continue')}")
        elif kind == 26:
            self.line(f"if {self.condition(1)}: return {self.choose(*LOCALS)}")
        elif kind == 27 and self.chance(0.3):
            self.line(f"del {self.choose(*LOCALS)}")
        elif kind in (28, 29) and self.generator:
            self.line(self.choose(f"yield {n(1)}", f"{name} = yield {n(0)}", f"yield from {self.generator_call()}", "yield xs"))
        elif kind == 30:
            self.line(self.choose(f"f = lambda {name}, k={n(0)}: {n(1)}; {name} = f({n(0)})", f"{name} = (lambda: {name} + 1)()"))
        elif kind == 31 and self.handlers:
            self.line("raise")
        elif kind == 32:
            self.line(f"global g0; g0 = {n(1)}" if "global g0" not in "".join(self.lines[-400:]) and self.chance(0) else f"log({n(1)})")
        else:
            self.line(f"{name} = {self.choose(*NUMBERS)}")

    def if_(self, depth):
        self.line(f"if {self.condition()}:")
        self.block(depth)
        if self.chance(0.4):
            self.line(f"elif {self.condition(1)}:")
            self.block(depth)
        if self.chance(0.4):
            self.line("else:")
            self.block(depth)

    def loop_body(self, depth):
        self.loops += 1
        self.indent += 1
        self.line(f"i0, i1, i2, x0, x1 = cut(i0), cut(i1), cut(i2), cut(x0), cut(x1)" if self.chance(0.3) else "if burn(): break")
        if not self.lines[-1].strip().startswith("if"):
            self.line("if burn(): break")
        for name in NUMBERS:
            self.line(f"if {name} > 2**80 or {name} < -2**80: {name} = {self.random.randrange(5)}")
        self.indent -= 1
        self.block(depth, self.random.randrange(2, 6))
        self.loops -= 1
        if self.chance(0.15):
            self.line("else:")
            self.block(0)

    def for_(self, depth):
        name = self.choose(*NUMBERS, "k")
        n = self.random.randrange(1, 14)
        source = self.choose(f"range({n})", f"range({n})", f"range({self.number(0)}, {n}, {self.choose('1', '2', '-1', '3')})", "xs[:8]",
                             "enumerate(xs[:5])", "list(d)", "s[:9]", self.generator_call(), "(1, 2.5, 3)", "zip(xs[:4], s)",
                             f"reversed(range({n}))")  # fmt: skip
        if source.startswith(("enumerate", "zip")):
            name += ", " + self.choose(*NUMBERS)
        self.line(f"for {name} in {source}:")
        self.loop_body(depth)

    def while_(self, depth):
        self.line(f"while {self.condition()}:")
        self.loop_body(depth)

    def try_(self, depth):
        self.line("try:")
        self.block(depth)
        kind = self.random.randrange(4)
        if kind != 3:
            for _ in range(self.random.randrange(1, 3)):
                self.line(f"except {self.random.choice(ERRORS)}{self.choose('', ' as e')}:")
                self.handlers += 1
                self.indent += 1
                if self.lines[-1].endswith("as e:"):
                    self.line("log(type(e).__name__, e.args, where(e))")
                self.indent -= 1
                self.block(depth)
                self.handlers -= 1
            if self.chance(0.3):
                self.line("else:")
                self.block(depth)
        if kind == 3 or self.chance(0.25):
            self.line("finally:")
            loops, self.loops = self.loops, 0
            self.block(depth)
            self.loops = loops

    def with_(self, depth):
        self.line(f"with Ctx({self.choose('True', 'False', self.condition(1))}) as {self.choose('k', *OBJECTS)}:")
        self.block(depth)

    # Functions.

    def function(self, number):
        self.generator = self.chance(0.25)
        name = f"f{number}"
        self.line(f"def {name}(i0, i1={self.choose(*CONSTANTS)}, o1=None, *, i2={self.random.randrange(9)}):")
        self.indent += 1
        self.line("if burn(): return 0")
        self.line(f"x0, x1, k = {self.choose(*CONSTANTS)}, {self.number(0).replace('x0', 'i0').replace('x1', 'i1')}, 0")
        self.line(f"xs, d, s, o0 = [1, 2.5, i0], {{1: 2, 'a': i1}}, '{self.choose('', 'ab', 'xyz')}', Obj({number})")
        if self.chance(0.3):
            self.line(f"def {name}_inner(i0, i1=1, o1=None):")
            self.indent += 1
            self.line(f"nonlocal {self.choose('i2, x0', 'x1', 'k, xs')}")
            self.line("if burn(): return 0")
            generator, self.generator = self.generator, False
            self.indent -= 1
            self.block(1)
            self.generator = generator
            self.line(f"    return {self.number(1)}")
            self.functions.append((f"{name}_inner", "function"))
        self.indent -= 1
        self.block(3, self.random.randrange(3, 8))
        if self.generator:
            self.line(f"    yield {self.number(1)}")
        if self.chance(0.9):
            self.line(f"    return {self.choose(self.number(), ', '.join(LOCALS), '(i0, x0, s)')}")
        self.functions = [row for row in self.functions if not row[0].endswith("_inner")]
        self.functions.append((name, "generator" if self.generator else "function"))


def program(seed):
    """The text of a program, and the names of its functions with their kinds."""
    writer = Writer(seed)
    for number in range(writer.random.randrange(2, 6)):
        writer.function(number)
    return "\n".join(writer.lines) + "\n", writer.functions
