# SPDX-License-Identifier: MIT
import sys
import traceback

from support import refcheck, table


class Custom(Exception):
    pass


def catch(kind):
    log = []
    try:
        log.append("try")
        if kind == 1:
            raise ValueError("one")
        if kind == 2:
            raise Custom("two")
        if kind == 3:
            [][1]
        if kind == 4:
            {}["k"]
        if kind == 5:
            return log
        if kind == 6:
            1 / 0
        if kind == 7:
            raise Custom
        if kind == 8:
            raise "text"
        if kind == 9:
            raise KeyboardInterrupt
    except (ValueError, IndexError) as e:
        log.append(repr(e))
    except Custom as e:
        log.append(("custom", e.args))
    except ArithmeticError:
        log.append(sys.exc_info()[0].__name__)
    except Exception as e:
        log.append(type(e).__name__)
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log


table(catch, *[(kind,) for kind in range(10)])


def finally_returns(kind):
    for i in range(3):
        try:
            if kind == 0:
                return "try"
            if kind == 1:
                raise ValueError
            if kind == 2:
                continue
            if kind == 3:
                break
        finally:
            if kind in (1, 2) and i == 1:
                return "finally", i
            if kind == 0:
                kind = 3
    return "end", i


table(finally_returns, *[(kind,) for kind in range(5)])


def nested(a, b, c):
    log = []
    try:
        try:
            try:
                if a:
                    raise KeyError(a)
            finally:
                log.append("f1")
                if b:
                    raise ValueError(b)
        except KeyError as e:
            log.append(("key", e.args, type(e.__context__).__name__))
            if c:
                raise RuntimeError(c) from e
        finally:
            log.append("f2")
    except Exception as e:
        log.append((repr(e), repr(e.__context__), repr(e.__cause__), e.__suppress_context__))
    return log


table(nested, *[(a, b, c) for a in (0, 1) for b in (0, 2) for c in (0, 3)])


def reraise(kind):
    try:
        try:
            raise ValueError(kind)
        except ValueError as e:
            if kind == 0:
                raise
            if kind == 1:
                raise e
            if kind == 2:
                raise TypeError("new")
            if kind == 3:
                raise TypeError("new") from None
            if kind == 4:
                raise TypeError("new") from KeyError("cause")
            if kind == 5:
                raise TypeError("new") from 5
            if kind == 6:
                e.add_note("a note")
                raise
    except Exception as e:
        return "".join(traceback.format_exception(e))


for kind in range(7):
    texts = [reraise(kind) for _ in range(4)]
    print(len(set(texts)), texts[-1])


def bare_raise():
    raise


def exc_info_depth():
    result = [sys.exc_info()[0]]
    try:
        raise KeyError
    except KeyError:
        result.append(sys.exc_info()[0].__name__)
        try:
            raise ValueError
        except ValueError:
            result.append(sys.exc_info()[0].__name__)
        result.append(sys.exc_info()[0].__name__)
    result.append(sys.exc_info()[0])
    return result


table(bare_raise, ())
table(exc_info_depth, ())


def bad_matcher(x):
    try:
        raise ValueError("v")
    except x:
        return "caught"


table(bad_matcher, (ValueError,), ((KeyError, ValueError),), (KeyError,), (5,), ((ValueError, 5),), ("x",), ((),))


def in_loop(n):
    caught = 0
    for i in range(n):
        try:
            if i % 3 == 0:
                raise Custom(i)
            if i % 5 == 0:
                int("x")
        except Custom as e:
            caught += e.args[0]
            continue
        except ValueError:
            caught -= 1
        caught += 1
    return caught


def while_true(n):
    i = 0
    while True:
        i += 1
        try:
            try:
                if i > n:
                    break
                if i % 2:
                    continue
            finally:
                i += 1
        except Exception:
            return "never"
    return i


table(in_loop, (0,), (1,), (40,), (200,))
table(while_true, (0,), (10,), (11,))


def name_deleted():
    try:
        raise ValueError
    except ValueError as e:
        del e
    try:
        raise ValueError
    except ValueError as e:
        e = 5
    return "e" in locals()


def deep(n):
    if n == 0:
        raise Custom("bottom")
    try:
        deep(n - 1)
    except Custom as e:
        e.add_note(f"at {n}")
        raise


table(name_deleted, ())
table(deep, (0,), (4,))


class Weird(Exception):
    def __init__(self):
        raise KeyError("in init")


def raise_class(cls):
    raise cls


table(raise_class, (Weird,), (ValueError,), (int,), (Custom("i"),), (None,))


def star(errors):
    log = []
    try:
        raise ExceptionGroup("g", errors)
    except* ValueError as g:
        log.append(("value", repr(g.exceptions)))
    except* (KeyError, TypeError) as g:
        log.append(("key/type", repr(g.exceptions)))
    else:
        log.append("else")
    finally:
        log.append("finally")
    return log


table(star, ([ValueError(1)],), ([KeyError(1), ValueError(2)],), ([OSError(3)],), ([ValueError(1), OSError(2), ExceptionGroup("h", [TypeError(4)])],))


def star_reraise(x):
    try:
        try:
            raise ExceptionGroup("g", [ValueError(1), TypeError(2)])
        except* ValueError:
            if x:
                raise KeyError("inside")
            raise
        except* TypeError as e:
            raise RuntimeError("other") from e
    except BaseException as e:
        return "".join(traceback.format_exception(e))


for x in (0, 1):
    texts = {star_reraise(x) for _ in range(4)}
    print(len(texts), *texts)


def star_plain():
    try:
        raise ValueError("plain")
    except* ValueError as g:
        return_value = g
    return repr(return_value)


table(star_plain, ())
OBJ = object()


def leak():
    local = OBJ
    try:
        try:
            raise Custom(local, OBJ)
        except Custom as e:
            x = e.args[0]
            raise ValueError(x) from e
        finally:
            y = OBJ
    except ValueError as e:
        z = e.args, y
    try:
        for q in (OBJ, OBJ):
            [OBJ, q, local][9]
    except IndexError:
        pass
    return z


def leak_out():
    local = OBJ
    for i in (1, OBJ):
        i + local


refcheck(leak, OBJ, Custom)
refcheck(leak_out, OBJ)
