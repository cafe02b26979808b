# SPDX-License-Identifier: MIT
"""Martlet: an LLVM-backed method JIT for unmodified CPython 3.13.

    import martlet
    martlet.enable()

From then on functions and loops that run often are compiled to native code in the background, and run there. A
program behaves as it does without the JIT. ``MARTLET=1`` in the environment makes ``import martlet`` enable the JIT;
``python -m martlet FILE.py`` runs a whole program with it.

This file is a thin layer over the extension modules ``martlet._start``, which counts, and ``martlet._martlet``, which
compiles and is imported when it is needed: names, defaults, environment variables and clear errors. It must not know how
anything is compiled. It imports only what every process has loaded anyway: `typing` alone would triple what enabling
costs, and `__future__` add a fifth (hence annotations in quotes).
"""

import os as _os
import sys as _sys

TYPE_CHECKING = False  # type checkers know the name
if TYPE_CHECKING:
    from types import CodeType as _CodeType
    from types import FunctionType as _FunctionType
    from typing import Any as _Any

if _sys.implementation.name != "cpython" or _sys.version_info[:2] != (3, 13):
    raise ImportError(
        "martlet needs CPython 3.13; this is %s %d.%d"
        % (_sys.implementation.name, _sys.version_info[0], _sys.version_info[1])
    )

try:
    from . import _start
except ModuleNotFoundError as error:
    if error.name != __name__ + "._start":
        raise
    raise ImportError(
        "martlet's extension module is not built for this Python (%s); run scripts/run or scripts/python once"
        % _sys.executable
    ) from None

__version__ = "0.1.0"

__all__ = [
    "Option",
    "compile",
    "disable",
    "enable",
    "is_compiled",
    "is_enabled",
    "options",
    "reasons",
    "stats",
]


class Option:
    """One row of the option table: every option is a keyword of `enable`, an environment variable and a flag."""

    __slots__ = ("name", "type", "default", "description", "env", "flag")

    def __init__(
        self, name: str, type: str, default: "bool | int | str", description: str, env: str, flag: str
    ) -> None:
        self.name = name
        self.type = type  # "bool", "int" or "str"
        self.default = default
        self.description = description
        self.env = env
        self.flag = flag

    def __repr__(self) -> str:
        return "Option(" + ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__) + ")"


def options() -> "list[Option]":
    """All options, in the order of the table they come from."""
    return _option_table()


def enable(**options: "_Any") -> None:
    """Enable the JIT for all code of this process; options not given come from the environment, then the defaults.

    Raises TypeError for an unknown option or a value of a wrong type, ValueError for a value that is out of range or an
    environment variable that cannot be read, and RuntimeError where the JIT cannot work: an interpreter whose
    structures differ from those that martlet was built for, or ``sys.monitoring``'s tool id 5 in use by somebody else.
    After an error everything is as it was before.
    """
    if not options and (_sys.flags.ignore_environment or not _start.has_options()):
        return _start.enable()  # the engine, which knows the options, is loaded when something is hot
    import martlet._martlet as _martlet

    table = {option.name: option for option in _option_table()}
    for name, value in options.items():
        if name not in table:
            raise TypeError(f"unknown option {name!r}; the options are {', '.join(table)}")
        _check_type(table[name], value)
    values = _from_environment(table) | options
    stats_file = values.get("stats_file")
    if stats_file:
        _check_writable(stats_file)
    _martlet.enable(values)
    if stats_file:
        _write_stats_at_exit(stats_file)


def disable() -> None:
    """Disable the JIT: nothing is counted or compiled any more, and calls go to the interpreter."""
    _start.disable()


def is_enabled() -> bool:
    """True between `enable` and `disable`."""
    return _start.is_enabled()


def compile(function: "_FunctionType | _CodeType") -> bool:
    """Compile a function now, on this thread, whatever its counters say; RuntimeError where the JIT is not enabled.

    Returns True if the function has native code afterwards; where it returns False, `reasons` says why.
    A bound method or another wrapper stands for the function that it wraps.
    """
    import martlet._martlet as _martlet

    return _martlet.compile(_function_of(function))


