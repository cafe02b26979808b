# SPDX-License-Identifier: MIT
"""Exceptions whose handler is in the function that runs natively: it is reached without leaving native code."""

import sys
import traceback

from support import refcheck, say, table

ROUNDS = 12


class Tracked:
    """Tells when it goes, and what is handled and where the caller is at that time."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        frame = sys._getframe(1)
        print(f"end of {self.name}", type(sys.exception()).__name__, frame.f_lineno - frame.f_code.co_firstlineno)

    def __getitem__(self, key):
        raise KeyError(key)

    def __add__(self, other):
        raise ValueError(f"{self.name} + {getattr(other, 'name', other)}")

    def __getattr__(self, name):
        raise AttributeError(name)

    def __call__(self, *args, **keywords):
        raise LookupError(self.name)

    def __setitem__(self, key, value):
        raise IndexError(key)


def numbers(d, n):
    found, missed, total = 0, 0, 0.5
    for i in range(n):
        try:
            total += d[i]
            found += 1
        except KeyError:
            missed += 1
            total -= 0.25
    return found, missed, total, i


table(numbers, ({}, 9), ({1: 2.0, 3: 4}, 9), ({i: i for i in range(9)}, 9), ({1: "x"}, 9), rounds=ROUNDS)


def each_kind(n):
    log = []
    for i in range(n):
        kind = i % 12
        try:
            if kind == 0:
                [][i]
            elif kind == 1:
                {}[i]
            elif kind == 2:
                i.missing
            elif kind == 3:
                next(iter(()))
            elif kind == 4:
                int("x%d" % i)
            elif kind == 5:
                i / 0
            elif kind == 6:
                raise ValueError
            elif kind == 7:
                raise ValueError(i) from KeyError(i)
            elif kind == 8:
                "text"[i]
            elif kind == 9:
                [].pop()
            elif kind == 10:
                {}.pop(i)
            else:
                missing_global
        except (LookupError, ArithmeticError) as error:
            log.append((i, repr(error)))
        except StopIteration:
            log.append(i)
        except ValueError as error:
            log.append((i, repr(error), repr(error.__cause__)))
        except Exception as error:
            log.append((i, type(error).__name__, str(error)))
    return log


say(each_kind(40))


def lines(values):
    """Each traceback has one entry, with the line that failed."""
    log = []
    for value in values:
        try:
            first = value + 1
            second = value[0]
            log.append((first, second))
        except Exception as error:
            trace = error.__traceback__
            log.append((trace.tb_lineno - trace.tb_frame.f_code.co_firstlineno, trace.tb_next, trace.tb_lasti > 0))
            log.append(traceback.format_exception_only(error)[-1])
    return log


for _ in range(ROUNDS):
    found = lines([1, [2], "x", None, 3.5])
say(found)


def operands(kind):
    """Operands that die where the instruction fails, and what is on the stack below them."""
    try:
        for item in [Tracked("in the loop")]:
            if kind == 0:
                return Tracked("left") + Tracked("right")
            if kind == 1:
                return Tracked("owner")[Tracked("key").name]
            if kind == 2:
                return Tracked("owner").attribute
            if kind == 3:
                return Tracked("callee")(Tracked("argument"), Tracked("another"))
            if kind == 4:
                Tracked("owner")[0] = Tracked("value")
            if kind == 5:
                return [Tracked("first"), Tracked("second"), Tracked("third") + 1]
            if kind == 6:
                return Tracked("callee")(1, name=Tracked("keyword"))
            if kind == 7:
                return Tracked("callee")(*[Tracked("star")], **{"name": Tracked("double star")})
            if kind == 8:
                return len(Tracked("without a length"))
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        print("caught", kind, type(error).__name__)
        item = None
        return type(error).__name__


for _ in range(ROUNDS):
    for kind in range(9):
        operands(kind)


def nested(n):
    log = []
    for i in range(n):
        try:
            try:
                raise KeyError(i)
            except KeyError as inner:
                log.append(str(sys.exception()))
                if i % 3 == 0:
                    raise ValueError(i)
                if i % 3 == 1:
                    raise
                [][i]
            finally:
                log.append(("finally", str(sys.exception())))
        except ValueError as error:
            log.append((repr(error), repr(error.__context__)))
        except LookupError as error:
            log.append((repr(error), repr(error.__context__), error is sys.exception()))
        log.append(sys.exception())
    return log


say(nested(20))


def unbound(n):
    """Names that a handler takes away, and names that were never bound."""
    log = []
    for i in range(n):
        try:
            if i % 2:
                value = i
            log.append(value)
            del value
            log.append(value)
        except UnboundLocalError as error:
            log.append(str(error))
        try:
            error
        except NameError as another:
            log.append(type(another).__name__)
    return log


say(unbound(10))


class Suppressing:
    def __init__(self, kinds):
        self.kinds = kinds

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return kind is not None and issubclass(kind, self.kinds)


def with_blocks(n):
    log = []
    for i in range(n):
        try:
            with Suppressing(KeyError):
                with Suppressing(ValueError):
                    if i % 4 == 0:
                        {}[i]
                    if i % 4 == 1:
                        int("x")
                    if i % 4 == 2:
                        i.missing
                    log.append(i)
        except AttributeError as error:
            log.append(str(error))
    return log


say(with_blocks(24))


def raiser(kind):
    if kind == 1:
        raise ValueError("one")
    if kind == 2:
        return {}["two"]
    return kind


def calls(n):
    log, count = [], 0
    for i in range(n):
        try:
            count += raiser(i % 3)
        except ValueError as error:
            trace = error.__traceback__
            log.append([trace.tb_frame.f_code.co_name, trace.tb_next.tb_frame.f_code.co_name, trace.tb_next.tb_next])
        except KeyError:
            count += 100
    return count, log[-2:]


table(calls, (9,), (30,), rounds=ROUNDS)


def kept_frames(n):
    """Frames that a traceback keeps show what the function's variables were when it returned."""
    kept = None
    for i in range(n):
        square = i * i
        try:
            [][i]
        except IndexError as error:
            if i == n - 2:
                kept = error
    half = square / 2
    return kept


