# SPDX-License-Identifier: MIT
# Switching the engine on and off, as the Python layer uses it (implemented in libjit/start.cpp).
from types import CodeType
from typing import Any, Callable

def enable() -> None: ...
def disable() -> None: ...
def is_enabled() -> bool: ...
def has_options() -> bool:
    """Whether the environment has a variable MARTLET_…"""

def compile_program(source: str | bytes, name: str, /) -> CodeType:
    """As `compile(source, name, "exec", dont_inherit=True)`, of a source without null bytes."""

def call_at_bottom(function: Callable[..., Any], /, *arguments: Any) -> Any:
    """Call with no Python frame below, as the interpreter runs a main program: f_back is None."""