def is_compiled(function: "_FunctionType | _CodeType") -> bool:
    """True if calling the function, or one of its loops, would run native code now."""
    import martlet._martlet as _martlet

    return _martlet.is_compiled(_function_of(function))


def stats() -> "dict[str, int | float]":
    """Plain numbers since the process started.

    Among them: ``compiled`` and ``failed`` (code objects), ``entries`` (calls that entered native code),
    ``osr_entries`` (entries in the middle of running code), ``resume_entries`` (of generators and coroutines),
    ``handler_entries`` (exception handlers), ``compile_seconds`` (processor time, and ``compile_seconds_median`` and
    ``compile_seconds_95`` of one compilation), ``gil_seconds`` (of it and of publishing, while the program had to wait),
    ``queued`` (compilations that were asked for and have no effect yet) and ``code_bytes`` (alive now).

    Leaving native code other than by a return is counted by reason, as ``exits_<Reason>``; exceptions, and results
    behind which native code must not go on (tracing was switched on, say), are ``exits_Helper``. ``exits`` is the sum of
    the reasons that are failed assumptions. ``exceptions`` counts the exceptions that native code met, whether the same
    frame handles them or not; ``caught`` those of them that it handled without being left.
    """
    import martlet._martlet as _martlet

    return _martlet.stats()


def reasons() -> "dict[str, int]":
    """Why functions were not compiled: a sentence for each reason, and how many code objects it kept interpreted."""
    import martlet._martlet as _martlet

    return _martlet.reasons()


def _option_table() -> "list[Option]":
    import martlet._martlet as _martlet

    return [Option(*row) for row in _martlet.option_table()]


def _check_writable(path: str) -> None:
    # Now, not when the program has run for an hour.
    place = path if _os.path.exists(path) else _os.path.dirname(path) or "."
    if _os.path.isdir(path) or not _os.access(place, _os.W_OK):
        raise ValueError(f"option 'stats_file': cannot write {path!r}")


def _write_stats_at_exit(path: str) -> None:
    import atexit

    path, process = _os.path.abspath(path), _os.getpid()

    def write() -> None:
        if _os.getpid() != process:  # a forked child, whose parent will write
            return
        import json

        import martlet._martlet as _martlet

        with open(path, "w") as file:
            json.dump(_martlet.stats(), file)

    atexit.register(write)


def _function_of(function: "_Any") -> "_FunctionType | _CodeType":
    function_type, code_type = type(_function_of), type(_function_of.__code__)
    if isinstance(function, (function_type, code_type)):
        return function
    inner = getattr(function, "__func__", None) or getattr(function, "__wrapped__", None)
    if isinstance(inner, function_type):
        return inner
    raise TypeError(f"expected a Python function, got {type(function).__name__}")


def _check_type(option: Option, value: object) -> None:
    # A bool is an int, but call_threshold=True is a mistake.
    expected = {"bool": bool, "int": int, "str": str}[option.type]
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise TypeError(f"option {option.name!r} has to be {option.type}, not {type(value).__name__}")


def _parse(option: Option, text: str, source: str) -> "bool | int | str":
    """The value of an option given as text; `source` names where it stands, for the error."""
    if option.type == "str":
        return text
    if option.type == "bool":
        word = text.strip().lower()
        if word in ("1", "true", "yes", "on"):
            return True
        if word in ("", "0", "false", "no", "off"):
            return False
        raise ValueError(f"{source} has to be 0 or 1, not {text!r}")
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{source} has to be a whole number, not {text!r}") from None


def _from_environment(table: "dict[str, Option]") -> "dict[str, bool | int | str]":
    if _sys.flags.ignore_environment:
        return {}
    return {
        name: _parse(option, _os.environ[option.env], option.env)
        for name, option in table.items()
        if option.env in _os.environ
    }


def _wanted_by_environment() -> bool:
    return not _sys.flags.ignore_environment and _os.environ.get("MARTLET", "0") not in ("", "0")


if _wanted_by_environment() and not is_enabled():  # before the program, with MARTLET=1 scripts/python
    enable()
