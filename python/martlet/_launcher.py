# SPDX-License-Identifier: MIT
"""The command line: runs a program under the JIT as ``python`` itself would run it.

Owns: argument parsing, the program's ``__main__`` module, ``sys.argv`` and ``sys.path[0]``, and keeping our own frames
out of tracebacks. The rules are those of CPython's Modules/main.c and Python/pythonrun.c.
Must not know: how anything is compiled. Like martlet itself it imports nothing that costs start-up time.
"""

import os
import sys

import martlet
from martlet import _start

TYPE_CHECKING = False  # type checkers know the name
if TYPE_CHECKING:
    from types import CodeType, ModuleType, TracebackType
    from typing import Any, Callable, NoReturn

_USAGE = "usage: python -m martlet [OPTIONS] (FILE.py | - | -m MODULE | -c CODE) [ARGUMENTS]"


def main() -> None:
    """Entry of ``python -m martlet``; leaves by an exception where the program does."""
    words = sys.argv[1:]
    chosen, kind, program, arguments = _parse_command_line(words)
    _forget_ourselves(words, kind, program, arguments)
    try:
        martlet.enable(**chosen)
    except (TypeError, ValueError, RuntimeError) as error:
        _fail(str(error))

    hook = sys.excepthook
    try:
        if kind == "-c":
            _run_command(program, arguments)
        elif kind == "-m":
            _run_module(program, arguments)
        elif kind == "-":
            _run_standard_input(arguments)
        else:
            _run_path(program, arguments)
    except SystemExit:
        raise
    except BaseException:
        # The interpreter prints the error after our frames have been left; only its hook sees the traceback then.
        if sys.excepthook is not None:
            hook = sys.excepthook
            sys.excepthook = lambda kind, error, traceback: _report(hook, error)
        raise


# ---- the command line ------------------------------------------------------------------------------------------------


def _parse_command_line(words: "list[str]") -> "tuple[dict[str, Any], str, str, list[str]]":
    """Options, the kind of program ("-m", "-c", "-" or "file"), the program, and the program's arguments."""
    chosen: dict[str, Any] = {}
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        if word in ("-m", "-c"):
            if position == len(words):
                _fail(f"argument expected for the {word} option")
            return chosen, word, words[position], words[position + 1 :]
        if word.startswith(("-m", "-c")):
            return chosen, word[:2], word[2:], words[position:]
        if word in ("-h", "--help"):
            _print_help()
            sys.exit(0)
        if word in ("-V", "--version"):
            print(f"martlet {martlet.__version__}, Python {sys.version.split()[0]}")
            sys.exit(0)
        if word == "-":
            return chosen, word, "", words[position:]
        if word == "--" and position < len(words):
            return chosen, "file", words[position], words[position + 1 :]
        if not word.startswith("-"):
            return chosen, "file", word, words[position:]
        flag, equals, text = word.partition("=")
        option = {option.flag: option for option in martlet.options()}.get(flag)
        if option is None:
            _fail(f"unknown option {flag}")
        if not equals:
            if option.type == "bool":
                text = "1"
            elif position < len(words):
                text = words[position]
                position += 1
            else:
                _fail(f"argument expected for the {flag} option")
        try:
            chosen[option.name] = martlet._parse(option, text, flag)
        except ValueError as error:
            _fail(str(error))
    _fail("no program given")


def _forget_ourselves(words: "list[str]", kind: str, program: str, arguments: "list[str]") -> None:
    """``sys.orig_argv`` as if the interpreter had been given the program itself."""
    before = sys.orig_argv[: len(sys.orig_argv) - len(words)]
    if before[-1] == "martlet":
        before.pop()
        flags = before.pop().removesuffix("m")
    elif before[-1].endswith("mmartlet"):
        flags = before.pop().removesuffix("mmartlet")
    else:
        return  # started in some other way
    if flags != "-":
        before.append(flags)
    # The program's own word, and the -m or -c before it unless it is one word with that.
    own = len(arguments) + (2 if kind in ("-m", "-c") and words[len(words) - len(arguments) - 1] == program else 1)
    sys.orig_argv[:] = [*before, *words[len(words) - own :]]


def _print_help() -> None:
    print(_USAGE)
    print()
    print("Runs a program with its hot functions and loops compiled to native code.")
    print()
    print("options (each also an environment variable, and a keyword of martlet.enable):")
    for option in martlet.options():
        value = "" if option.type == "bool" else f"={option.type.upper()}"
        print(f"  {option.flag + value:34} {option.description}")
        print(f"  {'':34} [{option.env}; default: {option.default!r}]")


def _fail(message: str) -> "NoReturn":
    print(f"martlet: {message}", file=sys.stderr)
    print(_USAGE, file=sys.stderr)
    sys.exit(2)


# ---- running the program ---------------------------------------------------------------------------------------------


def _run_command(source: str, arguments: "list[str]") -> None:
    sys.argv[:] = ["-c", *arguments]
    _set_first_path("")
    sys.audit("cpython.run_command", source)
    module = _new_main_module()
    code = _compile(source, "<string>")
    _register_source(source, code)
    _execute(code, module)


def _run_standard_input(arguments: "list[str]") -> None:
    """Of a terminal, too, all is read before any of it runs: there is no prompt."""
    sys.argv[:] = ["-", *arguments]
    _set_first_path("")
    sys.audit("cpython.run_stdin")
    module = _new_main_module()
    _execute_file(_compile(sys.stdin.buffer.read(), "<stdin>"), module, "<stdin>")


