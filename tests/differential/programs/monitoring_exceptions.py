# SPDX-License-Identifier: MIT
"""Another monitoring tool's exception events, registered by a callee while its callers run natively: what they get, with
instruction offsets."""

import sys

M = sys.monitoring
TOOL = 3
NAMES = ["RAISE", "RERAISE", "EXCEPTION_HANDLED", "PY_UNWIND", "STOP_ITERATION", "PY_THROW"]
events = []
active = False


def start(really):
    global active
    if not really or active:
        return
    active = True
    M.use_tool_id(TOOL, "test")
    for name in NAMES:
        event = getattr(M.events, name)

        def callback(code, offset, error, name=name):
            if code.co_filename == __file__:
                events.append((name, code.co_name, offset, repr(error)))

        M.register_callback(TOOL, event, callback)
    mask = 0
    for name in NAMES:
        mask |= getattr(M.events, name)
    M.set_events(TOOL, mask)


def stop():
    global active
    if active:
        M.set_events(TOOL, 0)
        for name in NAMES:
            M.register_callback(TOOL, getattr(M.events, name), None)
        M.free_tool_id(TOOL)
        active = False


def thrower(really):
    start(really)
    raise ValueError("thrower")


def c_call(really):
    start(really)
    return int("x")


def key(item):
    start(item)
    raise KeyError(item)


class Thing:
    def __init__(self, really=None):
        if really is not None:
            thrower(really)

    def method(self, really):
        thrower(really)

    @property
    def value(self):
        thrower(flag[0])

    def __getitem__(self, really):
        thrower(really)

    def __add__(self, really):
        thrower(really)

    def __iter__(self):
        return self

    def __next__(self):
        thrower(flag[0])


flag = [False]  # in a list: where a global is rebound, its readers are compiled again


def by_function(really):
    x = 1
    try:
        thrower(really)
    except KeyError:
        x = 2
    return x


def by_handler(really):
    try:
        return by_function(really)
    except ValueError as error:
        return str(error)


def by_keyword(really):
    return thrower(really=really)


def by_star(really):
    return thrower(*(really,))


def by_stars(really):
    return thrower(**{"really": really})


def by_method(really):
    return Thing().method(really)


def by_bound_method(really):
    method = Thing().method
    return method(really)


def by_class(really):
    return Thing(really)


def by_property(really):
    return Thing().value


def by_subscript(really):
    return Thing()[really]


def by_operator(really):
    return Thing() + really


def by_iteration(really):
    for _ in Thing():
        pass


def by_c_function(really):
    return sorted([really], key=key)


def by_finally(really):
    try:
        return by_handler(really) + by_function(really)
    finally:
        x = 1


def by_with(really):
    import contextlib

    with contextlib.suppress(KeyError):
        thrower(really)


def generate(really):
    yield 1
    thrower(really)


def by_generator(really):
    for _ in generate(really):
        pass


def delegate(really):
    yield from generate(really)


def by_delegation(really):
    return list(delegate(really))


def by_wrong_arguments(really):
    start(really)
    return thrower(1, 2)


def by_c_call(really):
    try:
        return c_call(really)
    except ValueError:
        raise TypeError("other") from None


def deep(really, n=4):
    if n == 0:
        return by_c_call(really)
    return deep(really, n - 1)


def comprehension(really):
    return [thrower(really) for _ in range(2)]


def callback_raises(really):
    def raiser(code, offset, error):
        M.register_callback(TOOL, M.events.RAISE, None)
        raise LookupError("from the callback")

    def begin():
        start(really)
        if really:
            M.register_callback(TOOL, M.events.RAISE, raiser)
        raise ValueError("first")

    try:
        begin()
    except LookupError as error:
        return repr(error)
    except ValueError as error:
        return repr(error)


def attempt(function, really):
    try:
        return function(really)
    except Exception as error:
        return repr(error)
    finally:
        stop()


SPECIALIZED = {"deep", "by_class", "by_property", "by_subscript", "by_generator", "delegate", "generate"}
FUNCTIONS = [
    by_function, by_handler, by_keyword, by_star, by_stars, by_method, by_bound_method, by_class, by_property, by_subscript,
    by_operator, by_iteration, by_c_function, by_finally, by_with, by_generator, by_delegation, by_wrong_arguments, by_c_call,
    deep, comprehension, callback_raises,
]  # fmt: skip

for function in FUNCTIONS:
    for _ in range(20):
        attempt(function, False)
    events.clear()
    flag[0] = True
    print(function.__name__, attempt(function, True))
    flag[0] = False
    for name, code, offset, error in events:
        # Whether the interpreter enters the callee without a C call depends on specialization, and on who called natively.
        print("   ", name, code, error, *([] if code in SPECIALIZED else [offset]))
    events.clear()
