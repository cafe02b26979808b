# SPDX-License-Identifier: MIT
"""A Python function's frame takes its operands over: nobody else holds a temporary while the call runs."""

from sys import getrefcount

import support


class Noisy(support.Noisy):
    def method(self, *args):
        return getrefcount(self), [getrefcount(arg) for arg in args]

    def forget(self):
        del self
        Noisy.log.append("behind del self")

    def plain(self, x):
        return getrefcount(self), getrefcount(x)


class Made:
    def __init__(self, value, *, named=None):
        # No counts: what holds the arguments besides depends on how far the interpreter has specialized the call.
        self.seen = value.name, named and named.name


class Broken:
    def __init__(self, x):
        return x


def forget(x):
    del x
    Noisy.log.append("behind del x")


def counts(x, y=None, *rest, **named):
    return getrefcount(x), getrefcount(y), [getrefcount(r) for r in rest], sorted(map(getrefcount, named.values()))


def fail(x):
    raise ValueError(x.name)


def temporaries():
    forget(Noisy("argument"))
    Noisy("self").forget()
    result = [Noisy("a").method(), Noisy("b").plain(Noisy("c")), Noisy("d").method(Noisy("e"), Noisy("f"))]
    result.append(counts(Noisy("g"), Noisy("h"), Noisy("i"), z=Noisy("j")))
    # No counts: an interpreted CALL_FUNCTION_EX holds its tuple while a compiled function runs.
    result.append(len(counts(*[Noisy("k")], **{"z": Noisy("m")})))
    result.append(len(counts(*(Noisy("n"),))))
    return result


def held(x, y):
    both = [x, y]
    method = x.method
    result = [x.method(), x.plain(x), method(x, y), counts(x, y, x, y), counts(x, z=y), len(counts(*both)), Noisy.plain(x, y)]
    result.append(Made(x).seen)
    result.append(Made(x, named=y).seen)
    result.append(Made(Noisy("o"), named=Noisy("p")).seen)
    return result


def errors(x):
    result = []
    for call in (lambda: fail(Noisy("q")), lambda: counts(), lambda: Broken(Noisy("r")), lambda: Made(x, Noisy("s")),
                 lambda: forget(Noisy("t"), Noisy("u")), lambda: forget(Noisy("v"), y=1), lambda: counts(*5),
                 lambda: counts(x, **{1: 2}), lambda: forget(x, **{"x": x})):
        try:
            call()
        except (TypeError, ValueError) as error:
            result.append(str(error))
    return result


def redefine(values):
    """The instruction's builtin becomes something else on the way."""
    def size(x):
        return getrefcount(x)

    result = []
    for call in (len, len, len, size, size, len, str, str, tuple, tuple, type, type, isinstance, size):
        try:
            result.append(call(values))
        except TypeError as error:
            result.append(str(error))
    return result


def appended(targets):
    class Recorder:
        def append(self, value):
            self.seen = getrefcount(value)
            return self.seen

    recorder = Recorder()
    out = []
    for target in [*targets, recorder, *targets, recorder]:
        out.append(target.append(Noisy("w")))
    return out, [len(t) for t in targets], recorder.seen


def run():
    x, y = Noisy("x"), Noisy("y")
    lines = [temporaries(), held(x, y), errors(x), redefine([1, 2]), appended([[], []]), (getrefcount(x), getrefcount(y))]
    del x, y
    lines.append(list(Noisy.log))
    Noisy.log.clear()
    return lines


first = run()
for _ in range(30):
    assert run() == first
for line in first:
    print(line)
