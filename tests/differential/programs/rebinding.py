# SPDX-License-Identifier: MIT
"""Globals and builtins that change under code that took them for constants."""

import builtins
import gc
import sys
import threading
import time
import types
import weakref

LIMIT = 1000
SCALE = 2.5
NAME = "first"
TABLE = [1, 2, 3]
counter = 0


def helper(x):
    return x + LIMIT


def uses_constants(n):
    total = 0
    for i in range(n):
        total += LIMIT + i
        if total > 100000:
            total -= LIMIT * 3
    return total, SCALE * n, NAME, len(TABLE)


def counts(n):
    global counter
    for _ in range(n):
        counter += 1
    return counter


def set_limit(value):
    global LIMIT
    LIMIT = value
    return value


def rebinds_through_call(n):
    seen = []
    for i in range(n):
        if i % 40 == 7:
            set_limit(i)
        seen.append(LIMIT)
    return sum(seen), seen[:10], seen[-1]


def argument_rebinds(n):
    """The callable is on the stack already when its global gets another value."""
    out = 0
    for i in range(n):
        out += helper(set_limit(i))
    return out


def make_helper(k):
    def helper(x):
        return x * k

    return helper


def replace_helper(k):
    global helper
    helper = make_helper(k)
    return k


def callee_is_replaced(n):
    out = []
    for i in range(n):
        out.append(helper(replace_helper(i)))
    return out[:5], sum(out)


class Noisy:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)

    def __call__(self, x):
        return (self.name, x)


noisy = Noisy("zero")


def drop(x):
    global noisy
    noisy = None
    print("dropped")
    noisy = Noisy(f"new {x}")
    return x


def lifetime(n):
    """An object of which the operand stack has the last reference dies with the call."""
    for i in range(n):
        print(noisy(drop(i)))
        print("after")


def dies_at_once(n):
    for i in range(n):
        noisy
        drop(i)
        print("after", noisy.name)


class Finalizer:
    def __del__(self):
        set_limit(-5)


def rebound_by_finalizer(n):
    total = 0
    for i in range(n):
        thing = Finalizer() if i % 10 == 3 else None
        total += LIMIT
        thing = None
        total += LIMIT * 10
        if i % 10 == 5:
            set_limit(i)
    return total


def reference_counts():
    before = sys.getrefcount(helper)
    for _ in range(50):
        helper(1)
        assert sys.getrefcount(helper) == before, (sys.getrefcount(helper), before)
    alive = weakref.ref(helper)
    replace_helper(3)
    gc.collect()
    return alive() is None


def patched_builtins(n):
    out = []
    for i in range(n):
        out.append(len("abc"))
        if i == n // 2:
            builtins.len = lambda x: -1
        if i == n // 2 + 3:
            globals()["len"] = lambda x: -2
        if i == n // 2 + 6:
            del builtins.len
        if i == n // 2 + 9:
            del globals()["len"]
            builtins.len = REAL_LEN
    return out[n // 2 - 2 :]


REAL_LEN = len


def deleted_then_builtin(n):
    global abs
    out = []
    for i in range(n):
        out.append(abs(-i))
        if i % 50 == 10:
            abs = lambda x: "global"
        if i % 50 == 20:
            del abs
    return out[5:30], out.count("global")


def missing(n):
    out = []
    for i in range(n):
        try:
            out.append(sometimes)
        except NameError as error:
            out.append(str(error))
        if i == 20:
            globals()["some" + "times"] = i
        if i == 40:
            del globals()["sometimes"]
    return out[18:24], out[38:44]


class Key(str):
    def __eq__(self, other):
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def odd_key(n):
    out = []
    for i in range(n):
        out.append(SCALE)
        if i == n // 2:
            globals()[Key("SCALE")] = 7.5
    return out[n // 2 - 1 : n // 2 + 2]


SHARED = """
def shared(n):
    total = 0
    for i in range(n):
        total += VALUE
    return total, len("x")
"""


def same_code_other_globals():
    code = compile(SHARED, "<shared>", "exec")
    spaces = []
    for value in (1, 2.5, 3):
        space = {"VALUE": value}
        if value == 3:
            space["__builtins__"] = {"range": range, "len": lambda x: "other"}
        exec(code, space)
        spaces.append(space)
    first = spaces[0]["shared"]
    clones = [types.FunctionType(first.__code__, space) for space in spaces]
    out = []
    for round in range(30):
        for clone in clones:
            out.append(clone(20))
    return out[:3], out[-3:]


class Space(dict):
    def __getitem__(self, name):
        if name == "VALUE":
            return 11
        return dict.__getitem__(self, name)


def odd_globals():
    space = Space(VALUE=1)
    exec(SHARED, space)
    return [space["shared"](30) for _ in range(30)][-1]


def exec_in_own_space():
    out = []
    for i in range(40):
        space = {"VALUE": i}
        exec(SHARED, space)
        out.append(space["shared"](10))
    return out[:2], out[-1]


def other_thread(n):
    stop = threading.Event()
    started = threading.Event()

    def rebind():
        while not stop.is_set():
            set_limit(77)
            started.set()

    thread = threading.Thread(target=rebind)
    set_limit(77)
    thread.start()
    started.wait()
    ok = True
    for _ in range(n):
        ok = ok and LIMIT == 77
    stop.set()
    thread.join()
    return ok


def waits_for_thread(turns):
    """The loop has no call, and another thread ends it when it has long been running."""
    global flag
    flag = False
    done = [0]

    def end():
        global flag
        while done[0] < turns:
            time.sleep(0.001)
        flag = True

    thread = threading.Thread(target=end)
    thread.start()
    while not flag:
        done[0] += 1
    thread.join()
    return done[0] >= turns


def in_handler(n):
    out = []
    for i in range(n):
        try:
            if i % 7 == 3:
                set_limit(i)
                raise ValueError(LIMIT)
            out.append(LIMIT)
        except ValueError as error:
            set_limit(error.args[0] + 1)
            out.append(LIMIT)
    return sum(out), out[-5:]


def generator(n):
    for i in range(n):
        yield LIMIT + i


def generated(n):
    out = []
    for i, value in enumerate(generator(n)):
        out.append(value)
        if i % 9 == 4:
            set_limit(i)
    return out[:12], sum(out)


def replaced_class(n):
    global Thing
    out = []
    for i in range(n):
        class Thing:
            kind = i

        out.append(make_thing().kind)
    return out[-3:], sum(out)


def make_thing():
    return Thing()


def cleared(n):
    space = {"VALUE": 5, "__builtins__": builtins}
    exec(SHARED, space)
    shared = space["shared"]
    out = [shared(n) for _ in range(n)]
    space.clear()
    try:
        shared(n)
    except NameError as error:
        out.append(str(error))
    return out[-1]


def main():
    for _ in range(3):
        print(uses_constants(60), counts(300))
        set_limit(10)
        print(uses_constants(60))
    print(rebinds_through_call(200))
    print(argument_rebinds(100))
    print(callee_is_replaced(30))
    lifetime(4)
    dies_at_once(4)
    print(rebound_by_finalizer(60))
    print(reference_counts())
    print(patched_builtins(40))
    print(deleted_then_builtin(120))
    print(missing(60))
    print(odd_key(40))
    print(same_code_other_globals())
    print(odd_globals())
    print(exec_in_own_space())
    print(other_thread(500))
    print(waits_for_thread(20000))
    print(in_handler(60))
    print(generated(40))
    print(replaced_class(20))
    print(cleared(30))


main()