def _run_module(name: str, arguments: "list[str]") -> None:
    # sys.path[0] is the current folder already: martlet itself was started with -m.
    sys.argv[:] = ["-m", *arguments]
    _new_main_module()
    import runpy

    sys.audit("cpython.run_module", name)
    _at_bottom(runpy._run_module_as_main, name)


def _run_path(path: str, arguments: "list[str]") -> None:
    sys.argv[:] = [path, *arguments]
    absolute = path if os.path.isabs(path) else os.path.join(os.getcwd(), path)
    if _importer(absolute) is not None:
        # A folder or an archive with a __main__.py.
        _set_first_path(absolute, insert=True)
        _new_main_module()
        import runpy

        _at_bottom(runpy._run_module_as_main, "__main__", False)
        return
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    sys.audit("cpython.run_file", absolute)
    source = _read(absolute)
    module = _new_main_module()
    code, loader = _code_and_loader(source, absolute)
    module.__loader__ = loader
    _execute_file(code, module, absolute)


def _execute_file(code: "CodeType | None", module: "ModuleType", name: str) -> None:
    module.__file__ = name
    module.__cached__ = None
    try:
        if code is None:
            from martlet import _martlet  # the engine: seldom needed here

            _at_bottom(_martlet.run_file, name, vars(module))
        else:
            _execute(code, module)
    finally:
        # The interpreter forgets them too before it runs exit functions.
        vars(module).pop("__file__", None)
        vars(module).pop("__cached__", None)


def _read(path: str) -> bytes:
    """The file's bytes; on failure the interpreter's own message and status."""
    try:
        if os.path.isdir(path):
            print(f"{sys.executable}: {path!r} is a directory, cannot continue", file=sys.stderr)
            sys.exit(1)
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr
        )
        sys.exit(2)


def _is_plain_text(source: bytes) -> bool:
    """Whether the interpreter reads a file as it reads text: it has words of its own for what it cannot decode."""
    if b"\0" in source or any(b"coding" in line for line in source[:1000].splitlines()[:2]):
        return False
    try:
        source.decode()
    except UnicodeDecodeError:
        return False
    return True


def _code_and_loader(source: bytes, path: str) -> "tuple[CodeType | None, Any]":
    """Without code where the interpreter is to read the file itself."""
    from importlib.machinery import SourceFileLoader, SourcelessFileLoader

    if path.endswith(".pyc"):
        loader = SourcelessFileLoader("__main__", path)
        return loader.get_code("__main__"), loader
    loader = SourceFileLoader("__main__", path)
    return _compile(source, path) if _is_plain_text(source) else None, loader


def _compile(source: "str | bytes", name: str) -> "CodeType":
    if ("\0" if isinstance(source, str) else b"\0") in source:
        return compile(source, name, "exec", dont_inherit=True)  # has the error
    return _start.compile_program(source, name)


def _importer(path: str) -> "Any":
    """A path importer if the path is a folder or archive with a __main__ in it, as the interpreter decides it."""
    if not os.path.exists(path):
        return None
    for hook in sys.path_hooks:
        try:
            finder = hook(path)
        except ImportError:
            continue
        return finder
    return None


def _set_first_path(entry: str, insert: bool = False) -> None:
    if not sys.flags.safe_path:
        sys.path[0] = entry  # it was put there for -m martlet
    elif insert:
        sys.path.insert(0, entry)


def _new_main_module() -> "ModuleType":
    """A fresh ``__main__``, with what the interpreter puts in one before it runs anything, in that order."""
    import builtins
    from importlib.machinery import BuiltinImporter

    module = type(sys)("__main__")
    module.__loader__ = BuiltinImporter
    module.__annotations__ = {}
    module.__builtins__ = builtins
    sys.modules["__main__"] = module
    return module


def _register_source(source: str, code: "CodeType") -> None:
    """Tracebacks of -c show its lines: the interpreter keeps the source in linecache."""
    import linecache

    by_code = hasattr(linecache, "_interactive_cache")  # patch releases of 3.13 differ here
    linecache._register_code(code if by_code else "<string>", source, "<string>")


def _execute(code: "CodeType", module: "ModuleType") -> None:
    _at_bottom(exec, code, vars(module))


def _at_bottom(function: "Callable[..., Any]", *arguments: "Any") -> None:
    # With no frame of ours below, the program sees f_back is None and its whole recursion limit, as without us.
    _start.call_at_bottom(function, *arguments)


# ---- uncaught exceptions ---------------------------------------------------------------------------------------------


def _report(hook: "Callable[..., Any]", error: "BaseException") -> None:
    """Do what the interpreter would have done with an error that left the program itself."""
    sys.excepthook = hook
    traceback = _without_our_frames(error.__traceback__)
    error.__traceback__ = traceback
    sys.last_traceback = traceback
    try:
        hook(type(error), error, traceback)
    except SystemExit:
        raise
    except BaseException as second:
        # Printed here, because raising it would add our frames to its traceback.
        second.__traceback__ = _without_our_frames(second.__traceback__)
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(second), second, second.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, traceback)


def _without_our_frames(traceback: "TracebackType | None") -> "TracebackType | None":
    """Leave out everything up to the launcher's last frame: ours, and runpy's that started us."""
    rest = traceback
    while traceback is not None:
        code = traceback.tb_frame.f_code
        traceback = traceback.tb_next
        if code.co_filename == main.__code__.co_filename:
            rest = traceback
    return rest
