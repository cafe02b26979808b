# SPDX-License-Identifier: MIT
import sys
import types

from support import refcheck, table


def local_import(n):
    import collections.abc as abc
    from os.path import basename as base, join
    import json.decoder

    return abc.Sized.__name__, base("/a/b"), join("a", str(n)), json.decoder.__name__, sorted(k for k in locals())


def star_import():
    namespace = {}
    exec("from string import *", namespace)
    return sorted(k for k in namespace if k != "__builtins__")


def missing(kind):
    if kind == 0:
        import no_such_module
    if kind == 1:
        from os import no_such_name
    if kind == 2:
        import os.no_such_part
    if kind == 3:
        from json import no_such as x
    if kind == 4:
        from . import relative


def fake_module(n):
    m = types.ModuleType("fake_module_for_test")
    sys.modules["fake_module_for_test"] = m
    m.value = n
    try:
        import fake_module_for_test

        m.__getattr__ = lambda name: f"lazy {name}"
        from fake_module_for_test import value, other

        return fake_module_for_test.value, value, other
    finally:
        del sys.modules["fake_module_for_test"]


def module_globals(n):
    m = types.ModuleType("m")
    exec(
        """
counter = 0
def bump(by=1):
    global counter
    counter += by
    return counter
class C:
    def get(self): return counter
for i in range(20):
    bump()
result = [bump(x) for x in range(3)], C().get()
""",
        m.__dict__,
    )
    m.counter = n
    return m.result, m.bump(), m.bump("x") if isinstance(n, str) else m.bump(2.5), m.C().get()


def custom_namespace():
    class Names(dict):
        def __missing__(self, key):
            if key.startswith("auto"):
                return key
            raise KeyError(key)

    out = {}
    exec("x = auto_one\ny = [auto_two, len(x)]\ndel x\nfor i in range(5): z = i", {"len": len}, names := Names())
    out.update(names)
    try:
        exec("nope", {}, Names())
    except NameError as e:
        out["error"] = str(e)
    return out


def own_builtins():
    code = "def f(): return len([1]), missing_name\n"
    g = {"__builtins__": {"len": lambda x: "mine"}}
    exec(code, g)
    try:
        return g["f"]()
    except NameError as e:
        return str(e)


def lambda_globals():
    f = types.FunctionType((lambda: X + 1).__code__, {"X": 5})
    g = types.FunctionType((lambda: X + 1).__code__, {"X": 5.5})
    return [f(), g(), f(), g()]


def same_code_two_globals(n):
    code = compile("total = 0\nfor i in range(n): total += i * step", "<two>", "exec")
    out = []
    for step in (1, 2.5, "x"):
        namespace = {"n": n, "step": step}
        try:
            exec(code, namespace)
        except TypeError as e:
            out.append(str(e))
        else:
            out.append(namespace["total"])
    return out


table(local_import, (1,), ("b",))
table(star_import, ())
table(missing, (0,), (1,), (2,), (3,), (4,), (5,))
table(fake_module, (1,), ("s",))
table(module_globals, (5,), (0.5,), ("s",))
table(custom_namespace, ())
table(own_builtins, ())
table(lambda_globals, ())
table(same_code_two_globals, (5,), (100,))
OBJ = object()


def leak():
    from os.path import join
    import os.path

    namespace = {"o": OBJ}
    exec(CODE, namespace)
    return namespace["f"](), join, os


CODE = compile("p = o\ndef f(q=o): return p, q", "<leak>", "exec")
# Not blocks: how many of them CPython keeps where code is executed again and again varies.
refcheck(leak, OBJ, blocks=False)