for _ in range(ROUNDS):
    frame = kept_frames(9).__traceback__.tb_frame
    shown = {name: value for name, value in frame.f_locals.items() if name != "kept"}
say(shown)


def watching(frame, event, argument):
    events.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
    return watching


def switches_tracing_on(i):
    if i == 6:
        sys.settrace(watching)
        sys._getframe(1).f_trace = watching
    raise ValueError(i)


def traced(n):
    count = 0
    for i in range(n):
        try:
            switches_tracing_on(i)
        except ValueError:
            count += i
    sys.settrace(None)
    return count


for _ in range(3):
    events = []
    say(traced(9))
    say(events)


def writes_locals(i):
    if i == 5:
        sys._getframe(1).f_locals["total"] = 1000
    raise KeyError(i)


def written(n):
    total = 0
    for i in range(n):
        try:
            writes_locals(i)
        except KeyError:
            total += i
    return total


table(written, (9,), (5,), rounds=ROUNDS)

factor = 2


def rebinds(i):
    global factor
    factor = i
    raise KeyError


def rebinding(n):
    global factor
    total, factor = 0, 2
    for i in range(n):
        try:
            total += factor
            rebinds(i)
        except KeyError:
            total += factor * 10
    return total


table(rebinding, (7,), (8,), rounds=ROUNDS)


def generator(values):
    for value in values:
        try:
            yield 10 // value
        except ZeroDivisionError:
            yield "zero"
        except TypeError as error:
            yield str(error)
        except KeyError:
            yield "thrown"


def drive():
    log = list(generator([1, 0, 2, "x", 5]))
    running = generator([1, 2, 3])
    log.append(next(running))
    log.append(running.throw(KeyError))
    return log + list(running)


for _ in range(ROUNDS):
    found = drive()
say(found)


def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        return "too deep"


limit = sys.getrecursionlimit()
sys.setrecursionlimit(200)
for _ in range(4):
    say(deep(0))
sys.setrecursionlimit(limit)


def groups(n):
    log = []
    for i in range(n):
        try:
            raise ExceptionGroup("group", [ValueError(i), KeyError(i)] if i % 2 else [KeyError(i)])
        except* ValueError as group:
            log.append(("values", len(group.exceptions)))
        except* KeyError as group:
            log.append(("keys", len(group.exceptions)))
    return log


say(groups(8))

shared, missing = {"k": []}, object()


def lookups():
    try:
        return shared[missing]
    except KeyError:
        return shared["k"]


def attributes():
    try:
        return missing.attribute
    except AttributeError as error:
        return error.obj is missing


def arguments():
    try:
        return raiser(1), missing
    except ValueError:
        return missing


for function in (lookups, attributes, arguments):
    refcheck(function, shared, missing, shared["k"])
refcheck(lambda: numbers({}, 5))
refcheck(lambda: nested(5))
refcheck(lambda: calls(6))
