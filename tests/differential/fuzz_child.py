# SPDX-License-Identifier: MIT
"""Runs fuzz.py's programs, given as files, and prints all that can be seen of them. Imports next to nothing: under the
JIT all that it imports would be compiled, too."""

import sys

fuel = 0
logged = []


def burn():
    global fuel
    fuel -= 1
    return fuel < 0


def cut(value):
    return value


def add(a, b):
    return a + b


def shown(value, depth=2):
    kind = type(value).__name__
    if isinstance(value, (list, tuple)) and depth:
        return f"{kind}[{', '.join(shown(item, depth - 1) for item in value[:12])}]"
    if isinstance(value, (int, float, str, type(None))):
        return f"{kind}:{value!r}"[:80]
    return kind


def log(*values):
    if len(logged) < 4000:
        logged.append(" ".join([shown(value) for value in values]))


def live():
    return Obj.count


def where(error):
    rows, entry = [], error.__traceback__
    while entry is not None:
        rows.append((entry.tb_frame.f_code.co_name, entry.tb_lineno, entry.tb_lasti))
        entry = entry.tb_next
    return rows


def peek():
    frame = sys._getframe(1)
    variables = frame.f_locals
    log("peek", frame.f_lineno, frame.f_lasti, [f"{name}={shown(variables[name])}" for name in sorted(variables)])


def poke(name, value):
    sys._getframe(1).f_locals[name] = value


def drive(generator, value):
    answers = []
    try:
        answers.append(next(generator))
        answers.append(generator.send(value))
        answers.append(generator.throw(KeyError(value)))
        answers.append(next(generator))
    except StopIteration as stop:
        answers.append(stop.value)
    finally:
        answers.append(generator.close())
    return answers


class MyInt(int):
    def __add__(self, other):
        return MyInt(int(self) + 1)


class MyFloat(float):
    def __radd__(self, other):
        return other


class Obj:
    count = 0

    def __init__(self, n):
        Obj.count += 1
        self.n = n

    def __del__(self):
        Obj.count -= 1
        if fuel > 0:
            log("del", self.__dict__.get("n"))

    def double(self, n):
        return n + self.n

    def through(self, function, value):
        return function(value)

    def __add__(self, other):
        return Obj(other)

    def __eq__(self, other):
        return type(self) is type(other) and self.n == other.n

    __hash__ = None


class Sub(Obj):
    __slots__ = ("extra",)

    @property
    def other(self):
        return self.n

    def double(self, n):
        return super().double(n) - 1


class Ctx:
    def __init__(self, swallow):
        self.swallow = swallow

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        log("exit", None if kind is None else kind.__name__)
        return self.swallow and kind is not GeneratorExit


ARGUMENTS = [(3, 4), (5, 2.5), (-1,), (2**62, 3), (0.5, 0), (True, 2), (3, 1)]
BUDGET = 120


def attempt(function, arguments, generator):
    global fuel
    fuel = BUDGET
    witness = Obj("w")
    try:
        if generator:
            log("drive", drive(function(*arguments), 1))
            log("list", list(function(*arguments, o1=witness) if len(arguments) == 2 else function(*arguments)))
        else:
            log("value", function(*arguments, o1=witness))
    except Exception as error:
        log(type(error).__name__, str(error)[:200], where(error))
        error.__traceback__ = error.__context__ = None
    fuel = 0
    log("witness", sys.getrefcount(witness), live())


def main():
    for path in sys.argv[1:]:
        print("====", path.rpartition("/")[2])
        with open(path) as file:
            text = file.read()
        names = {key: value for key, value in globals().items() if not key.startswith("__")} | {"__name__": "fuzz", "g0": 1}
        exec(compile(text, "<fuzz>", "exec"), names)
        functions = [(key, names[key]) for key in sorted(names) if key[0] == "f" and key[1:].isdigit()]
        for _ in range(2):
            for arguments in ARGUMENTS:
                for name, function in functions:
                    log("call", name, arguments)
                    attempt(function, arguments, bool(function.__code__.co_flags & 0x20))
        print("\n".join(logged))
        logged.clear()


main()
